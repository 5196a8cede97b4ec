"""Pictures in and out: decode, orient, resize, encode. The only room that touches Pillow.

Inside the package a picture has one form, the array aliases below; everything else is converted here.
"""

from limner.images.animation import ANIMATED, Animation, encode_frames, load_animation
from limner.images.arrays import MAX_PIXELS, Alpha, Colour, Image, Labels, Mask, Pixels, Rgba, Size
from limner.images.check import Picture, as_alpha, as_image, as_photo
from limner.images.colour import parse_colour
from limner.images.decode import (
    load_alpha,
    load_grey,
    load_image,
    load_photo,
    picture_size,
    to_pillow,
)
from limner.images.depth import to_depth, to_uint8
from limner.images.encode import FORMATS, check_format, encode_image, encode_photo, save_image, save_photo
from limner.images.metadata import METADATA, Metadata
from limner.images.opening import Pillow, Source
from limner.images.photo import Photo, blend
from limner.images.resize import (
    FeatureMap,
    average_pool,
    downsample,
    resize,
    resize_longest,
    resize_maps,
    resize_nearest,
)
from limner.images.warp import Flow, sample_bilinear, warp

__all__ = [
    "ANIMATED", "FORMATS", "MAX_PIXELS", "METADATA", "Alpha", "Animation", "Colour", "FeatureMap", "Flow",
    "Image", "Labels", "Mask", "Metadata", "Photo", "Picture", "Pillow", "Pixels", "Rgba", "Size",
    "Source", "as_alpha", "as_image", "as_photo", "average_pool", "blend", "check_format", "downsample",
    "encode_frames", "encode_image", "encode_photo", "load_alpha", "load_animation",
    "load_grey", "load_image", "load_photo", "parse_colour", "picture_size", "resize", "resize_longest",
    "resize_maps", "resize_nearest", "sample_bilinear", "save_image", "save_photo", "to_depth",
    "to_pillow", "to_uint8", "warp",
]  # fmt: skip
