"""Cases for `bad_input.attempt`: written ones, over commands, options and files, and those made of random bytes."""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bad_input import Ended, Home, attempt

from netspace.cli.outputs import Output
from netspace.cli.registry import named_parsers

BOTH = "--space space --zoo zoo"
BASE = {
    "archs": "archs",
    "audit": f"audit {BOTH} --count 1 --images 8 --out out",
    "bundle": f"bundle {BOTH} --pairs net-0:net-1 --steps 2 --map none --out out.html",
    "collect": f"collect {BOTH} --a net-0 --b net-1 --steps 2 --map none --out out.zip",
    "compare": "compare run",
    "directions": f"directions {BOTH}",
    "embed": f"embed {BOTH} --out out.parquet",
    "eval": f"eval {BOTH} --limit 1",
    "export": "export --zoo zoo --space space --network net-0 --out out.pt",
    "fuse": "fuse --arch lenetlike/digits --state files/net.pt --out out.safetensors",
    "images": "images",
    "interpolate": f"interpolate {BOTH} --a net-0 --b net-1 --steps 2 --out out",
    "path": f"path {BOTH} --a net-0 --b net-1 --steps 2 --out out",
    "jobs list": "jobs list .",
    "jobs resume": "jobs resume run",
    "jobs stop": "jobs stop job",
    "lso": f"lso {BOTH} --start net-0 --target digits:0 --steps 2 --every 1 --out out",
    "remake": "remake files/made.zip --space space --zoo zoo --out out.zip",
    "score": f"score {BOTH} --pairs 1 --seeds 1 --steps 3 --images 8 --out out",
    "shapes chairs": "shapes chairs --count 1 --out out",
    "symmetry": f"symmetry {BOTH} --count 1 --copies 1 --images 8 --out out",
    "train": "train --zoo zoo --steps 1 --every 1 --nets 2 --points 16 --queries 16 --embedding 8 --hidden 16 "
    "--out out",
    "zoo add": "zoo add --zoo zoo --run run",
    "zoo annotate": "zoo annotate --zoo zoo --table files/table.csv",
    "zoo fit-cnn": "zoo fit-cnn --count 1 --limit 32 --epochs 1 --validation 0 --heldout 0 --workers 0 --out out",
    "zoo fit-image": "zoo fit-image --images pictures --count 2 --size 8 --steps 2 --workers 0 --out out",
    "zoo fit-sdf": "zoo fit-sdf --meshes meshes --arch siren64 --steps 2 --samples 100 --batch 10 --workers 0 "
    "--out out",
    "zoo import": "zoo import nets --as paper --out out",
    "zoo join": "zoo join --zoo zoo --zoo zoo2 --out out",
    "zoo select": "zoo select --zoo zoo --train 1 --heldout 1 --out out",
    "zoo thumbnails": "zoo thumbnails --zoo zoo",
}
"""By command, words that are right in a `Home`."""
PIPES = ("fifo", "fifo.csv")
SECONDS_AT_WORK = 1.5
"""after which a job that was given much to do is believed to be at work"""


@dataclass(frozen=True)
class Case:
    """A command that is wrong in one thing, or borderline."""

    name: str
    words: tuple[str, ...]
    prepare: Callable[[Path], None] | None = None
    """what is done to a fresh home before"""
    must_fail: bool = False
    may_run: bool = False

    def run(self, template: Path, place: Path) -> Ended:
        """Try it in a fresh copy of a home."""
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(template, place, symlinks=True)
        for name in PIPES:  # which are not copied
            os.mkfifo(place / name)
        os.chdir(place)
        if self.prepare:
            self.prepare(place)
        return attempt(
            self.words, must_fail=self.must_fail, may_run=self.may_run,
            seconds=SECONDS_AT_WORK if self.may_run else None,
        )  # fmt: skip


def changed(base: str, flag: str, *values: str) -> tuple[str, ...]:
    """Words in which an option has other values."""
    words = base.split()
    if flag in words:
        k = words.index(flag)
        end = next((i for i in range(k + 1, len(words)) if words[i].startswith("--")), len(words))
        del words[k:end]
    if len(values) == 1:
        return (*words, f"{flag}={values[0]}")
    return (*words, flag, *values)


# -- options -------------------------------------------------------------------------------------------------------

