"""Make what test_golden.py compares with: numbers.json, options.json and the folders of files/.

    OMP_NUM_THREADS=1 python -m tests.golden.make numbers
    OMP_NUM_THREADS=1 python -m tests.golden.make options
    OMP_NUM_THREADS=1 python -m tests.golden.make files

Run it only where a change of results, of the command line or of a format is meant, and say so in the commit. Files of
an older format are kept under another name for as long as they must open. links.json holds promises to users and is
written by hand. The library is imported here alone, so code that moves is followed in one
place; test_golden.py imports only the app.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, suppress
from pathlib import Path
from unittest.mock import patch

import torch
from torch import Tensor

import netspace
from netspace.cli.main import main
from netspace.cli.options import read_fields
from netspace.cli.registry import build_parser
from netspace.geometry.mesh import components, surface_of
from netspace.io import read_tensors
from netspace.jobs.launch import checked_words as checked_words
from netspace.jobs.records import log_tail, read_curves, read_job
from netspace.jobs.running import running
from netspace.latent.paths import METHODS
from netspace.recipes import RECIPES
from netspace.tasks import task_of
from netspace.tasks.measures import iou
from netspace.train.lso import LsoConfig, optimise
from netspace.train.lso_files import read_best, read_result, read_run, read_trajectory
from netspace.train.space import TrainConfig, train_space
from netspace.train.starts import start_from

GOLDEN = Path(__file__).resolve().parent
ASSETS = GOLDEN.parent.parent / "assets"
FILES = GOLDEN / "files"
SIGNIFICANT = 7
"""digits that are kept of a number"""
GAMMAS = (0.0, 0.25, 1.0)
"""steps of a path; not symmetric, so that swapped ends are noticed"""

# -- numbers -------------------------------------------------------------------------------------------------------

SPACES = {
    "chairs/space-prep": ("chairs/zoo", "chair-0000", "chair-0287"),
    "chairs/space-probe": ("chairs/zoo", "chair-0000", "chair-0287"),
    "digits/space": ("digits/zoo", "resnet8-001", "resnet8-079"),
    "cifar10/space": ("cifar10/zoo", "lenetlike-000", "lenetlike-131"),
    "digits-images/space": ("digits-images/zoo", "digit-0000", "digit-0479"),
    "digits-family/space": ("digits-family/zoo", "lenetlike-000", "resnet32-003"),
    "digits-family/space, one architecture": ("digits-family/zoo", "vanillacnn-000", "vanillacnn-029"),
}
"""Spaces that ship: zoo, and the names of A and B."""


def rounded(value: float) -> float:
    return float(f"{value:.{SIGNIFICANT}g}")


def summary(x: Tensor) -> dict[str, float]:
    """Eight numbers that tell tensors of one shape apart; `wave` changes if values are permuted."""
    x = x.detach().double().flatten()
    wave = (x * torch.arange(len(x), dtype=torch.float64).cos()).sum() / len(x) ** 0.5
    figures = {"mean": x.mean(), "std": x.std(), "least": x.min(), "most": x.max()}
    figures |= {"first": x[0], "middle": x[len(x) // 2], "last": x[-1], "wave": wave}
    return {name: rounded(float(value)) for name, value in figures.items()}


def questions(network: netspace.Network) -> Tensor:
    """Inputs (n, ...) for a network, without a random generator: points of a cube or a square, or images."""
    if not network.arch.convolutional:
        coordinates = network.arch.skeleton.spec.widths[0]
        return torch.arange(100.0 * coordinates).mul(1.7).sin().view(100, coordinates)
    size = network.arch.skeleton.size
    return torch.arange(4.0 * 3 * size * size).mul(0.37).sin().view(4, 3, size, size)


HELD_METHODS = ("latent", "weights")
"""The others depend on whether training images are at hand; tests/test_align.py has their laws."""


@torch.no_grad()
def numbers_of(name: str) -> dict:
    """Embeddings, decoded networks, their answers and paths of a space that ships."""
    folder, a, b = SPACES[name]
    space, zoo = netspace.load(ASSETS / name.partition(",")[0]), netspace.Zoo.load(ASSETS / folder)
    preps = torch.stack([zoo[a].prep, zoo[b].prep])  # (2, 1, H, W)
    z = space.encode(preps)  # (2, E)
    decoded, networks = space.decode(z), space.networks(z)
    found = {"weights": summary(preps), "embeddings": summary(z), "decoded": summary(decoded.preps)}
    found["architectures"] = [network.arch.name for network in networks]
    found["answers"] = [summary(network(questions(network))) for network in networks]
    found["answers, compiled"] = [summary(network.compiled()(questions(network))) for network in networks]
    if decoded.class_logits is not None:
        found["class logits"] = summary(decoded.class_logits)
    for method in HELD_METHODS:
        try:
            path = METHODS[method].open(space, zoo[a], zoo[b]).networks(GAMMAS)
        except ValueError:
            found[f"path, {method}"] = "ValueError"  # or a kind of it, as the library has them
            continue
        found[f"path, {method}"] = [summary(network.prep) for network in path]
        found[f"path, {method}, architectures"] = [network.arch.name for network in path]
    return found


@torch.no_grad()
def mesh_numbers() -> dict[str, float]:
    """Measures of the mesh of a chair, decoded from its embedding, on a grid of 64 cells along an axis."""
    space, zoo = netspace.load(ASSETS / "chairs" / "space-prep"), netspace.Zoo.load(ASSETS / "chairs" / "zoo")
    (network,) = space.networks(space.encode(zoo["chair-0000"].prep[None]))
    surface, original = surface_of(network, 64), surface_of(zoo["chair-0000"], 64)
    mesh = surface.mesh
    found = {"volume": mesh.volume, "area": mesh.area, "components": components(mesh)}
    found["iou with the original"] = iou(surface.inside, original.inside)
    return {name: rounded(float(value)) for name, value in found.items()}


# -- options -------------------------------------------------------------------------------------------------------


def leaves(parser: argparse.ArgumentParser, words: tuple[str, ...] = ()) -> Iterator[tuple[str, list[argparse.Action]]]:
    """Every command with its options and arguments, in order."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                yield from leaves(child, (*words, name))
            return
    yield " ".join(words), [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]


