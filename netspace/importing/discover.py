"""Which files of a folder may hold networks, what each is called, and what is passed over."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ..errors import FormatError, ImportRefused
from . import limits
from .readers import HEAD, REFUSED_KINDS, file_kind, opened, read_json_file

WEIGHTS = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".th", ".npz", ".npy", ".onnx", ".pkl", ".pickle", ".zip")
"""suffixes of files of weights, for people to read; what a file is, its content tells"""
SURE = frozenset(
    (*WEIGHTS, ".h5", ".hdf5", ".keras", ".joblib", ".msgpack", ".tar", ".tgz", ".gz", ".gguf", ".tflite", ".pb",
     ".pt2", ".pyth", ".pdparams", ".chkpt", ".t7", ".torch", ".ot", ".params", ".weights", ".state", ".7z", ".rar")
)  # fmt: skip
"""suffixes of files that are listed by name if they are not read; others that hold no weights are counted only"""
NEVER = frozenset(
    (".json", ".jsonl", ".csv", ".tsv", ".txt", ".md", ".rst", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".log", ".py",
     ".pyc", ".ipynb", ".sh", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".pdf", ".html", ".css", ".js", ".xml",
     ".ply", ".obj", ".stl", ".off", ".glb", ".gltf", ".mp4", ".wav", ".parquet", ".tfevents", ".lock", ".out", ".err",
     ".c", ".cpp", ".h", ".tex", ".bib", ".db", ".sqlite", ".pid", ".sha256", ".md5", ".proto")
)  # fmt: skip
"""suffixes of files that are passed over unopened"""
TRAINING = re.compile(
    r"(training_args|optimizer(_state)?|optim|scheduler|lr_scheduler|scaler|sampler|rng_state\w*|random_states\w*|trainer_state)"
    r"(_\d+)?\.(bin|pt|pth|pkl|safetensors|json)"
)
"""names that training programs give to what is no network"""
HUB = ("model.safetensors", "pytorch_model.bin")
"""what a network's file is called in the hub's layout, the one to be read first; its folder is its name"""
SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})(\.\w+)")
INDEX = re.compile(r"(.+?\.\w+)\.index\.json")
CACHE = {"blobs", "snapshots"}
"""folders of the hub's cache: the files in one are named by the other"""


class Candidate(NamedTuple):
    """A file that may hold networks, or several that hold one together."""

    name: str
    label: str
    """its path below the source"""
    path: Path
    shards: tuple[Path, ...] = ()
    reason: str = ""
    """why it is not read; empty if it is"""
    index: Path | None = None  # type: ignore[assignment]  # tuples have a method of this name, which nobody calls
    """the file that says which shard holds which tensor"""


class Tree(NamedTuple):
    """What is in a folder."""

    candidates: list[Candidate]
    passed: Counter
    """files passed over, by what they are"""
    tables: dict[str, set[str]]
    """names of JSON, CSV and YAML files by folder, as paths below the source"""


def _entries(root: Path, links: bool) -> tuple[list[tuple[str, os.DirEntry, bool]], Counter, dict[str, set[str]]]:
    """Files below a folder as (path below it, entry, whether links lead there), what is hidden, and the tables."""
    found: list[tuple[str, os.DirEntry, bool]] = []
    passed: Counter[str] = Counter()
    tables: dict[str, set[str]] = {}
    count = 0
    todo, been = [("", str(root), False)], {_identity(root.stat())}
    above = {_identity(folder.stat()) for folder in root.resolve().parents}
    while todo:
        below, folder, linked = todo.pop()
        try:
            with os.scandir(folder) as inside:
                entries = sorted(inside, key=lambda entry: entry.name)
        except OSError as error:
            if not below:
                raise FormatError(f"{folder} may not be read by this program ({error.strerror})") from error
            passed["folders that may not be read"] += 1
            continue
        if links and {entry.name for entry in entries} >= CACHE:
            entries = [entry for entry in entries if entry.name != "blobs"]
        count += len(entries)
        if count > limits.MOST_FILES:
            raise FormatError(f"{root} holds more than {limits.MOST_FILES:,} files; import a part of it")
        for entry in entries:
            name = f"{below}{entry.name}"
            if entry.name.startswith(".") or entry.name == "__MACOSX":
                passed["hidden"] += 1
                continue
            is_link = entry.is_symlink()
            if _is_folder(entry, links):
                if is_link:
                    place = _identity(entry.stat())
                    if place in above:
                        passed["links to folders that hold this one"] += 1
                        continue
                    if place in been:
                        passed["links to folders that are read already"] += 1
                        continue
                    been.add(place)
                elif linked:
                    been.add(_identity(entry.stat()))
                todo.append((f"{name}/", entry.path, linked or is_link))
                continue
            suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122 - a hundred thousand times
            if suffix in (".json", ".csv", ".tsv", ".yaml", ".yml", ".parquet", ".jsonl"):
                tables.setdefault(below[:-1], set()).add(entry.name)
                passed[suffix] += 1
                if suffix != ".json" or not INDEX.fullmatch(entry.name):
                    continue
            elif suffix in NEVER:
                passed[suffix] += 1
                continue
            found.append((name, entry, linked or is_link))
    return found, passed, tables


