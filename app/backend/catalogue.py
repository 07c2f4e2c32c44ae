"""What there is to load: folders found, spaces and zoos loaded, and what is said of them."""

from __future__ import annotations

import math
import os
import random
from contextlib import suppress
from dataclasses import dataclass, field, replace
from numbers import Real
from pathlib import Path

import pandas as pd
import pyarrow.parquet
import torch

import netspace
from netspace import folders
from netspace.data.shapes import describe
from netspace.errors import FormatError
from netspace.io import find_files, read_json
from netspace.nets.archs import arch_title
from netspace.zoo.family import family_from_json
from netspace.zoo.store import HELDOUT, OPTIMISED, SPLITS, TRAIN, Zoo

from . import looks
from .caches import cached_object, cached_value
from .visitors import is_visitor, seen

ROOT = folders.HOME
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@dataclass(frozen=True)
class Found:
    """A folder that holds a space or a zoo; its id is its path below the folder it was found in."""

    id: str
    folder: Path
    kind: str
    """space or zoo"""
    title: str
    stamp: float
    """when it was last written: a folder that changes is loaded anew"""
    note: str
    """what kind of space or zoo it is, in a few words"""
    data: str
    """what its networks were trained on: "sdf" or the name of an image data set; empty where it cannot be read"""
    family: tuple
    """names of its architectures and size of their PReps: a space and a zoo fit together where these are equal"""
    task: str = ""
    """the kind of its networks, as `netspace.tasks.TASKS` has it; empty where it cannot be read"""

    def fits(self, other: Found) -> bool:
        """Whether the two, a space and a zoo, can be loaded together."""
        return bool(self.family) and self.family == other.family


def roots() -> list[Path]:
    """Where spaces and zoos are looked for: what ships, runs/, and the folders named in NETSPACE_FOLDERS."""
    more = [Path(p).expanduser() for p in os.environ.get("NETSPACE_FOLDERS", "").split(os.pathsep) if p]
    return [folders.ASSETS, ROOT / "runs", *more]


def find() -> list[Found]:
    """Every space and zoo at most three folders deep, spaces first, those that ship with the product before others."""
    found = []
    for root in roots():
        for kind, (marker, _) in FILES.items():
            for path in sorted(find_files(root, 3, marker)):
                folder = path.parent
                found.append(found_at(folder, kind, folder.relative_to(root).as_posix() if folder != root else ""))
    return list({(f.kind, f.id): f for f in reversed(found)}.values())[::-1]


FILES = {"space": ("config.json", "model.safetensors"), "zoo": ("zoo.json", "records.parquet")}
"""by kind of folder: the file that marks it, and the other one that says when it was last written"""


def found_at(folder: Path, kind: str, id: str = "") -> Found:
    """Return what is known of a folder; its id is its name unless another one is given."""
    marker, main = (folder / name for name in FILES[kind])
    stamp = max(_changed(marker), _changed(main))
    title = f"{folder.parent.name} / {folder.name}"
    return Found(id or folder.name, folder, kind, title, stamp, *_about(marker, kind, stamp))


