"""Data sets: samples with their sources and splits, read from folders."""

from limner.datasets.folders import read_folder
from limner.datasets.sample import Sample

__all__ = ["Sample", "read_folder"]
