"""Networks from elsewhere: uploaded, or in a folder of the machine that the app runs on, imported as a zoo."""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol

import pandas as pd
import streamlit as st

from netspace.archs import Arch
from netspace.images import Images
from netspace.importing import Imported, import_networks

from .catalogue import ROOT, Found, Loaded, load_space
from .classifiers import _test_images
from .engine import patient

IMPORTS = ROOT / "runs" / "imports"
KINDS = ("safetensors", "pt", "pth", "zip", "json", "bin")
"""endings of files that can be uploaded"""


class Uploaded(Protocol):
    """A file as the browser sent it."""

    name: str

    def getbuffer(self) -> memoryview: ...


@dataclass
class Import:
    """An import, in the background."""

    name: str
    id: str
    """of the zoo that it makes, as links have it"""
    done: int = 0
    total: int = 0
    words: str = ""
    """of the last file"""
    future: Future = field(default_factory=Future)

    @property
    def over(self) -> bool:
        return self.future.done()

    @property
    def problem(self) -> str:
        """Why nothing was imported, in a sentence; empty where something was, and while it is under way."""
        if not self.over:
            return ""
        if error := self.future.exception():
            return f"{str(error)[:1].upper()}{str(error)[1:]}."
        if not self.result.records:
            return "No network in this could be imported." if self.refused else "There is no file of weights in this."
        return ""

    @property
    def result(self) -> Imported:
        return self.future.result()

    @property
    def refused(self) -> list[dict]:
        return [refusal._asdict() for refusal in self.result.refused] if not self.future.exception() else []


def is_import(found: Found) -> bool:
    """Whether a zoo was imported by the page."""
    return "imports" in found.folder.parts


def name_problem(name: str) -> str:
    """Why an import cannot have this name, in a sentence; empty where it can."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        return "A name is made of letters, digits, dots, dashes and underscores."
    return f"There is an import “{name}” already: choose another name." if (IMPORTS / name).exists() else ""


def free_name() -> str:
    """A name that no import has."""
    taken = {path.name for path in IMPORTS.iterdir()} if IMPORTS.is_dir() else set()
    return next(name for k in range(1, len(taken) + 2) if (name := f"mine-{k}") not in taken)


def begin(space: Found, source: Sequence[Uploaded] | str, name: str) -> Import:
    """Import uploaded files, or what is at a path, as networks of a space's family.

    Raises:
        ValueError: there is nothing to import, or the name is taken; in a sentence.
    """
    if problem := name_problem(name):
        raise ValueError(problem)
    family, data, scratch = load_space(space).family, space.data, None
    if isinstance(source, str):
        path = Path(source).expanduser()
        if not source or not path.exists():
            raise ValueError(f"There is no folder or file “{source}”." if source else "Name a folder.")
    else:
        if not source:
            raise ValueError("Choose files, or name a folder.")
        scratch = Path(tempfile.mkdtemp(prefix="netspace-import-"))
        path = _laid(source, scratch / name)
    (IMPORTS / name).mkdir(parents=True)
    work = Import(name, f"imports/{name}/zoo")
    engine = patient()

    def images(arch: Arch) -> Images | None:
        try:
            return _test_images(data)
        except ValueError:
            return None

    def progress(done: int, total: int, words: str) -> None:
        work.done, work.total, work.words = done, total, words

    def run() -> Imported:
        try:
            return import_networks(path, IMPORTS / name / "zoo", family, None, images, progress)
        finally:
            if scratch:
                shutil.rmtree(scratch, ignore_errors=True)
            if not (IMPORTS / name / "zoo" / "zoo.json").exists():
                shutil.rmtree(IMPORTS / name, ignore_errors=True)  # the name is free again

    work.future = engine.submit((-next(engine.count),), run)
    return work


def _laid(files: Sequence[Uploaded], folder: Path) -> Path:
    """Uploaded files as import reads them: a zip by itself as it is, others side by side."""
    folder.mkdir()
    for k, file in enumerate(files):
        plain = PurePosixPath(file.name.replace("\\", "/")).name or f"file-{k}"
        place = folder / plain if not (folder / plain).exists() else folder / f"{k}-{plain}"
        place.write_bytes(file.getbuffer())
        if len(files) == 1 and place.suffix.lower() == ".zip" and zipfile.is_zipfile(place):
            return place
    return folder


@st.cache_data(max_entries=16, show_spinner=False)
def _refused(key: str, _member: Loaded) -> list[dict]:
    return list(_member.zoo.about.get("refused", []))


def report(member: Loaded) -> dict:
    """What became of an import: counts, reasons, and what fusing changed."""
    records = member.zoo.records
    fused = records.fused_difference.dropna() if "fused_difference" in records else pd.Series(dtype=float)
    return {
        "imported": len(records),
        "refused": pd.DataFrame(_refused(member.key, member), columns=["name", "reason"]),
        "fused": len(fused),
        "difference": float(fused.max()) if len(fused) else None,
    }