HUGE = "9" * 5000
NO_WHOLE_NUMBERS = ("nan", "inf", "", "1.5", "0x10", "many", HUGE, "1e9")
NO_NUMBERS = ("nan", "inf", "-inf", "1e400", "", "many")
ODD_NUMBERS = ("-1", "0", "1000000000", "99999999999999999999")
ODD_FLOATS = ("-1", "0", "1e-320", "1e30", "1e308")
NO_PATHS = ("", "a\0b", "x" * 300, "fifo", "/dev/zero", "/dev/null", "loop", "nowhere", "files/network.json/x", "/")
TEXTS = ("", "x" * 5000, "a\0b", "../..", "\udcff", "-", ":", "@", "💥", "[" * 3000)
DEVICES = ("", "foo", "cuda:99", "cpu:9", "meta", "cuda:-1", "mps:0", "privateuseone", "x" * 5000)
PATHS_THAT_MAY_BE_ANYWHERE = {"folders", "--folder", "--data", "--assets", "run_folders"}


def option_cases() -> Iterator[Case]:
    """Every option of every command, with values that it cannot have, or that are odd."""
    for command, parser in named_parsers().items():
        if command == "app":  # it starts a server
            continue
        for action in parser._actions:
            if not action.option_strings or action.nargs == 0 or action.dest in ("help",) or isinstance(action, Output):
                continue
            flag = action.option_strings[-1]
            for value, must_fail, may_run in _values(action, flag):
                words = changed(BASE[command], flag, value)
                yield Case(f"{command} {flag}={value[:12]!r}", words, None, must_fail, may_run)


def _values(action: argparse.Action, flag: str) -> Iterator[tuple[str, bool, bool]]:
    if flag == "--device":
        yield from ((value, True, False) for value in DEVICES)
    elif action.choices is not None:
        yield from (("no such choice", True, False), ("", True, False))
    elif action.type is int:
        yield from ((value, True, False) for value in NO_WHOLE_NUMBERS)
        yield from ((value, False, True) for value in ODD_NUMBERS)
    elif action.type is float:
        yield from ((value, True, False) for value in NO_NUMBERS)
        yield from ((value, False, True) for value in ODD_FLOATS)
    elif action.type is Path:
        somewhere = flag in PATHS_THAT_MAY_BE_ANYWHERE
        yield from ((value, not somewhere or not value, False) for value in NO_PATHS)
    else:
        yield from ((value, False, False) for value in TEXTS)


