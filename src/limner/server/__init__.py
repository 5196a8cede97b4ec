"""Limner over HTTP: an API, its compatible twin for clients of remove.bg, and a web page."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limner.server.app import create_app
    from limner.server.keys import parse_keys
    from limner.server.sandbox import Sandbox
    from limner.server.settings import Settings

__all__ = ["Sandbox", "Settings", "create_app", "parse_keys"]

_HOMES = {"Sandbox": "sandbox", "Settings": "settings", "create_app": "app", "parse_keys": "keys"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'limner.server' has no attribute '{name}'")
    return getattr(import_module(f"limner.server.{_HOMES[name]}"), name)
