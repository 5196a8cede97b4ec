"""A video behind the subject, shown at its own speed and repeated."""

from collections.abc import Iterator
from pathlib import Path

from av import VideoFrame

from limner.rendering.backgrounds import lay_out
from limner.rendering.options import Options
from limner.video.reader import Clip


class MovingBackground:
    """Gives the frame of a video that is to be seen at a time; use it as a context."""

    def __init__(self, path: str | Path, clip: Clip, layout: str, options: Options) -> None:
        """Open a video to go behind the subject of a clip whose frames are composed in the format ``layout``.

        Raises:
            InputError: If it is no video.
        """
        self._path, self._front, self._format = path, clip, layout
        self._fit, self._align = options.fit, options.align[::-1]
        self._begun = 0.0  # when this round began, seconds
        self._end = 0.0  # of the frame that is shown
        self._shown: VideoFrame | None = None
        self._frame = self._rewind()

    def at(self, seconds: float) -> VideoFrame:
        """The frame at a time, of the size, format and colours of the clip in front; times never fall."""
        while self._end <= seconds:
            following = next(self._frames, None)
            if following is None:
                self._clip.close()
                self._begun = self._end
                following = self._rewind()
            self._frame, self._shown = following, None
        if self._shown is None:
            image = self._clip.scaler.rgb(self._frame)
            picture = lay_out(image, self._front.size, fit=self._fit, align=self._align)
            self._shown = self._front.scaler.planes(picture, self._format)
        return self._shown

    def __enter__(self) -> "MovingBackground":
        return self

    def __exit__(self, *_: object) -> None:
        self._clip.close()

    def _rewind(self) -> VideoFrame:
        self._clip = Clip(self._path)
        self._frames = self._timed()
        return next(self._frames)

    def _timed(self) -> Iterator[VideoFrame]:
        for frame, _ in self._clip.frames("yuv420p"):
            self._end = self._begun + float(((frame.pts or 0) + frame.duration) * self._clip.time_base)
            yield frame