def _is_folder(entry: os.DirEntry, links: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=links)
    except OSError:
        return False


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def look_through(root: Path, links: bool = True, pattern: str = "") -> Tree:
    """The files of a folder and of the folders in it that may hold networks, by name.

    Args:
        links: follow links, also out of the folder; every file is read once, and loops end.
        pattern: only files whose path below the folder, or whose name, matches it.

    Raises:
        FormatError: there is no such folder, it may not be read, it is a zoo already, or holds too much.
    """
    if not root.is_dir():
        raise FormatError(f"no folder {root}")
    if (root / "zoo.json").exists():
        raise FormatError(f"{root} is a zoo already: it needs no import")
    entries, passed, tables = _entries(root, links)
    files: dict[str, str] = {}  # path below the folder -> reason
    real: set[tuple[int, int]] = set()
    any_links = any(linked for _, _, linked in entries)
    entries.sort(key=lambda each: (each[2], each[0]))  # a file under its own name before links to it
    for name, entry, linked in entries:
        if pattern and not (fnmatchcase(name, pattern) or fnmatchcase(entry.name, pattern)):
            if not INDEX.fullmatch(entry.name):
                passed["outside the pattern"] += 1
            continue
        if TRAINING.fullmatch(entry.name):
            passed["of training (optimizer, scheduler, random numbers, arguments)"] += 1
            continue
        reason = "" if entry.is_file(follow_symlinks=False) else _unreadable(entry, links)
        if reason and _suffix(name) not in SURE and "." in entry.name:
            passed[_suffix(name)] += 1
            continue
        if not reason:
            if any_links:
                place = _identity(entry.stat())
                if linked and place in real:
                    passed["links to files that are read already"] += 1
                    continue
                real.add(place)
            if _suffix(name) not in SURE and not INDEX.fullmatch(entry.name) and not _promising(entry.path):
                passed[_suffix(name) or "without a suffix"] += 1
                continue
        files[name] = reason
    return Tree(_called(list(_candidates(root, dict(sorted(files.items())), pattern))), passed, tables)


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - a hundred thousand times


def _unreadable(entry: os.DirEntry, links: bool) -> str:
    """Why a file cannot be read, as far as the folder tells; empty if it can."""
    try:
        if entry.is_symlink() and not links:
            return "a link, which is not followed in what was unpacked"
        mode = entry.stat().st_mode
    except OSError:
        return "a link to a file that is not there" if entry.is_symlink() else "it is not there any more"
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
        return f"{kinds.get(stat.S_IFMT(mode), 'something')} and no regular file"
    return ""


def _promising(path: str) -> bool:
    """Whether a file without a suffix that is known begins like one that holds weights."""
    try:
        with opened(Path(path)) as file:
            kind = file_kind(file.read(HEAD), path)
    except ImportRefused:
        return True  # it is opened once more, and refused with the reason
    return (
        kind not in REFUSED_KINDS
        or kind in ("hdf5", "gguf", "lfs")
        or (kind == "tensorflow" and path.endswith(".index"))
    )