def written_cases() -> Iterator[Case]:
    """The commands of bad_input.txt."""
    for line in (Path(__file__).parent / "bad_input.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        may_run = line.startswith("? ")
        words = line.removeprefix("? ").replace("BOTH", BOTH).replace("HUGE", HUGE)
        yield Case(line, tuple(words.split()), None, must_fail=not may_run, may_run=may_run)


# -- files ---------------------------------------------------------------------------------------------------------

READERS = {
    "zoo/zoo.json": ["zoo select", "embed", "zoo add"],
    "zoo/records.parquet": ["embed", "zoo annotate"],
    "zoo/weights": ["embed", "zoo join"],
    "space/config.json": ["embed", "export"],
    "space/model.safetensors": ["embed"],
    "run/result.json": ["compare"],
    "run/lso.json": ["lso resumed"],
    "run/best.safetensors": ["zoo add"],
    "run/metrics.jsonl": ["lso resumed"],
    "run/checkpoint.safetensors": ["lso resumed"],
    "trained/train.json": ["train resumed"],
    "trained/checkpoint.safetensors": ["train resumed"],
    "trained/metrics.jsonl": ["train resumed"],
    "job/job.json": ["jobs list", "jobs stop", "jobs resume job"],
    "job/status.json": ["jobs list", "jobs stop"],
    "job/log.txt": ["jobs list"],
    "job/metrics.jsonl": ["jobs list"],
    "job/.lock": ["jobs list", "jobs stop"],
    "files/table.csv": ["zoo annotate"],
    "files/table.parquet": ["annotate parquet"],
    "nets/network.json": ["zoo import"],
    "nets/net.safetensors": ["zoo import"],
    "nets/net.pt": ["zoo import"],
    "nets/net.npz": ["zoo import"],
    "nets/net.onnx": ["zoo import", "import like", "import reference"],
    "files/nets.zip": ["import zip"],
    "files/net.pt": ["fuse"],
    "files/classes.txt": ["import classes"],
    "meshes/box.obj": ["zoo fit-sdf"],
    "meshes/box.stl": ["zoo fit-sdf"],
    "meshes/box.ply": ["zoo fit-sdf"],
    "meshes/ascii.ply": ["zoo fit-sdf"],
    "meshes/box.off": ["zoo fit-sdf"],
    "meshes/box.glb": ["zoo fit-sdf"],
    "pictures/picture.png": ["zoo fit-image", "images folder"],
    "pictures/picture.jpg": ["zoo fit-image"],
    "pictures/picture.webp": ["zoo fit-image"],
}
"""By file of a `Home`, the commands that read it."""
WORDS = BASE | {
    "lso resumed": f"lso {BOTH} --start net-0 --target digits:0 --out run --resume",
    "train resumed": BASE["train"].replace("--steps 1", "--steps 2").replace("--out out", "--out trained --resume"),
    "jobs resume job": "jobs resume job",
    "annotate parquet": "zoo annotate --zoo zoo --table files/table.parquet",
    "import like": "zoo import files/net.pt --like nets/net.onnx --out out",
    "import reference": "zoo import files/net.pt --as paper --reference nets/net.onnx --out out",
    "import zip": "zoo import files/nets.zip --as paper --out out",
    "import classes": "zoo import nets --classes files/classes.txt --out out",
    "images folder": "images mine --folder pictures",
}
SEVERAL = ("zoo import", "zoo fit-sdf", "zoo fit-image", "import zip", "jobs list", "images folder")
"""Commands that read many files and go on without one of them."""


def found(home: Path, name: str) -> Path:
    """A file of a home; the weights' name has a hash in it."""
    return next(iter((home / "zoo").glob("weights*.safetensors"))) if name == "zoo/weights" else home / name


def damages() -> dict[str, Callable[[Path], None]]:
    """By name, what may happen to a file of any format."""

    def replaced(make: Callable[[Path], Any]) -> Callable[[Path], None]:
        def damage(path: Path) -> None:
            path.unlink(missing_ok=True)
            make(path)

        return damage

    def held(path: Path) -> bytes:
        return path.read_bytes() if path.is_file() else b""

    def written(content: bytes) -> Callable[[Path], None]:
        return replaced(lambda path: path.write_bytes(content))

    return {
        "missing": replaced(lambda path: None),
        "a pipe": replaced(os.mkfifo),
        "a folder": replaced(os.mkdir),
        "endless": replaced(lambda path: path.symlink_to("/dev/zero")),
        "a device": replaced(lambda path: path.symlink_to("/dev/null")),
        "a link to itself": replaced(lambda path: path.symlink_to(path)),
        "empty": written(b""),
        "spaces": written(b" \n"),
        "zeros": written(bytes(4096)),
        "a list": written(b"[]"),
        "null": written(b"null"),
        "a number": written(b"1"),
        "a text": written(b'"x"'),
        "true": written(b"true"),
        "an empty object": written(b"{}"),
        "nested deep": written(b"[" * 100_000 + b"]" * 100_000),
        "objects nested deep": written(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        "a huge number": written(b'{"format": 1' + b"0" * 10_000 + b"}"),
        "other bytes": written(bytes(range(256)) * 16),
        "UTF-16": written('{"format": 1}'.encode("utf-16")),
        "half of it": lambda path: path.write_bytes(held(path)[: len(held(path)) // 2]),
        "twice": lambda path: path.write_bytes(held(path) * 2),
    }


def damage_cases() -> Iterator[Case]:
    """Every file with every damage, read by the commands that read it."""
    for name, readers in READERS.items():
        for damage, apply in damages().items():
            for reader in readers:
                yield Case(
                    f"{reader}: {name} is {damage}", tuple(WORDS[reader].split()),
                    lambda home, name=name, apply=apply: apply(found(home, name)), may_run=reader == "jobs resume job",
                )  # fmt: skip


ODD_VALUES = {
    "null": None, "list": [], "object": {}, "text": "x", "empty": "", "minus": -1, "zero": 0, "nan": float("nan"),
    "inf": float("inf"), "huge": 10**30, "big": 4_000_000_000, "fraction": 0.5, "true": True, "list of null": [None],
    "long": "x" * 100_000, "path": "../../../etc/passwd", "deep": json.loads("[" * 500 + "]" * 500), "large": 65_536,
}  # fmt: skip


def places(value: Any, depth: int = 3) -> Iterator[tuple[Any, ...]]:
    """The keys that lead to every value of a JSON object, down to a depth."""
    if depth and isinstance(value, dict):
        for key, inner in value.items():
            yield (key,)
            yield from ((key, *rest) for rest in places(inner, depth - 1))
    elif depth and isinstance(value, list):
        for k, inner in enumerate(value[:2]):
            yield (k,)
            yield from ((k, *rest) for rest in places(inner, depth - 1))


def json_cases(template: Path) -> Iterator[Case]:
    """Every value of every JSON file, replaced by each of ODD_VALUES."""
    for name in (name for name in READERS if name.endswith(".json")):
        held = json.loads((template / name).read_text())
        for where in places(held):
            for odd, value in ODD_VALUES.items():
                reader = READERS[name][len(odd) % len(READERS[name])]
                yield Case(
                    f"{reader}: {name} {'.'.join(map(str, where))} is {odd}", tuple(WORDS[reader].split()),
                    lambda home, name=name, where=where, value=value: _put(home / name, where, value),
                    may_run=reader == "jobs resume job",
                )  # fmt: skip


def _put(path: Path, where: tuple[Any, ...], value: Any) -> None:
    whole = held = json.loads(path.read_text())
    for key in where[:-1]:
        held = held[key]
    held[where[-1]] = value
    path.write_text(json.dumps(whole))


# -- random bytes --------------------------------------------------------------------------------------------------


ODD_WORDS = (b"\xff" * 4, bytes(4), b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\x01\0\0\0")
ODD_DOUBLE_WORDS = (b"\xff" * 8, bytes(8), b"\0\0\xc0\x7f\0\0\x80\x7f", b"\0\0\0\0\x01\0\0\0")


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Bytes with a few random changes: flipped, cut, repeated, filled, or numbers in them made odd."""
    content = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        size = len(content)
        at = rng.randrange(size) if size else 0
        if rng.random() < 0.4:  # in the beginning stands what is not values
            at = min(at, rng.randrange(min(size, 256))) if size else 0
        kind = rng.randrange(8)
        if kind == 0 and size:
            content[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and size:
            content[at] = rng.randrange(256)
        elif kind == 2:
            del content[at:]
        elif kind == 3:
            del content[at : at + rng.randrange(1, 64)]
        elif kind == 4:
            content[at:at] = content[at : at + rng.randrange(1, 64)] * rng.randrange(1, 8)
        elif kind == 5:
            content[at : at + 4] = rng.choice(
                (b"\xff" * 4, b"\0" * 4, b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\x01\0\0\0")
            )
        elif kind == 6:
            content[at : at + 8] = rng.choice(
                (b"\xff" * 8, b"\0" * 8, b"\0\0\xc0\x7f\0\0\x80\x7f", b"\0\0\0\0\x01\0\0\0")
            )
        else:
            digits = [i for i in range(max(0, at - 200), min(size, at + 200)) if 48 <= content[i] <= 57]
            if digits:
                i = rng.choice(digits)
                content[i : i + 1] = rng.choice((b"-1", b"99999999999", b"1e999", b"nan", b"0", b"4294967295"))
    return bytes(content)


def byte_case(seed: str) -> Case:
    """The case of a seed: a file of some format with random changes, read by a command that reads it."""
    rng = random.Random(seed)
    name = rng.choice(sorted(READERS))
    reader = rng.choice(READERS[name])

    def prepare(home: Path) -> None:
        path = found(home, name)
        if path.is_file():
            path.write_bytes(mutated(path.read_bytes(), rng))

    return Case(
        f"byte_case({seed!r}): {name}", tuple(WORDS[reader].split()), prepare, may_run=reader == "jobs resume job"
    )


def make_template(root: Path) -> Path:
    """A home, with what the cases need beside it."""
    home = Home(root)
    for name in ("meshes", "pictures", "nets"):
        (root / name).mkdir(exist_ok=True)
    files = root / "files"
    for name in ("box.obj", "box.stl", "box.ply", "ascii.ply", "box.off", "box.glb"):
        shutil.copy(files / name, root / "meshes")
    for name in ("picture.png", "picture.jpg", "picture.webp"):
        shutil.copy(files / name, root / "pictures")
    for name in ("net.safetensors", "net.pt", "net.npz", "net.onnx", "network.json"):
        shutil.copy(files / name, root / "nets")
    shutil.copytree(home.zoo, root / "zoo2", dirs_exist_ok=True)
    here = Path.cwd()
    os.chdir(root)
    trained = attempt(BASE["train"].replace("--out out", "--out trained").split())
    os.chdir(here)
    assert trained.code == 0, trained
    (root / "loop").symlink_to(root / "loop")
    (root / "zero.csv").symlink_to("/dev/zero")
    for name in ("empty", "empty.csv", "empty.parquet"):
        (root / name).touch()
    return root
