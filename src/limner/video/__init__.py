"""Frames in, frames out, their sound and their times kept: the only package that touches FFmpeg (PyAV).

A frame stays in the planes that its codec gave it, Y'CbCr in 8 or 10 bits: mixing is linear, so
``alpha * F + (1 - alpha) * B`` holds plane by plane, and what is opaque comes out bit for bit as it went in.
"""
