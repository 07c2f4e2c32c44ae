"""What is known of networks, from files beside them and from folders' names, as columns of a zoo's table.

Four kinds of files are read: tables (CSV, TSV, Parquet, JSON) with a column that names the networks; settings
(params.json, config.json, args.yaml) of a network's folder or the one above; results (result.json, metrics.json)
if they can be only of this network; and logs (result.json with a line per epoch, progress.csv), from which the line of
a checkpoint's number is taken.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ..errors import ImportRefused, UsageError
from . import limits
from .declare import DECLARED
from .discover import Candidate, plain_stem
from .readers import Cell, number, opened
from .states import LONGEST_WORD, MOST_COLUMNS, scalar

RESERVED = {
    "name", "arch", "row", "split", "parameters", "batch_norm", "fused_difference", "norms_never_run", "test_accuracy",
    "val_accuracy", "origin", "index", "x", "y",
}  # fmt: skip
"""columns that the product writes itself: what others call so is kept with `given_` before it"""
KEYS = (
    "name", "network", "file", "filename", "file_name", "path", "filepath", "file_path", "checkpoint", "ckpt", "model",
    "model_path", "model_name", "model_id", "modelid", "id", "uid", "uuid", "hash", "key", "stem", "sample", "shape",
    "object_id", "object", "trial", "trial_id", "trial_name", "run", "",
)  # fmt: skip
"""columns that may name networks, if no two rows have the same there"""
STEPS = ("training_iteration", "epoch", "step", "global_step", "iteration", "iter")
"""columns that say at which point of training a line of a log was written"""
SETTINGS_FILES = re.compile(
    r"(params|config|args|hparams|hyperparameters|settings|options|cfg|opts?|metadata|info)", re.I
)
RESULTS = re.compile(r"(results?|metrics|scores?|summary|performance|evaluation|eval|test|all_results|stats)", re.I)


def column(name: str) -> str:
    """A column's name of letters, digits and underscores, none of the product's own."""
    plain = re.sub(r"\W+", "_", str(name)).strip("_")[:60] or "value"
    return f"given_{plain}" if plain.lower() in RESERVED else plain


def tidy(rows: Sequence[dict]) -> list[dict]:
    """The same rows with all columns in each: of one kind per column (numbers, truths or text), None if not known.

    Numbers that are not finite count as unknown, columns in which nothing is known are dropped, and a column of numbers
    and words together becomes text.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        values = [None if isinstance(v, float) and not math.isfinite(v) else v for v in values]
        kinds = {type(v) for v in values if v is not None}
        if not kinds:
            continue
        if kinds == {int, float}:
            values = [None if v is None else float(v) for v in values]
        elif len(kinds) > 1:
            values = [None if v is None else str(v) for v in values]
        columns[name] = values
    return [{name: values[k] for name, values in columns.items()} for k in range(len(rows))]


def folder_columns(labels: Sequence[str]) -> list[dict[str, str]]:
    """The folders' names of every path as columns, those that group networks: `folder_1` is the outermost."""
    parts = [PurePosixPath(label).parts[:-1] for label in labels]
    kept = []
    for level in range(max(map(len, parts), default=0)):
        values = Counter(p[level] for p in parts if len(p) > level)
        if len(values) > 1 and 2 * len(values) <= len(parts):
            kept.append(level)
    return [{f"folder_{level + 1}": p[level] for level in kept if len(p) > level} for p in parts]


MOST_OTHERS = 20
"""JSON files of other names in a folder that are looked into for a table"""


def _is_common(name: str) -> bool:
    """Whether a file's name is one of those that settings and results have everywhere."""
    stem = name.rpartition(".")[0]
    return bool(SETTINGS_FILES.fullmatch(stem) or RESULTS.fullmatch(stem))


@dataclass
class Table:
    """Rows of a file; by what names networks in it, and by the step of training."""

    file: str
    rows: list[dict]
    hits: int = 0
    keyed: list[dict[str, dict]] = field(default_factory=list)

    def __post_init__(self) -> None:
        heads = {str(head).strip().lower(): head for row in self.rows[:1] for head in row}
        for key in KEYS:
            if key in heads:
                names = ["" if row.get(heads[key]) is None else str(row[heads[key]]) for row in self.rows]
                if len(set(names)) == len(names):
                    by_name = {}
                    for name, row in zip(names, self.rows, strict=True):
                        row = {head: value for head, value in row.items() if head != heads[key]}
                        by_name[name] = row
                        by_name.setdefault(name.removeprefix("./"), row)
                        by_name.setdefault(plain_stem(name), row)
                    self.keyed.append(by_name)
        self.steps = [heads[step] for step in STEPS if step in heads]

    def named(self, names: Iterable[str]) -> dict | None:
        """The row of the first of these names."""
        names = list(names)
        for by_name in self.keyed:
            for name in names:
                if name and name in by_name:
                    self.hits += 1
                    return by_name[name]
        return None

    def at(self, label: str, known: dict, alone: bool) -> dict | None:
        """The row of a checkpoint's number, by its path or by the epoch in it; the last if it is alone there."""
        path = PurePosixPath(label)
        for head in self.steps:
            wanted = _step(str(head).lower(), path, known)
            rows = [row for row in self.rows if wanted is not None and scalar(row.get(head)) == wanted]
            if rows:
                self.hits += 1
                return rows[-1]
        if alone and self.rows:
            self.hits += 1
            return self.rows[-1]
        return None


