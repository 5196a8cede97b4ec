"""A video behind the subject, shown at its own speed and repeated."""

from collections.abc import Generator
from pathlib import Path

from av import VideoFrame

from limner.rendering.backgrounds import lay_out
from limner.rendering.options import Options
from limner.video.reader import Clip


class MovingBackground:
    """Gives the frame of a video that is to be seen at a time, until it is closed."""

    def __init__(self, path: str | Path, clip: Clip, layout: str, options: Options) -> None:
        """Open a video to go behind the subject of a clip whose frames are composed in the format ``layout``.

        Raises:
            InputError: If it is no video.
        """
        self._front, self._format = clip, layout
        self._fit, self._align = options.fit, options.align[::-1]
        self._shown: VideoFrame | None = None
        self._frames = _repeated(path)
        self._following()

    def at(self, seconds: float) -> VideoFrame:
        """The frame at a time, of the size, format and colours of the clip in front; times never fall."""
        while self._end <= seconds:
            self._following()
        if self._shown is None:
            image = self._clip.scaler.rgb(self._frame)
            picture = lay_out(image, self._front.size, fit=self._fit, align=self._align)
            self._shown = self._front.scaler.planes(picture, self._format)
        return self._shown

    def close(self) -> None:
        """Let go of the video."""
        self._frames.close()

    def _following(self) -> None:
        self._clip, self._frame, self._end = next(self._frames)
        self._shown = None


def _repeated(path: str | Path) -> Generator[tuple[Clip, VideoFrame, float], None, None]:
    """The frames of a video again and again, each with its clip and the second when it ends."""
    end = 0.0
    while True:
        begun = end
        with Clip(path) as clip:
            for frame, _ in clip.frames("yuv420p"):
                end = begun + float(((frame.pts or 0) + frame.duration) * clip.time_base)
                yield clip, frame, end
