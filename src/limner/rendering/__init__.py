"""Rendering a photo with its alpha: options, backgrounds, framing, compositing."""