def _step(head: str, path: PurePosixPath, known: dict) -> float | int | None:
    """The number of a checkpoint: epoch=3 in its name, the epoch in the file, else the last number of its name."""
    for part in (path.name, path.parent.name):
        if found := re.search(rf"{re.escape(head)}[=_-]?(\d{{1,12}})", part, re.I):
            return int(found[1])
    if head in known:
        return known[head]
    for part in (plain_stem(path.name), path.parent.name):
        if digits := re.findall(r"\d{1,12}", part):
            return int(digits[-1])
    return None


class Beside:
    """What the files beside the networks of a folder say of them."""

    def __init__(self, root: Path, tables: dict[str, set[str]], candidates: Sequence[Candidate]):
        self._root, self._tables = root, tables
        self._read: dict[str, tuple[list[Table], dict, dict, list[Table]]] = {}
        self._below: Counter = Counter()
        self._inside: Counter = Counter()
        for each in candidates:
            folder = each.label.rpartition("/")[0]
            self._inside[folder] += 1
            for parent in [*_parents(folder)]:
                self._below[parent] += 1
        self._left: set[str] = set()

    def of(self, candidate: Candidate, name: str, key: str, known: dict) -> dict:
        """What is known of a network, the nearest first.

        Args:
            key: its name within its file; empty if it is alone there.
            known: what its file says, by which the line of a log is found.
        """
        label = candidate.label
        found: dict[str, Cell] = {}
        folder = label.rpartition("/")[0]
        for distance, where in enumerate(_parents(folder)):
            if where not in self._tables:
                continue
            tables, settings, results, logs = self._folder(where)
            for table in tables:
                if row := table.named(self._names(label, name, key, where)):
                    found = _scalars(row) | found
            if distance == 0:
                found = self._own(label, where) | found
            if distance < 2:
                alone = self._below[where] == 1 and not key
                for log in logs:
                    if row := log.at(label, known, alone):
                        found = _scalars(row) | found
                if alone:
                    found = results | found
                elif results:
                    self._left.add(where)
                found = settings | found
        return dict(list(found.items())[:MOST_COLUMNS])

    def _names(self, label: str, name: str, key: str, where: str) -> Iterator[str]:
        """What a table may call a network."""
        path = PurePosixPath(label)
        inner = label.removeprefix(f"{where}/") if where else label
        if key:
            yield from (name, key, f"{label}/{key}", f"{path.name}/{key}")
            return
        stem = plain_stem(inner)
        yield from (name, label, plain_stem(label), inner, stem, stem.replace("/", "-"), stem.replace("/", "_"))
        yield from (path.name, plain_stem(path.name))
        folder = path.parent
        while str(folder) != "." and self._below[str(folder)] == 1:  # a folder for each network names it
            inner = str(folder).removeprefix(f"{where}/") if where else str(folder)
            yield from (str(folder), inner, inner.replace("/", "-"), folder.name)
            folder = folder.parent

    def _own(self, label: str, where: str) -> dict:
        """What a JSON file of a network's own name says: net.json beside net.pt."""
        name = f"{plain_stem(PurePosixPath(label).name)}.json"
        if name not in self._tables[where] or _is_common(name):
            return {}
        return _scalars(_load(self._root / where / name, "json")[1] or {})

    def _folder(self, where: str) -> tuple[list[Table], dict, dict, list[Table]]:
        """The tables of a folder, its settings, its results and its logs."""
        if where not in self._read:
            tables: list[Table] = []
            logs: list[Table] = []
            settings: dict[str, Cell] = {}
            results: dict[str, Cell] = {}
            names = {name for name in self._tables[where] if not name.endswith((DECLARED, ".index.json"))}
            common = {name for name in names if _is_common(name) or not name.endswith((".json", ".yaml", ".yml"))}
            others = names - common  # a JSON file per network is looked for by its name; a few may be tables
            for name in sorted(common | others if len(others) <= MOST_OTHERS else common):
                stem, _, suffix = name.rpartition(".")
                rows, one = _load(self._root / where / name, suffix.lower())
                if one is not None:
                    if SETTINGS_FILES.fullmatch(stem):
                        settings |= _scalars(one)
                    elif RESULTS.fullmatch(stem):
                        results |= _scalars(one)
                    rows = [{"name": k, **v} for k, v in one.items() if isinstance(v, dict)]
                if rows:
                    table = Table(f"{where}/{name}".lstrip("/"), rows)
                    if table.keyed:
                        tables.append(table)
                    if one is None and table.steps:
                        logs.append(table)
            self._read[where] = tables, settings, results, logs
        return self._read[where]

    @property
    def notes(self) -> list[str]:
        """What was beside the networks and could not be told to be of one of them."""
        said = [
            f"{where or 'the source'} holds results and several networks: not taken, for they do not say whose they are"
            for where in sorted(self._left)[:5]
        ]
        for tables, *_ in self._read.values():
            said += [
                f"{t.file}: none of its rows names a network that was read, so nothing of it is taken"
                for t in tables
                if not t.hits and t.file.endswith((".csv", ".tsv", ".parquet")) and not t.steps
            ]
        return said


