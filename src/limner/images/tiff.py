"""TIFF files, written on all cores: strips of rows, packed one by one, at 8 or 16 bits a channel."""

import io

import numpy as np
import PIL.ExifTags
import PIL.Image
import PIL.TiffImagePlugin as Tiff
import PIL.TiffTags

from limner.images.deflate import pack
from limner.images.depth import channels, samples
from limner.images.photo import Photo
from limner.images.strips import map_strips, strips

_DEFLATE, _INTERLEAVED, _DIFFERENCES, _STRAIGHT, _INCH = 8, 1, 2, 2, 2
_GREY, _RGB = 1, 2
_NESTED = (PIL.ExifTags.IFD.Exif, PIL.ExifTags.IFD.GPSInfo)


def encode_tiff(photo: Photo, *, compress: bool, exif: PIL.Image.Exif) -> bytes:
    """Encode a photo as TIFF with this EXIF data, not its own; its opacity follows the colours."""
    pixels, alpha = photo.pixels, photo.alpha
    height, width = pixels.shape[:2]
    count = channels(pixels, alpha)
    parts = strips(height, width * count * pixels.itemsize)

    def packed(rows: slice) -> bytes:
        values = samples(pixels, alpha, rows)
        differences = np.empty(values.shape, values.dtype.newbyteorder("<"))
        differences[:, :1] = values[:, :1]
        np.subtract(values[:, 1:], values[:, :-1], out=differences[:, 1:])
        return pack(differences.data, compress=compress)

    stored = list(map_strips(packed, parts))
    tags = Tiff.ImageFileDirectory_v2()
    for tag in exif:
        tags[tag] = exif.get_ifd(tag) if tag in _NESTED else exif[tag]
    tags[Tiff.IMAGEWIDTH], tags[Tiff.IMAGELENGTH] = width, height
    tags[Tiff.BITSPERSAMPLE] = (8 * pixels.itemsize,) * count
    tags[Tiff.SAMPLESPERPIXEL] = count
    tags[Tiff.COMPRESSION], tags[Tiff.PREDICTOR] = _DEFLATE, _DIFFERENCES
    tags[Tiff.PHOTOMETRIC_INTERPRETATION] = _RGB if count > 2 else _GREY
    tags[Tiff.PLANAR_CONFIGURATION] = _INTERLEAVED
    if count in (2, 4):
        tags[Tiff.EXTRASAMPLES] = _STRAIGHT
    if photo.profile is not None:
        tags.tagtype[Tiff.ICCPROFILE] = PIL.TiffTags.UNDEFINED
        tags[Tiff.ICCPROFILE] = photo.profile
    if photo.dpi is not None:
        tags[Tiff.X_RESOLUTION], tags[Tiff.Y_RESOLUTION] = photo.dpi
        tags[Tiff.RESOLUTION_UNIT] = _INCH
    lengths = [len(part) for part in stored]
    tags.tagtype[Tiff.STRIPOFFSETS] = tags.tagtype[Tiff.STRIPBYTECOUNTS] = PIL.TiffTags.LONG
    tags[Tiff.ROWSPERSTRIP] = parts[0].stop
    tags[Tiff.STRIPBYTECOUNTS] = tuple(lengths)
    tags[Tiff.STRIPOFFSETS] = tuple(sum(lengths[:number]) for number in range(len(lengths)))
    buffer = io.BytesIO()
    tags.save(buffer)
    return b"".join((buffer.getvalue(), *stored))
