"""Files are opened by one function, which waits for no pipe and reads no device without end."""

import ast
from pathlib import Path

import pytest

from netspace.errors import FormatError
from netspace.io import open_regular, read_json

ROOT = Path(__file__).resolve().parent.parent
OPENERS = {"read_text", "read_bytes", "read_parquet", "read_csv", "ParquetFile", "safe_open"}
"""methods that open a file by its name"""
READS = {
    "netspace/io.py",
    "app/bundle/writing.py",
    "app/frontend/bundle.py",
    "app/ui/mesh_view.py",
    "netspace/memory.py",
    "netspace/folders.py",
    "netspace/places.py",
}
"""those that may: the opener itself, and readers of files of the program, the system or the user's home"""


def opened_by_name(path: Path) -> list[str]:
    """Calls in a module that open a file by its name to read it."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            words = ast.unparse(node)
            opens = node.func.attr == "open" and [ast.unparse(a) for a in node.args] == ["'rb'"]
            in_memory = "BytesIO" in words or words.startswith("pd.read_parquet(content")
            if (opens or node.func.attr in OPENERS) and not in_memory and not words.startswith("pq.ParquetFile(opened"):
                found.append(f"{path.name}:{node.lineno}: {words}")
    return found


@pytest.mark.parametrize("package", ["netspace", "app"])
def test_files_are_read_by_the_one_opener(package):
    for path in sorted((ROOT / package).rglob("*.py")):
        if str(path.relative_to(ROOT)) not in READS:
            assert not opened_by_name(path)


@pytest.mark.parametrize("make", ["pipe", "folder", "device"])
def test_what_is_no_regular_file_is_refused_at_once(make, tmp_path):
    import os

    path = tmp_path / "zoo.json"
    {"pipe": os.mkfifo, "folder": os.mkdir, "device": lambda p: p.symlink_to("/dev/zero")}[make](path)
    with pytest.raises(FormatError, match="is no regular file"):
        open_regular(path)
    with pytest.raises(FormatError):
        read_json(path)