def _parents(folder: str) -> Iterator[str]:
    """A folder, the one above, and so on to the source itself, which is empty."""
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
    yield ""


def _scalars(held: dict) -> dict:
    """The numbers and words of a row or a JSON object, and of the objects within it."""
    found: dict[str, Cell] = {}
    for key, value in list(held.items())[: 10 * MOST_COLUMNS]:
        if isinstance(value, dict):
            for inner, v in list(value.items())[: 10 * MOST_COLUMNS]:
                if (s := scalar(v)) is not None:
                    found.setdefault(str(inner) if key == "config" else f"{key}_{inner}", s)
        elif (s := scalar(value)) is not None:
            found[str(key)] = s
    return found


def _load(path: Path, suffix: str) -> tuple[list[dict], dict | None]:
    """The rows of a table, or the one object of a file; nothing if it is damaged, too large, or of another form."""
    try:
        with opened(path) as file:
            raw = file.read(limits.MOST_JSON + 1)
        if len(raw) > limits.MOST_JSON:
            return [], None
        if suffix == "parquet":
            import pandas as pd

            return pd.read_parquet(io.BytesIO(raw)).to_dict("records"), None
        text = raw.decode("utf-8-sig", errors="replace")
        if suffix in ("csv", "tsv"):
            return _csv(text, "\t" if suffix == "tsv" else None), None
        if suffix in ("yaml", "yml"):
            return [], _yaml(text)
        try:
            held = json.loads(text)
        except ValueError:
            held = [json.loads(line) for line in text.splitlines() if line.strip()]
        if isinstance(held, dict):
            return [], held
        return [row for row in held if isinstance(row, dict)] if isinstance(held, list) else [], None
    except (ImportRefused, ValueError, OSError, RecursionError, csv.Error, ImportError):
        return [], None
    except Exception:  # pyarrow raises many kinds for a damaged file
        if suffix != "parquet":
            raise
        return [], None


def read_table(path: Path) -> list[dict]:
    """The rows of a CSV, TSV or Parquet file, without the values that are missing.

    Raises:
        ValueError: there is no such file, it is of another kind, damaged, too large, or has no rows; in a sentence.
    """
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".tsv", ".parquet"):
        raise UsageError(f"{path} is no table that is read: .csv, .tsv or .parquet")
    if not path.is_file():
        raise UsageError(f"no file {path}")
    if path.stat().st_size > limits.MOST_JSON:
        raise UsageError(
            f"{path} has {path.stat().st_size / 1e6:.0f} MB, {limits.MOST_JSON / 1e6:.0f} MB at most are read"
        )
    rows, _ = _load(path, suffix[1:])
    if not rows:
        raise UsageError(f"{path} is empty, damaged, or has no line of column names")
    return rows


def _csv(text: str, delimiter: str | None) -> list[dict]:
    first = text.partition("\n")[0]
    delimiter = delimiter or max(",;\t", key=first.count)
    return [
        {head: Cell(v) for head, v in row.items() if head is not None and isinstance(v, str) and v.strip()}
        for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    ]


def _yaml(text: str) -> dict:
    """The lines `key: value` of a YAML file that begin at its margin; others are not read."""
    found = {}
    for line in text.splitlines():
        if match := re.fullmatch(r"([A-Za-z_][\w.-]*):\s+([^\s#&*!|>{\[].*?)\s*(?:\s#.*)?", line):
            value = match[2].strip()
            if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
                found[match[1]] = value[1:-1]
            elif value not in ("null", "~") and len(value) <= LONGEST_WORD:
                found[match[1]] = number(value)
    return found
