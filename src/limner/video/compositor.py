"""One frame and its alpha become a finished frame, plane by plane.

The equations are those of `limner.rendering.render`, `limner.rendering.backgrounds` and
`limner.mattes.foreground`; they are affine in the colours, so they hold for Y'CbCr as they do for RGB. Two
things are coarser than for a photo, since a frame has thirty milliseconds: the edge and the colours beside
it are computed on a smaller grid, and blur is made on a small copy of the frame, where its radius is
`BLUR_RADIUS` pixels, as it holds nothing finer.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from av import VideoFrame

from limner.errors import InputError
from limner.images import Alpha, Colour, Image, Photo, Size, average_pool, resize, resize_maps
from limner.images.photo import mix
from limner.images.strips import strips
from limner.mattes.foreground import estimate_foreground
from limner.mattes.refine import refine_edge
from limner.models.spec import to_alpha
from limner.rendering.backgrounds import blurred, desaturated, lay_out, shadow
from limner.rendering.options import OWN, PICTURE, Options
from limner.rendering.render import adjusted_alpha
from limner.video.decoder import Sound
from limner.video.frames import Plane, Scaler, alpha_plane, black, blank, fill, levels, planes
from limner.video.motion_features import MotionFeatures
from limner.video.temporal import edge_grid

BLUR_RADIUS = 4.0
"""Of the blur on the small copy, pixels."""
COLOUR_GRID = 96
"""Longer side of the grid on which the colours beside the edge are estimated, pixels."""
_UNSEEN = np.zeros((1, 1, 3), np.uint8)  # a photo of which nothing is asked


@dataclass(frozen=True)
class Matted:
    """A frame on its way: with the alpha of its subject, and what goes behind where that moves."""

    frame: VideoFrame
    alpha: Alpha  # (h, w): of the network's size, and of the frame's once it is refined
    seen: Image  # the frame as the network saw it
    features: MotionFeatures | None = None
    behind: VideoFrame | None = None  # of the frame's size and format
    sound: list[Sound] = field(default_factory=list)


class Compositor:
    """Composes the frames of a clip; thread-safe."""

    def __init__(self, options: Options, scaler: Scaler, size: Size, *, formats: tuple[str, str]) -> None:
        """Prepare for frames of a clip; ``formats`` are theirs and that of the finished ones.

        Raises:
            InputError: If the options do not suit moving pictures.
        """
        if options.crop:
            raise InputError("a video is not cropped to its subject, which moves: leave out --crop")
        if options.refine == "fine":
            raise InputError("the fine refinement takes seconds a frame: leave out --refine fine for a video")
        self._options, self._scaler, self._size = options, scaler, size
        self._working, self._format = formats
        self._black = black(self._working, scaler.colours)
        self._still = self._still_background()

    def pixels(self, item: Matted) -> Image:
        """The frame's colours, (H, W, 3) uint8."""
        return self._scaler.rgb(item.frame)

    def refined(self, item: Matted) -> Matted:
        """The same with its alpha refined, at the size of the frame."""
        if self._options.refine == "none":
            return replace(item, alpha=to_alpha(item.alpha, self._size))
        return replace(item, alpha=refined(self.pixels(item), item.seen, item.alpha))

    def __call__(self, item: Matted) -> VideoFrame:
        """The finished frame, from an alpha of its size."""
        options = self._options
        alpha = adjusted_alpha(Photo(pixels=_UNSEEN), item.alpha, options)
        result = blank(self._format, self._size, item.frame)
        if options.mask:
            return fill(result, self._matte(alpha))
        front = planes(item.frame)
        if options.background not in OWN:
            front = _foreground(front, alpha, self._working)
        if options.transparent:
            return fill(result, self._cut(front, alpha))
        behind = self._behind(item, alpha)
        if options.shadow:
            shade = 1 - shadow(alpha, opacity=options.shadow / 100)
            behind = _mix(behind, shade, self._flat((0, 0, 0)))
        return fill(result, _mix(front, alpha, behind))

    def _still_background(self) -> list[Plane]:
        options = self._options
        if options.background in ("transparent", *OWN):
            return []
        if options.background != PICTURE:
            return self._flat(options.colour[0])
        if options.picture is None:  # it moves
            return []
        across, down = options.align
        picture = lay_out(options.picture, self._size, fit=options.fit, align=(down, across))
        return planes(self._scaler.planes(picture, self._working))

    def _behind(self, item: Matted, alpha: Alpha) -> list[Plane]:
        if item.behind is not None:
            return planes(item.behind)
        if self._still:
            return self._still
        if self._options.background == "original":
            return planes(item.frame)
        if self._options.background == "grey":
            picture = desaturated(self._scaler.rgb(item.frame))
        else:
            radius = self._options.blur / 100 * max(self._size)
            scale = max(1.0, radius / BLUR_RADIUS)
            small = (max(1, round(self._size[0] / scale)), max(1, round(self._size[1] / scale)))
            picture = blurred(
                self._scaler.rgb(item.frame, small),
                resize_maps(alpha, small),
                radius=radius / scale,
                lens=self._options.lens,
            )
        return planes(self._scaler.planes(picture, self._working, self._size))

    def _matte(self, alpha: Alpha) -> list[Plane]:
        if self._format == "gray":
            return [alpha_plane(alpha, self._format)]
        deep = 4 if "10" in self._working else 1
        low, high = (0, 256 * deep - 1) if self._scaler.colours.full else (16 * deep, 235 * deep)
        luma = levels(alpha, high - low, low)
        return [luma, *(np.full_like(luma[:1, :1], value) for value in self._black[1:])]

    def _cut(self, front: list[Plane], alpha: Alpha) -> list[Plane]:
        """The straight colours, black where nothing is seen, and the alpha; shadow and tint below them."""
        options = self._options
        layers: list[tuple[Colour, Alpha]] = []
        if options.shadow:
            layers.append(((0, 0, 0), shadow(alpha, opacity=options.shadow / 100)))
        colour, tint = options.colour
        if tint:
            layers.append((colour, np.full_like(alpha, tint)))
        for colour, below in layers:
            whole = alpha + (1 - alpha) * below
            fraction = np.divide(alpha, whole, out=np.ones_like(alpha), where=whole > 0)
            front = _mix(front, fraction, self._flat(colour))
            alpha = whole
        opacity = alpha_plane(alpha, self._format)
        return [*_mix(front, (opacity > 0).astype(np.float32), self._flat((0, 0, 0))), opacity]

    def _flat(self, colour: Colour) -> list[Plane]:
        """Planes of one colour."""
        one = np.array(colour, np.uint8)[None, None].repeat(2, axis=0).repeat(2, axis=1)
        values = [plane[:1, :1] for plane in planes(self._scaler.planes(one, self._working))]
        like = planes(VideoFrame(self._size[1], self._size[0], self._working))
        return [np.broadcast_to(value, plane.shape) for value, plane in zip(values, like, strict=True)]


