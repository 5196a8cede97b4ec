"""From a photo and its alpha to a finished picture: options, backgrounds, framing, compositing."""
