"""The exceptions that Limner raises on purpose; each message names the thing and the cure."""

from typing import Any

from limner.extras import install_command


class LimnerError(Exception):
    """Base of every error below: catch this one to catch them all.

    Example:
        >>> try:
        ...     limner.load_image("nowhere.jpg")
        ... except limner.LimnerError as error:
        ...     print(error)
        no such file: nowhere.jpg
    """


class InputError(LimnerError, ValueError):
    """A picture, clip, option or argument that cannot be used."""


class OutputError(LimnerError, OSError):
    """A file or folder that cannot be written.

    Attributes:
        errno: The system's number of what went wrong, such as `errno.ENOSPC`, where there is one.
    """

    def __init__(self, message: str, errno: int | None = None) -> None:
        super().__init__(message)
        self.errno = errno

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.errno)


class ModelError(LimnerError):
    """A model file, its sidecar or the device asked for cannot be used."""


class DatasetError(LimnerError):
    """A data set is missing, incomplete or damaged."""


class MissingExtraError(LimnerError, ImportError):
    """A package of an extra is not installed; the message names the command that installs it."""

    def __init__(self, extra: str, *packages: str) -> None:
        super().__init__(f"this needs {', '.join(packages)}: {install_command(extra)}")
        self.extra = extra
        self.packages = packages

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.extra, *self.packages)