def _changed(path: Path) -> float:
    """When a file was last changed; 0 where there is none."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


READS = {"prep": "reads weights", "probe": "reads answers"}


@cached_value(max_entries=256)
def _about(path: Path, kind: str, stamp: float) -> tuple[str, str, tuple, str]:
    """The note, the data, the family and the kind of networks of a folder."""
    data, task = "", ""
    family: tuple = ()
    try:
        about = read_json(path)
        known = family_from_json(about["family"])
        data, family, task = known.archs[0].data, (tuple(known.names), tuple(known.size)), known.archs[0].task
        several = len(known.names) > 1
        if kind == "space":
            space = about["space"]
            note = f"{space['preset']}, {READS[space['encoder']]}, E = {space['embedding']}"
            return note + (f", {len(known.names)} architectures" if several else ""), data, family, task
        count = pyarrow.parquet.read_metadata(path.parent / "records.parquet").num_rows
        held = f"{looks.arch_titles(known.names)} on {data}" if several else known.names[0]
        return f"{count} network{'s' if count != 1 else ''}, {held}", data, family, task
    except (ValueError, KeyError, TypeError, OSError):
        return "cannot be read", data, family, task


@cached_object(max_entries=8)
def _load_space(folder: Path, stamp: float) -> netspace.NetSpace:
    return netspace.load(folder, DEVICE)


@cached_object(max_entries=8)
def _load_zoo(folder: Path, stamp: float) -> Zoo:
    return Zoo.load(folder)


@dataclass(frozen=True)
class Loaded:
    """A space and a zoo that fit together."""

    space_info: Found
    zoo_info: Found
    space: netspace.NetSpace = field(repr=False)
    zoo: Zoo = field(repr=False)

    @property
    def key(self) -> str:
        """Differs where the space or the zoo does, or has been written anew."""
        return "|".join(f"{info.id}|{info.stamp}" for info in (self.space_info, self.zoo_info))

    @property
    def names(self) -> list[str]:
        return self.zoo.records.name.tolist()


def family_words(found: Found) -> str:
    """Of a space or a zoo that can be read, in words."""
    names, _ = found.family
    return looks.arch_titles(names)


def load_space(found: Found) -> netspace.NetSpace:
    """ValueError, in a sentence, where it is damaged."""
    return _load_space(found.folder, found.stamp)


def load(space: Found, zoo: Found) -> Loaded:
    """Load both; ValueError, in one sentence for the page, where either is damaged or they do not belong together."""
    loaded = Loaded(space, zoo, load_space(space), _load_zoo(zoo.folder, zoo.stamp))
    loaded.space.check_family(loaded.zoo.family)
    return loaded


@dataclass(frozen=True)
class Card:
    """A network as the picker and the viewer name it."""

    name: str
    words: str
    split: str
    """train, validation, held-out or optimised"""
    held_out: bool
    """whether it is of another split than train"""
    accuracy: float | None
    """of an image classifier, on all test images, where that was measured"""
    arch: str
    """its architecture, as titled"""


@cached_value(max_entries=8)
def _cards(folder: Path, stamp: float) -> list[Card]:
    return [_card(record) for record in _load_zoo(folder, stamp).records.to_dict("records")]


NO_BREAK = "\N{NON-BREAKING HYPHEN}"
SPLIT_WORDS = {HELDOUT: "held-out"}


def _card(record: dict) -> Card:
    """From a row of the zoo's table, in which columns that say nothing of this network are missing or not a number."""
    known = {name: value for name, value in record.items() if not pd.isna(value)}
    split, accuracy = known["split"], known.get("test_accuracy")
    accuracy = accuracy if _is_number(accuracy) else None
    words = SPLIT_WORDS.get(split, split)
    return Card(known["name"], _words(known), words, split != TRAIN, accuracy, arch_title(known["arch"]))


def _words(known: dict) -> str:
    """What a network is, from what is known of it."""
    if "legs" in known:
        with suppress(KeyError, TypeError, ValueError):  # a column of this name in another table
            return describe(known)
    if _is_number(known.get("psnr")):
        return f"{known.get('label', known.get('source', ''))}, fitted to {known['psnr']:.1f} dB"
    made = "made by latent space optimisation" if known["split"] == OPTIMISED else ""
    if _is_number(known.get("test_accuracy")):
        made = made or (f"after {known['epochs']:.3g} epochs" if _is_number(known.get("epochs")) else "")
        return f"test accuracy {known['test_accuracy']:.3f}{',' if known['split'] == OPTIMISED else ''} {made}".rstrip()
    if not made and known.get("warnings"):
        return f"{known['source']}; warning: {known['warnings']}"
    return made or str(known.get("source", known["arch"]))


def cards(loaded: Loaded) -> list[Card]:
    found = _cards(loaded.zoo_info.folder, loaded.zoo_info.stamp)
    return [replace(card, words=seen(card.words)) for card in found] if is_visitor() else found


