"""Limner over HTTP: an API, its compatible twin for clients of remove.bg, and a web page."""

from limner.server.app import create_app
from limner.server.keys import parse_keys
from limner.server.sandbox import Sandbox
from limner.server.settings import Settings

__all__ = ["Sandbox", "Settings", "create_app", "parse_keys"]
