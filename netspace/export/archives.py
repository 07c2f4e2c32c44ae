"""Zip files that are equal byte for byte if the same is written to them again."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

EPOCH = (1980, 1, 1, 0, 0, 0)
"""time of every entry: the earliest that a zip can tell"""


def undated_zip(files: Mapping[str, bytes], level: int = 6) -> bytes:
    """Return a zip of files, without the time at which it was made.

    Args:
        files: path in the zip -> content, in the order in which they are to stand.
        level: of zlib's compression; 0 stores files as they are.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as held:
        for name, content in files.items():
            about = zipfile.ZipInfo(name, EPOCH)
            about.compress_type = zipfile.ZIP_DEFLATED if level else zipfile.ZIP_STORED
            about.external_attr = 0o644 << 16
            held.writestr(about, content, compresslevel=level)
    return out.getvalue()
