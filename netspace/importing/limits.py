"""What reading files of others may cost, and the words for what is not read."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import ImportRefused

MOST_BYTES = 1024**3
"""maximum size of one file, and of the tensors that it declares: 280 times the largest architecture here"""
MOST_IN_ALL = 4 * 1024**3
"""maximum size of an unpacked zip"""
MOST_IMPORTED = 64 * 1024**3
"""maximum size of the weights of one import, which are written as they are read"""
MOST_FILES = 2_000_000
"""maximum number of files in a folder or a zip, weights or not"""
MOST_JSON = 64 * 1024**2
"""maximum size of a table or a JSON file beside the networks"""


class NoNetwork(ImportRefused):
    """A file that belongs to training and holds no network: an optimizer's state, a scheduler's, random numbers'."""

    def __init__(self, what: str, several: str):
        super().__init__(what)
        self.several = several
        """what such files are called together"""


class ZipInside(ImportRefused):
    """A zip of files inside what is imported."""


class Refusal(NamedTuple):
    """A file that was not imported, and why."""

    name: str
    reason: str