def card(loaded: Loaded, i: int) -> Card:
    """Of one network, as `cards`, which are many in a large zoo."""
    card = _card(loaded.zoo.records.iloc[[i]].to_dict("records")[0])
    return replace(card, words=seen(card.words))


def random_pair(loaded: Loaded) -> tuple[int, int]:
    """Two training networks, drawn at random; where there are not two, two of all."""
    train = loaded.zoo.ids(TRAIN)
    ids = train if len(train) > 1 else range(len(loaded.zoo))
    if len(ids) < 2:
        return ids[0], ids[0]
    a, b = random.sample(ids, 2)
    return a, b


def summary(loaded: Loaded) -> dict[str, str]:
    """What is loaded, for the Home page."""
    records, space, family = loaded.zoo.records, loaded.space, loaded.zoo.family
    counts = {SPLIT_WORDS.get(split, split): int((records.split == split).sum()) for split in (*SPLITS, OPTIMISED)}
    splits = [f"{count} {split}" for split, count in counts.items() if count]
    parameters = sum(p.numel() for p in space.parameters()) / 1e6
    kind = f"{space.config.preset}, {READS[space.config.encoder]}"
    smallest, largest = family.archs[0], family.archs[-1]
    if len(family.archs) == 1:
        architectures = {"Architecture": f"{largest.name}, {largest.num_params:,} parameters"}
    else:
        sizes = f"{smallest.num_params:,} to {largest.num_params:,} parameters"
        architectures = {"Architectures": f"{looks.arch_titles(family.names)} on {largest.data}, {sizes}"}
    return {
        "Networks": f"{len(records)}: {', '.join(splits)}".replace("-", NO_BREAK),
        **architectures,
        "PRep": f"{family.size.height} × {family.size.width:,}, the matrix of a network's parameters",
        "Space": f"{kind}, E = {space.config.embedding}, {parameters:.1f} M parameters",
        "Device": device_name(),
    }


def reconstruction(loaded: Loaded) -> dict[str, dict] | None:
    """What `eval --save` measured with this space on this zoo, by split, or None where it was not run."""
    try:
        measured = read_json(loaded.space_info.folder / "eval.json")
        if (loaded.space_info.folder / measured["zoo"]).resolve() != loaded.zoo_info.folder.resolve():
            return None
        return {split: _figures(measured[split]) for split in SPLITS if split in measured} or None
    except (FormatError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _figures(measured: dict) -> dict:
    """Figures of a split from eval.json, numbers and None alone; KeyError or TypeError if they are not such."""
    figures = {name: value for name, value in measured.items() if value is None or _is_number(value)}
    figures["count"] = int(figures["count"])
    if "by_architecture" in measured:
        figures["by_architecture"] = {name: _figures(part) for name, part in measured["by_architecture"].items()}
    return figures


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def by_architecture(measured: dict[str, dict]) -> dict[str, dict[str, dict]]:
    """Of what `reconstruction` returns, the splits that are measured by architecture too: split, title, figures."""
    parts = {split: figures.get("by_architecture") for split, figures in measured.items()}
    return {split: {arch_title(name): of for name, of in part.items()} for split, part in parts.items() if part}


def broken(loaded: Loaded, a: int, b: int) -> str:
    """Say that the weights of an end of a path are not finite or cannot be read; empty if nothing is wrong."""
    lost = [i for i in dict.fromkeys((a, b)) if i in loaded.zoo.not_finite]
    if not lost:
        return ""
    have = "has" if len(lost) == 1 else "have"
    why = "cannot be read" if set(lost).intersection(loaded.zoo.unreadable) else "are not finite"
    return f"{' and '.join(loaded.names[i] for i in lost)} {have} weights that {why}: no embedding and no path."


def zoo_problem(loaded: Loaded) -> str:
    """Say which networks of the zoo cannot be read; empty if all can."""
    return loaded.zoo.problem


def device_name() -> str:
    if DEVICE == "cuda":
        return torch.cuda.get_device_name()
    return f"CPU, {os.cpu_count()} cores"