def refined(image: Image, seen: Image, found: Alpha) -> Alpha:
    """A network's alpha (h, w), of a frame as it saw it (h, w, 3), refined at the frame's size, (H, W)."""
    size = image.shape[0], image.shape[1]
    grid = edge_grid(size)
    pixels = np.moveaxis(resize(seen, grid), 2, 0).astype(np.float32)
    return refine_edge(image, to_alpha(found, size), pixels, to_alpha(found, grid))


def _mix(front: list[Plane], alpha: Alpha, behind: list[Plane]) -> list[Plane]:
    """``round(alpha * F + (1 - alpha) * B)`` of every plane, the alpha made as small as the plane."""
    alphas = {alpha.shape: alpha}
    result = []
    for plane, back in zip(front, behind, strict=True):
        if plane.shape not in alphas:
            alphas[plane.shape] = average_pool(alpha)
        mixed = np.empty_like(plane)
        for rows in strips(len(plane), plane[0].nbytes):
            mixed[rows] = mix(plane[rows], alphas[plane.shape][rows], back[rows])
        result.append(mixed)
    return result


def _foreground(front: list[Plane], alpha: Alpha, layout: str) -> list[Plane]:
    """The subject's own colours along its edge, in planes of the same sizes."""
    height, width = alpha.shape
    full = []
    for plane in front:
        step = 2 if plane.shape != alpha.shape else 1
        full.append(plane.repeat(step, axis=0).repeat(step, axis=1)[:height, :width])
    found = estimate_foreground(np.stack(full, axis=-1), alpha, grid=COLOUR_GRID)
    highest = 1023 if "10" in layout else 255
    result: list[Plane] = []
    for plane, before, channel in zip(front, full, np.moveaxis(found, -1, 0), strict=True):
        channel = channel.clip(0, highest)
        if plane.shape == alpha.shape:
            result.append(channel.astype(plane.dtype))
        elif np.array_equal(channel, before):
            result.append(plane)
        else:
            small = average_pool(channel.astype(np.float32))
            result.append(np.rint(small).astype(plane.dtype))
    return result
