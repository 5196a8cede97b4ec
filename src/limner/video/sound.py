"""The sound of a clip on its way into another container: copied, or encoded anew where it cannot be."""

import logging
from contextlib import suppress
from typing import cast

from av import AudioFrame, AudioStream
from av.container import OutputContainer
from av.error import FFmpegError

from limner.errors import InputError
from limner.video.decoder import Sound
from limner.video.outputs import SOUND

RATE = 48_000
"""Of sound that is encoded anew, samples a second: the only one that Opus plays at."""

_log = logging.getLogger(__name__)


class Track:
    """One stream of sound in a container, copied if that can hold it, else encoded anew, which is said.

    Sound is encoded anew in mono or stereo; packets that are damaged are left out.
    """

    def __init__(self, container: OutputContainer, source: AudioStream, extension: str) -> None:
        """Add a stream of a clip to a container; ``extension`` is a key of `limner.video.outputs.SOUND`."""
        self._copied = True
        try:
            self._stream = container.add_stream_from_template(source)
        except ValueError:
            self._copied = False
            name, encoder = SOUND[extension]
            codec = source.codec_context
            _log.warning(
                "%s cannot hold this sound (%s): it is encoded anew as %s", extension, codec.name, name
            )
            self._stream = cast(AudioStream, container.add_stream(encoder, rate=RATE))
            self._stream.codec_context.layout = "mono" if codec.channels == 1 else "stereo"

    def packets(self, packet: "Sound | None") -> list[Sound]:
        """What is to be written for a packet of the clip; None after the last one."""
        if self._copied:
            if packet is None:
                return []
            packet.stream = self._stream
            return [packet]
        frames: list[AudioFrame | None] = [None]
        if packet is not None:
            frames = []
            with suppress(FFmpegError):
                frames += packet.decode()
        try:
            return [made for frame in frames for made in self._stream.encode(frame)]
        except ValueError as error:
            raise InputError(
                "the sound changes its rate or its channels on the way and cannot be encoded anew: "
                "write .mkv, which takes it as it is, or leave it out with --no-sound"
            ) from error