def plain(value: object) -> object:
    """As JSON has it."""
    if isinstance(value, Path):
        return value.as_posix()
    return list(value) if isinstance(value, tuple) else value


def options(recipe: str | None = None) -> dict[str, dict[str, dict]]:
    """Command -> option -> what is not usual of it: choices, default, and so on; no prose."""
    with patch("os.cpu_count", lambda: 7):  # the default of --workers is not this machine's
        parser = build_parser(recipe)
    found = {}
    for command, actions in leaves(parser):
        mine, place = {}, 0
        for action in actions:
            place += not action.option_strings
            key = "/".join(action.option_strings) or f"argument {place}"
            about = {"choices": [plain(c) for c in action.choices] if action.choices else None}
            about |= {"default": plain(action.default), "nargs": action.nargs}
            about |= {"required": action.required or None, "type": getattr(action.type, "__name__", None)}
            about |= {"repeated": isinstance(action, argparse._AppendAction) or None}
            mine[key] = {name: value for name, value in about.items() if value is not None}
        found[command] = mine
    return found


def recipe_defaults() -> dict[str, dict[str, dict[str, object]]]:
    """Recipe -> command -> option -> default, where the recipe changes it."""
    usual, found = options(), {}
    for recipe in RECIPES:
        found[recipe] = {}
        for command, mine in options(recipe).items():
            changed = {
                o: a.get("default") for o, a in mine.items() if a.get("default") != usual[command][o].get("default")
            }
            if changed:
                found[recipe][command] = changed
    return found


# -- files ---------------------------------------------------------------------------------------------------------

