"""What a wheel holds beside the library: the app, and spaces and zoos that it opens with (about 29 MB).

Of the assets, digits and the family go along whole. Of the chairs, 60 of the 260 networks do and the space that reads
answers, because the whole zoo is 34 MB; CIFAR-10's networks stay out, because their images are a download anyway.
"""

import json
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

WHOLE = ("digits", "digits-family", "chairs/space-probe", "scores")
"""folders of assets/ that go into a wheel as they are"""
CHAIRS = Path("starter/chairs")
"""what differs for the 60 chairs; their weights are rows of assets/chairs/zoo"""
NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "secrets.toml")


def select_rows(source: Path, rows: list[int], target: Path) -> None:
    """Write these rows of every tensor of a .safetensors file; no package but Python's own is there at a build."""
    with source.open("rb") as file, target.open("wb") as out:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        start, parts, written = file.tell(), [], 0
        for name, about in sorted(header.items(), key=lambda item: item[1].get("data_offsets", [0])):
            if name == "__metadata__":
                continue
            first, end = about["data_offsets"]
            width = (end - first) // about["shape"][0]
            parts += [(start + first + row * width, width) for row in rows]
            about["shape"][0] = len(rows)
            about["data_offsets"] = [written, written := written + width * len(rows)]
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        out.write(len(text).to_bytes(8, "little") + text)
        for place, width in parts:
            file.seek(place)
            out.write(file.read(width))


class BuildWithApp(build_py):
    """Puts app/ and pages/ into netspace/_app, and the assets into netspace/assets; an editable install needs neither,
    as it finds them in the checkout."""

    def run(self) -> None:
        if not self.editable_mode:
            shutil.rmtree(self.build_lib, ignore_errors=True)  # modules of an earlier build that are gone since
        super().run()
        if self.editable_mode:
            return
        package, assets = Path(self.build_lib, "netspace"), Path("assets")
        for name in ("app", "pages"):
            shutil.copytree(name, package / "_app" / name, ignore=NOT_SHIPPED)
        for name in WHOLE:
            shutil.copytree(assets / name, package / "assets" / name, ignore=NOT_SHIPPED)
        shutil.copytree(CHAIRS, package / "assets" / "chairs", dirs_exist_ok=True)
        zoo = package / "assets" / "chairs" / "zoo"
        rows = json.loads((zoo / "rows.json").read_text())
        (zoo / "rows.json").unlink()
        select_rows(assets / "chairs" / "zoo" / "weights.safetensors", rows, zoo / "weights.safetensors")


setup(cmdclass={"build_py": BuildWithApp})