def _candidates(root: Path, files: dict[str, str], pattern: str):
    """Files one by one; shards joined, by their index or by their numbers; copies in the hub's layout refused."""
    taken: set[str] = set()
    for name in list(files):
        if not (found := INDEX.fullmatch(PurePosixPath(name).name)):
            continue
        taken.add(name)
        folder = name.rpartition("/")[0]
        names = _shards_of(root / name)
        if names is None:
            continue  # an index of something else
        parts = [f"{folder}/{part}".lstrip("/") for part in names]
        taken.update(parts)
        reason = ""
        if any(PurePosixPath(part).is_absolute() or ".." in PurePosixPath(part).parts for part in names):
            reason = "its index names a shard outside its folder"
        elif missing := [part for part, whole in zip(names, parts, strict=True) if not (root / whole).is_file()]:
            reason = f"the shard {missing[0]} that its index names is missing"
        elif not pattern and (hidden := [part for part in parts if files.get(part)]):
            reason = f"its shard {hidden[0]}: {files[hidden[0]]}"
        stem = f"{folder}/{found[1]}".lstrip("/")
        if found[1] == HUB[1] and (f"{folder}/{HUB[0]}.index.json".lstrip("/") in files or _beside(stem) in files):
            reason = f"{HUB[0]} beside it is taken to be the same network"
        yield Candidate(_stem(stem), stem, root / stem, tuple(root / part for part in parts), reason, root / name)
    numbered: dict[tuple, list[str]] = {}
    for name in files:
        if name not in taken and (found := SHARD.fullmatch(PurePosixPath(name).name)):
            folder = name.rpartition("/")[0]
            numbered.setdefault((f"{folder}/{found[1]}{found[4]}".lstrip("/"), int(found[3])), []).append(name)
            taken.add(name)
    for (stem, count), parts in numbered.items():
        there = {int(SHARD.fullmatch(PurePosixPath(p).name)[2]) for p in parts}
        absent = sorted(set(range(1, count + 1)) - there)
        reason = next((files[part] for part in parts if files[part]), "")
        if absent:
            reason = f"of its {count} shards number {absent[0]} is missing"
        yield Candidate(_stem(stem), stem, root / stem, tuple(root / part for part in parts), reason)
    for name, reason in files.items():
        if name in taken:
            continue
        if PurePosixPath(name).name == HUB[1] and _beside(name) in files:
            reason = reason or f"{HUB[0]} beside it is taken to be the same network"
        yield Candidate(_stem(name), name, root / name, (), reason)


def _beside(name: str) -> str:
    return str(PurePosixPath(name).with_name(HUB[0]))


def _shards_of(index: Path) -> list[str] | None:
    """The shards that an index names, in their order; None if it is no index."""
    held = read_json_file(index)
    if not isinstance(held, dict) or not isinstance(held.get("weight_map"), dict):
        return None
    names = list(dict.fromkeys(held["weight_map"].values()))
    return sorted(names) if names and all(isinstance(name, str) and name for name in names) else None


def _stem(name: str) -> str:
    """What a network is called by the path of its file: without a suffix, in the hub's layout by its folder."""
    name = re.sub(r"(^|/)models--([^/]+)/snapshots/[^/]+/", r"\1\2/", name)  # the hub's cache
    folder, _, last = name.rpartition("/")
    return folder.replace("/", "-") if folder and last in HUB else plain_stem(name).replace("/", "-")


def plain_stem(name: str) -> str:
    """A path without its suffix, without both of .pth.tar; what follows a dot in a number is none."""
    folder, slash, last = name.rpartition("/")
    stem = last
    while (found := re.fullmatch(r"(.+)\.([A-Za-z_]\w{0,11})", stem)) and (
        stem == last or f".{found[2].lower()}" in SURE
    ):
        stem = found[1]
    return f"{folder}{slash}{stem}"


def _called(found: list[Candidate]) -> list[Candidate]:
    """The same, each by a name of its own: a.pt beside a.safetensors keep their suffixes."""
    counts, read = Counter(c.name for c in found), Counter(c.name for c in found if not c.reason)
    seen: Counter = Counter()
    whole = []
    for each in found:
        name = each.name
        if counts[name] > 1 and (each.reason or read[name] > 1):
            name = each.label.replace("/", "-")
        seen[name] += 1
        if seen[name] > 1:  # a/b.pt beside a-b.pt
            name = f"{name}-{seen[name]}"
        whole.append(each._replace(name=name))
    return sorted(whole, key=lambda each: each.label)