ARCH = "siren/3-8-8-1@30"
WORK, ELSEWHERE = "work", "/made/elsewhere"
"""the folder that files are made in, and what stands in them for the folder above it"""
TINY = {
    "embedding": 8, "hidden": 16, "chunk": 16, "steps": 300, "nets": 4, "points": 256, "queries": 512, "every": 100,
    "lr": 0.01, "hidden_dtype": "float32",
}  # fmt: skip
STOPPED = TINY | {"steps": 110}
"""of the training that is stopped at step 100: ten steps on, other machines are still close by"""
LSO_STEPS = 12


def words_of(config: dict) -> list[str]:
    return [word for name, value in config.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def make_files(folder: Path) -> None:
    """A zoo, a space, a training and an optimisation that were stopped and such that ended, each also a job."""
    with tempfile.TemporaryDirectory() as temporary, chdir(temporary):
        slots = {"NETSPACE_SLOTS": temporary, "NETSPACE_CACHE": temporary}
        with patch.dict(os.environ, slots):
            for words in (
                ["zoo", "fit-sdf", "--chairs", "12", "--out", f"{WORK}/zoo", "--arch", ARCH, "--steps", "1500",
                 "--batch", "256", "--samples", "4000", "--heldout-every", "4", "--hidden-dtype", "float32",
                 "--workers", "0", "--group", "12", "--device", "cpu"],
                ["train", "--zoo", f"{WORK}/zoo", "--out", f"{WORK}/space", "--device", "cpu", *words_of(TINY)],
                [*lso_words(), "--out", f"{WORK}/lso"],
            ):  # fmt: skip
                with patch("sys.argv", ["netspace", *words]):
                    assert main(words) == 0
            for begin, name in ((train_again, "train-stopped"), (lso_again, "lso-stopped")):
                out = Path(WORK) / name
                words = ["train", "--zoo", f"{WORK}/zoo", *words_of(STOPPED)] if begin is train_again else lso_words()
                with suppress(KeyboardInterrupt), running(out, words[0], [*words, "--out", str(out)]) as job:
                    for line in begin(Path(WORK), out, resume=False):
                        job.report(f"step {line.step}", line.step, LSO_STEPS if words[0] == "lso" else STOPPED["steps"])
                        if line.step:
                            raise KeyboardInterrupt
        for path in Path(WORK).rglob("*"):
            if path.suffix in (".json", ".jsonl", ".txt"):
                path.write_text(path.read_text().replace(str(Path(temporary).resolve()), ELSEWHERE))
            if path.name in (".lock", "tensorboard"):  # names a machine
                path.unlink() if path.is_file() else shutil.rmtree(path)
        (Path(WORK) / "space" / "checkpoint.safetensors").unlink()  # one is enough
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(WORK, folder)


def lso_words() -> list[str]:
    return [
        "lso", "--space", f"{WORK}/space", "--zoo", f"{WORK}/zoo", "--start", "chair-0001", "--target", "chair:11",
        "--steps", str(LSO_STEPS), "--every", "4", "--points", "256", "--queries", "512", "--lr", "0.1",
    ]  # fmt: skip


def train_again(files: Path, out: Path, resume: bool = True) -> Iterator:
    """Go on with the training that was stopped."""
    return train_space(netspace.Zoo.load(files / "zoo"), TrainConfig(**STOPPED), out, resume=resume)


def lso_again(files: Path, out: Path, resume: bool = True) -> Iterator:
    """Go on with the optimisation that was stopped."""
    space, zoo = netspace.load(files / "space"), netspace.Zoo.load(files / "zoo")
    args = build_parser().parse_args([*lso_words(), "--out", str(out)])
    config = read_fields(args, LsoConfig)
    goal = task_of(space).goal(space, config, target=args.target)
    about = {"space": str(args.space), "zoo": str(args.zoo), "teacher": None, "target": args.target}
    about |= {"command": "python -m netspace lso"}
    return optimise(space, start_from(space, zoo, args.start), goal, config, out, about=about, resume=resume)


@torch.no_grad()
def opened_zoo(files: Path) -> dict:
    zoo = netspace.Zoo.load(files / "zoo")
    records = zoo.records
    found = {"count": len(zoo), "family": zoo.family.names, "size": list(zoo.family.size), "names": [*records.name]}
    found |= {"columns": [*records], "splits": records.split.value_counts().to_dict()}
    found |= {"fit_iou": summary(torch.tensor(records.fit_iou.to_numpy())), "weights": summary(zoo.preps(range(12)))}
    return found | {"about": sorted(zoo.about)}


@torch.no_grad()
def opened_space(files: Path, name: str = "space") -> dict:
    space, zoo = netspace.load(files / name), netspace.Zoo.load(files / "zoo")
    z = space.encode(zoo.preps(range(12)))
    return {"config": vars(space.config), "embeddings": summary(z), "decoded": summary(space.decode(z).preps)}


@torch.no_grad()
def opened_lso(files: Path, name: str = "lso") -> dict:
    folder = files / name
    run, result, best = read_run(folder), read_result(folder), read_best(folder)
    found = {"config": run["config"], "start": run["start"], "score": run["score"], "about": sorted(run["about"])}
    found |= {"ended": result.ended, "steps": result.steps, "best step": [result.best_step, best.step]}
    found |= {"test": {k: rounded(v) for k, v in result.test.items()}, "best": rounded(best.score)}
    found |= {"z": summary(best.z), "network": summary(best.network.prep), "arch": best.network.arch.name}
    return found | {"trajectory": summary(read_trajectory(folder)), "points": len(read_curves(folder))}


def opened_job(folder: Path) -> dict:
    job = read_job(folder)
    found = {"kind": job.kind, "state": job.state, "message": job.message, "done": job.done, "total": job.total}
    found |= {"argv": job.argv, "directory": str(job.directory), "command": job.command, "log": log_tail(job)}
    points = read_curves(folder)
    return found | {"steps": [point["step"] for point in points], "metrics": sorted(points[-1]) if points else []}


OPENED = {
    "zoo": opened_zoo,
    "space": opened_space,
    "space of a stopped training": lambda files: opened_space(files, "train-stopped"),
    "lso": opened_lso,
    **{
        f"job {name}": lambda files, name=name: opened_job(files / name)
        for name in ("zoo", "space", "lso", "train-stopped", "lso-stopped")
    },
}
"""What today's loaders say of every folder of files/."""


def trained_on(files: Path) -> dict:
    """Go on with the stopped training, to its end."""
    folder = files / "train-stopped"
    (line,) = train_again(files, folder)
    tensors = read_tensors(folder / "checkpoint.safetensors")
    parts = {kind: [t.flatten() for n, t in sorted(tensors.items()) if n.startswith(kind)] for kind in KINDS}
    found = {"step": line.step, "terms": line.terms, "measures": line.measures}
    return found | {kind: summary(torch.cat(part)) for kind, part in parts.items()}


def optimised_on(files: Path) -> dict:
    """Go on with the stopped optimisation, to its end."""
    lines = list(lso_again(files, files / "lso-stopped"))
    return {"lines": [line.step for line in lines]} | opened_lso(files, "lso-stopped")


KINDS = ("model", "averaged")
"""of tensors in a checkpoint"""
RESUMED = {"train": trained_on, "lso": optimised_on}
"""What going on with what was stopped leads to; the folders are written to."""


# -- all -----------------------------------------------------------------------------------------------------------


def written(name: str, found: dict) -> None:
    (GOLDEN / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")


def make(what: str) -> None:
    if what == "numbers":
        written(what, {name: numbers_of(name) for name in SPACES} | {"mesh": mesh_numbers()})
    elif what == "options":
        written(what, {"commands": options(), "recipes": recipe_defaults()})
    elif what == "files":
        make_files(FILES)
        found = {name: opened(FILES) for name, opened in OPENED.items()}
        with tempfile.TemporaryDirectory() as copy:
            shutil.copytree(FILES, copy, dirs_exist_ok=True)
            found |= {f"{name}, resumed": resumed(Path(copy)) for name, resumed in RESUMED.items()}
        written(what, found)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    torch.set_num_threads(1)
    make(sys.argv[1] if len(sys.argv) == 2 else "")
