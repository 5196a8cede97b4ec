"""Clips: open one and iterate its frames, write one, map a function over one, cut the subject out of one.

The only package that touches FFmpeg (PyAV), which is loaded when one of the names below is first used.
When a clip is cut, its frames stay in the planes of their codec, Y'CbCr in 8 or 10 bits: mixing is linear, so
``alpha * F + (1 - alpha) * B`` holds plane by plane, and opaque pixels reach the encoder bit for bit.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from limner.errors import MissingExtraError

if TYPE_CHECKING:
    from limner.video.contact_sheet import preview
    from limner.video.decoder import Part
    from limner.video.mapping import map_frames, write_clip
    from limner.video.opening import Demuxer
    from limner.video.outputs import Encoding
    from limner.video.pipeline import cut
    from limner.video.reader import Clip, Frame, open_clip
    from limner.video.writer import Outcome

__all__ = [
    "Clip", "Demuxer", "Encoding", "Frame", "Outcome", "Part", "cut", "map_frames", "open_clip", "preview",
    "write_clip",
]  # fmt: skip

_HOMES = {
    "contact_sheet": ("preview",),
    "mapping": ("map_frames", "write_clip"),
    "opening": ("Demuxer",),
    "outputs": ("Encoding",),
    "pipeline": ("cut",),
    "decoder": ("Part",),
    "reader": ("Clip", "Frame", "open_clip"),
    "writer": ("Outcome",),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            try:
                return getattr(import_module(f"limner.video.{module}"), name)
            except ModuleNotFoundError as error:
                if error.name != "av":
                    raise
                raise MissingExtraError("video", "av") from error
    raise AttributeError(f"module 'limner.video' has no attribute '{name}'")
