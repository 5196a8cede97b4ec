"""The exceptions that Limner raises on purpose; each message names the thing and the cure."""


class LimnerError(Exception):
    """Base of every error below: catch this one to catch them all."""


class InputError(LimnerError):
    """A picture, option, argument or target path that cannot be used."""


class ModelError(LimnerError):
    """A model file, its sidecar or the device asked for cannot be used."""


class DatasetError(LimnerError):
    """A data set is missing, incomplete or damaged."""
