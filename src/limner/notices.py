"""Warnings given while a file is worked on: gathered, so that whoever shows them can name the file."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_texts: ContextVar[list[str] | None] = ContextVar("_texts", default=None)


@contextmanager
def gather(texts: list[str]) -> Iterator[None]:
    """Add what is warned of inside the block, in its thread, to a list, each text once.

    That is what Limner logs from WARNING on, and what libraries give to Python's ``warnings``.
    """
    _listen()
    token = _texts.set(texts)
    try:
        yield
    finally:
        _texts.reset(token)


def gathered(message: object) -> bool:
    """Take a warning where warnings are gathered; False elsewhere."""
    texts, text = _texts.get(), one_line(message)
    if texts is not None and text not in texts:
        texts.append(text)
    return texts is not None


def named(name: str, text: str) -> str:
    """A warning with the name of the file that it is about, once."""
    return text if name in text else f"{name}: {text.removeprefix('the picture: ')}"


def one_line(message: object) -> str:
    """The text of a warning or an error, whatever its line breaks."""
    return " ".join(str(message).split())


def set_filters() -> None:
    """Which of Python's warnings a person should see, in a process of ours."""
    warnings.simplefilter("always", UserWarning)  # of the second file too
    warnings.filterwarnings("ignore", category=FutureWarning)  # is for whoever wrote the library
    # Pillow warns at half the size at which it refuses; Limner has one limit, images.MAX_PIXELS.
    warnings.filterwarnings("ignore", message="Image size .* could be decompression bomb")


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        gathered(record.getMessage())


_handler = _Handler(logging.WARNING)


def _listen() -> None:
    logging.getLogger(__package__).addHandler(_handler)  # once, however often it is added
    before = warnings.showwarning
    if getattr(before, "__module__", "") == __name__:
        return

    def show(message: Warning | str, *rest: Any, **more: Any) -> None:
        if not gathered(message):
            before(message, *rest, **more)

    warnings.showwarning = show
