"""TIFF files as Pillow can read them: the page that is the picture, or why there is none."""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from struct import error as StructError

import PIL.TiffImagePlugin as Tiff

from limner.errors import InputError

_NEW_SUBFILE, _SUBFILE, _SUB_IFDS, _DNG_VERSION = 254, 255, 330, 50706
_REDUCED, _MASK = 1, 4  # bits of the first tag
_OLD_REDUCED = 2  # value of the second
_SENSOR = {32803, 34892}  # photometric: a colour filter array, linear raw
_UNREADABLE = {  # Pillow's libtiff is built without them, or Pillow does not know them
    **dict.fromkeys((33003, 33005, 34712), "JPEG 2000"),
    **{34661: "JBIG", 34887: "LERC", 50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL"},
}
_FORMS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}  # type of a tag -> of its numbers
_MOST_VALUES = 64  # of a tag that is read here


@dataclass(frozen=True)
class Page:
    """One picture of a TIFF file."""

    offset: int  # of its directory in the file, bytes
    tags: dict[int, tuple[int, ...]]  # those of whole numbers, of few values

    def get(self, tag: int, default: int) -> int:
        """The first, or only, number of a tag."""
        return (self.tags.get(tag) or (default,))[0]

    @property
    def size(self) -> str:
        """For messages."""
        return f"{self.get(Tiff.IMAGEWIDTH, 0)} x {self.get(Tiff.IMAGELENGTH, 0)}"

    @property
    def whole(self) -> bool:
        """Whether it is no reduced copy, nor the mask, of another page."""
        kind = self.get(_NEW_SUBFILE, 0)
        return not kind & (_REDUCED | _MASK) and self.get(_SUBFILE, 0) != _OLD_REDUCED


def select_page(data: bytes, name: str) -> tuple[bytes, Page]:
    """A TIFF file with whole pages only, so that Pillow reads the picture first; and its page.

    Raises:
        InputError: If it is a camera's raw file, holds only a reduced picture, or is compressed in a way that
            is not read here.
    """
    pages = list(_pages(data, _first(data)))
    if not pages:
        raise InputError(f"{name} is damaged: it is a TIFF file without a picture; get a whole copy of it")
    _refuse_raw(data, pages, name)
    kept = [page for page in pages if page.whole] or pages[:1]
    if not kept[0].whole and _SUB_IFDS in kept[0].tags:
        raise InputError(
            f"{name} shows only a reduced picture ({kept[0].size}) of one that Limner does not read: "
            "save that one as a plain TIFF"
        )
    compression = kept[0].get(Tiff.COMPRESSION, 1)
    if compression in _UNREADABLE or compression not in Tiff.COMPRESSION_INFO:
        method = _UNREADABLE.get(compression, f"method {compression}")
        raise InputError(
            f"{name} is compressed with {method}, which Limner cannot read in TIFF: "
            "save it with LZW or Deflate"
        )
    return (data if len(kept) == len(pages) else _linked(data, kept)), kept[0]


def pointing_to(position: int, data: bytes) -> bytes:
    """The header of a TIFF file, in the form that ``data`` has, whose first page is there."""
    pointer = _layout(data)[2]
    return data[: pointer.size] + pointer.pack(position)


def order_of(data: bytes) -> str:
    """Byte order, as `struct` and NumPy write it."""
    return "<" if data[:2] == b"II" else ">"


def _first(data: bytes) -> int:
    pointer = _layout(data)[2]
    try:
        return int(pointer.unpack_from(data, pointer.size)[0])
    except StructError as error:
        raise OSError("the TIFF file ends in its header") from error


def _pages(data: bytes, offset: int) -> Iterator[Page]:
    seen: set[int] = set()
    while 0 < offset < len(data) and offset not in seen:
        seen.add(offset)
        page, offset = _page(data, offset)
        yield page


def _page(data: bytes, offset: int) -> tuple[Page, int]:
    """A page, and where the next one is.

    Only numbers are read, and few of a tag: a hostile file can name all of itself in each of its tags.
    """
    count, entry, pointer = _layout(data)
    length = entry.size + pointer.size
    try:
        (entries,) = count.unpack_from(data, offset)
        start, tags = offset + count.size, {}
        end = start + length * entries
        for position in range(start, min(end, len(data)), length):
            tag, form, values = entry.unpack_from(data, position)
            if form in _FORMS and values <= _MOST_VALUES:
                numbers, where = Struct(f"{order_of(data)}{values}{_FORMS[form]}"), position + entry.size
                if numbers.size > pointer.size:
                    (where,) = pointer.unpack_from(data, where)
                tags[tag] = numbers.unpack_from(data, where)
        return Page(offset, tags), pointer.unpack_from(data, end)[0]
    except StructError as error:
        raise OSError("a directory of the TIFF file reaches beyond its end") from error


def _layout(data: bytes) -> tuple[Struct, Struct, Struct]:
    """The number of entries, an entry but for its offset (tag, type, number of values), and an offset."""
    count, entry, pointer = ("Q", "HHQ", "Q") if data[2:4] == b"+\0" else ("H", "HHI", "I")
    order = order_of(data)
    return Struct(order + count), Struct(order + entry), Struct(order + pointer)


def _refuse_raw(data: bytes, pages: list[Page], name: str) -> None:
    offsets = [offset for page in pages for offset in page.tags.get(_SUB_IFDS, ())]
    everything = pages + [page for offset in offsets for page in _pages(data, offset)]
    if (
        data[8:10] == b"CR"
        or any(_DNG_VERSION in page.tags for page in pages)
        or any(page.get(Tiff.PHOTOMETRIC_INTERPRETATION, 0) in _SENSOR for page in everything)
    ):
        raise InputError(
            f"{name} is a camera's raw file, of which Limner could read only the preview ({pages[0].size}): "
            "develop it first, and give the JPEG or TIFF"
        )


def _linked(data: bytes, pages: list[Page]) -> bytes:
    """The file with these pages one after the other."""
    count, entry, pointer = _layout(data)
    result, position = bytearray(data), pointer.size  # the header is as long before it
    for page in pages:
        pointer.pack_into(result, position, page.offset)
        (entries,) = count.unpack_from(data, page.offset)
        position = page.offset + count.size + entries * (entry.size + pointer.size)
    pointer.pack_into(result, position, 0)
    return bytes(result)
