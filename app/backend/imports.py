"""Networks from elsewhere: uploaded, or in a folder of the machine that the app runs on, imported as a zoo."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol

import pandas as pd

from netspace.data.images import Images, load_images
from netspace.importing import Imported, import_networks
from netspace.importing.declare import CONVENTIONS, Declaration, declaration_of
from netspace.nets.archs import Arch

from .caches import cached_value
from .catalogue import ROOT, Found, Loaded, load_space
from .classifiers import _test_images
from .engine import go_on, patient
from .visitors import not_for_visitors
from .words import sentence

IMPORTS = ROOT / "runs" / "imports"
UPLOADED_KINDS = (
    "safetensors", "pt", "pth", "zip", "json", "bin", "ckpt", "th", "npz", "onnx", "tar", "pkl", "csv", "pyth",
)  # fmt: skip
"""endings of files that can be uploaded"""
MOST_WARNED = 6
LONGEST_NAME = 80
LONGEST_FILE = 200
"""bytes of an uploaded file's name that are kept"""


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
            return sentence(error)
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
    return found.folder.is_relative_to(IMPORTS)


def name_problem(name: str) -> str:
    """Why an import cannot have this name, in a sentence; empty where it can."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        return "A name is made of letters, digits, dots, dashes and underscores."
    if len(name) > LONGEST_NAME:
        return f"A name has {LONGEST_NAME} letters at most."
    return _taken(name) if (IMPORTS / name).exists() else ""


def _taken(name: str) -> str:
    return f"There is an import “{name}” already: choose another name."


def free_name() -> str:
    """A name that no import has."""
    taken = {path.name for path in IMPORTS.iterdir()} if IMPORTS.is_dir() else set()
    return next(name for k in range(1, len(taken) + 2) if (name := f"mine-{k}") not in taken)


def conventions() -> dict[str, str]:
    """What "Made as" offers: name -> words."""
    return {"": "nothing in particular: ask what is open"} | {name: c.words for name, c in CONVENTIONS.items()}


def declared(said: dict[str, str]) -> Declaration:
    """What a user says of networks, from text; ValueError, in a sentence, if it is not understood."""
    values: dict = {}
    for key, text in said.items():
        if key in ("omega", "omega_first", "box", "norm_eps"):
            try:
                values[key] = float(text)
            except ValueError:
                raise ValueError(f"{key.replace('_', ' ')} is “{text}”, not a number") from None
        else:
            values[key] = text
    return declaration_of(values, "What is said of the networks")


@not_for_visitors
def begin(space: Found, source: Sequence[Uploaded] | str, name: str, said: dict[str, str] | None = None) -> Import:
    """Import uploaded files, or what is at a path, as networks of a space's family.

    Args:
        said: what is said of them that their files do not hold, by name of the option.

    Raises:
        ValueError: there is nothing to import, it cannot be opened, or the name is taken; in a sentence.
    """
    if problem := name_problem(name):
        raise ValueError(problem)
    declaration = declared(said or {})
    family, data, scratch = load_space(space).family, space.data, None
    if not source:
        raise ValueError("Choose files, or name a folder.")
    path, uploads = (_named(source), ()) if isinstance(source, str) else (None, source)
    _reserve(name)
    try:
        if path is None:
            scratch = Path(tempfile.mkdtemp(prefix="netspace-import-"))
            path = _laid(uploads, scratch / name)
    except Exception as error:
        _clear(name, scratch)
        raise ValueError(f"The files could not be kept for the import: {sentence(error)}") from error
    work = Import(name, f"imports/{name}/zoo")
    engine = patient()

    def images(arch: Arch, split: str) -> Images | None:
        try:
            return _test_images(data) if split == "test" else load_images(data, split)
        except ValueError:
            return None

    def progress(done: int, total: int, words: str) -> None:
        go_on()
        work.done, work.total, work.words = done, total, words

    def run() -> Imported:
        try:
            return import_networks(path, IMPORTS / name / "zoo", family, None, images, progress, said=declaration)
        finally:
            _clear(name, scratch)

    work.future = engine.submit((-next(engine.count),), run)
    return work


def _named(source: str) -> Path:
    """The folder or file at a path; ValueError, in a sentence, where there is none that can be opened."""
    told = source if len(source) <= LONGEST_FILE else f"{source[:LONGEST_FILE]}…"
    try:
        path = Path(source).expanduser()
        if path.exists():
            return path
    except (OSError, RuntimeError) as error:  # RuntimeError: the home of a user who is not there
        why = sentence(error.strerror if isinstance(error, OSError) and error.strerror else error)
        raise ValueError(f"“{told}” cannot be opened: {why}") from None
    raise ValueError(f"There is no folder or file “{told}”.")


def _reserve(name: str) -> None:
    """Make the folder of an import: of two sessions, whoever comes first has the name."""
    try:
        (IMPORTS / name).mkdir(parents=True)
    except FileExistsError:
        raise ValueError(_taken(name)) from None
    except OSError as error:
        raise ValueError(f"No import can be written to {IMPORTS}: {error.strerror}.") from None


def _clear(name: str, scratch: Path | None) -> None:
    """What an import leaves behind; where it has made no zoo, its name is free again."""
    if scratch:
        shutil.rmtree(scratch, ignore_errors=True)
    if not (IMPORTS / name / "zoo" / "zoo.json").exists():
        shutil.rmtree(IMPORTS / name, ignore_errors=True)


def _laid(files: Sequence[Uploaded], folder: Path) -> Path:
    """Uploaded files as import reads them: a zip by itself as it is, others side by side.

    A zoo.json is left out: a folder that holds one counts as a zoo, which is not imported.
    """
    folder.mkdir()
    names = [_plain(file.name) or f"file-{k}" for k, file in enumerate(files)]
    kept = [(name, file) for name, file in zip(names, files, strict=True) if name.lower() != "zoo.json"]
    for k, (name, file) in enumerate(kept):
        place = folder / name
        while place.exists():
            place = place.with_name(f"{k}-{place.name}")
        place.write_bytes(file.getbuffer())
        if len(kept) == 1 and place.suffix.lower() == ".zip":
            return place
    return folder


def _plain(name: str) -> str:
    """A file's name without its folders, and not longer than file systems take."""
    path = PurePosixPath(name.replace("\\", "/"))
    stem = path.stem.encode(errors="replace")[: LONGEST_FILE - len(path.suffix.encode(errors="replace"))]
    return f"{stem.decode(errors='ignore')}{path.suffix}"


@cached_value(max_entries=16)
def _refused(key: str, _member: Loaded) -> list[dict]:
    return list(_member.zoo.about.get("refused", []))


def import_report(member: Loaded) -> dict:
    """What became of an import: counts, reasons, and what fusing changed."""
    records = member.zoo.records
    fused = records.fused_difference.dropna() if "fused_difference" in records else pd.Series(dtype=float)
    functions = records.function.value_counts() if "function" in records else pd.Series(dtype=int)
    return {
        "functions": list(functions.head(MOST_WARNED).items()),
        "warnings": _warnings(records),
        "imported": len(records),
        "refused": _refused(member.key, member),
        "fused": len(fused),
        "difference": float(fused.max()) if len(fused) else None,
    }


def _warnings(records: pd.DataFrame) -> list[str]:
    """What was assumed of networks or looks wrong, those of equal words as one."""
    if "warning" not in records:
        return []
    of: dict[str, list[str]] = {}
    for name, words in zip(records.name, records.warning, strict=True):
        if isinstance(words, str) and words:
            of.setdefault(words, []).append(name)
    return [
        f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''}: {words}" for words, names in of.items()
    ][:MOST_WARNED]
