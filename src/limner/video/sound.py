"""The sound of a clip on its way into another container: copied, or encoded anew where it cannot be."""

import logging
from contextlib import suppress
from typing import Protocol

from av import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError

from limner.errors import InputError
from limner.video.outputs import SOUND
from limner.video.reader import Sound

RATE = 48_000
"""Of sound that is encoded anew, samples a second: the only one that Opus plays at."""

_log = logging.getLogger(__name__)


class Track(Protocol):
    """One stream of sound in the container that is written."""

    def packets(self, packet: "Sound | None") -> list[Sound]:
        """What is to be written for a packet of the clip; None after the last one."""


def add_track(container: OutputContainer, source: AudioStream, extension: str) -> Track:
    """A stream of sound in a container, copied if that can hold it, else encoded anew, which is said.

    Args:
        container: Is written to.
        source: The stream of the clip.
        extension: Of the container, a key of `limner.video.outputs.SOUND`.
    """
    try:
        return _Copied(container.add_stream_from_template(source))
    except ValueError:
        name, encoder = SOUND[extension]
        _log.warning(
            "%s cannot hold this sound (%s): it is encoded anew as %s",
            extension,
            source.codec_context.name,
            name,
        )
        return _Encoded(container, source, encoder)


class _Copied:
    """Packets as they are."""

    def __init__(self, stream: AudioStream) -> None:
        self._stream = stream

    def packets(self, packet: "Sound | None") -> list[Sound]:
        """The same packet."""
        if packet is None:
            return []
        packet.stream = self._stream
        return [packet]


class _Encoded:
    """Packets decoded and encoded anew, in mono or stereo; those that are damaged are left out."""

    def __init__(self, container: OutputContainer, source: AudioStream, encoder: str) -> None:
        self._stream = container.add_stream(encoder, rate=RATE)
        assert isinstance(self._stream, AudioStream)
        self._stream.codec_context.layout = "mono" if source.codec_context.channels == 1 else "stereo"

    def packets(self, packet: "Sound | None") -> list[Sound]:
        """What the encoder gives for a packet."""
        assert isinstance(self._stream, AudioStream)
        if packet is None:
            return self._stream.encode(None)
        made: list[Sound] = []
        frames = []
        with suppress(FFmpegError):
            frames = packet.decode()
        for frame in frames:
            try:
                made += self._stream.encode(frame)
            except ValueError as error:
                raise InputError(
                    "the sound changes its rate or its channels on the way and cannot be encoded anew: "
                    "write .mkv, which takes it as it is, or leave it out with --no-sound"
                ) from error
        return made
