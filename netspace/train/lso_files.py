"""What a latent space optimization leaves in its folder, read back.

lso.json (what was asked), metrics.jsonl (its log), checkpoint.safetensors (to resume from; the trajectory),
best.safetensors (embedding and weights of the best network) and, once it has ended, result.json.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from ..errors import FormatError
from ..io import check_format, check_types, read_json, read_safetensors, read_tensors, write_tensors
from ..nets.network import Network
from ..zoo.store import OPTIMISED, Zoo, add


def read_run(folder: str | Path) -> dict:
    """Return what a run was asked for (lso.json); FormatError if it is missing, damaged or of another version."""
    run = read_json(Path(folder) / "lso.json")
    if not isinstance(run, dict):
        raise FormatError(f"{Path(folder) / 'lso.json'} is no description of a run")
    check_format(run, "run", Path(folder))
    check_types(run, Path(folder) / "lso.json", RUN_TYPES)
    return run


RUN_TYPES = {
    "config": dict, "start": object, "score": str, "want": object, "made_of": object, "goal": object, "about": dict
}  # fmt: skip
"""of what lso.json has"""


class Result(NamedTuple):
    """How a run ended."""

    ended: str
    """steps: all were done; patience: no better score for a while; diverged"""
    problem: str
    """a sentence for the user; empty if there is no problem"""
    steps: int
    best_step: int
    score: str
    """name of the score: accuracy, iou ..."""
    validation: dict[str, float]
    """scores of start and best"""
    test: dict[str, float]
    """the same on test data, measured once; and of the original network if the run started from one"""
    architecture: dict[str, str]
    seconds: float


def read_result(folder: str | Path) -> Result:
    """Return how a run ended; FormatError if it has not ended, or the file is damaged."""
    path = Path(folder) / "result.json"
    try:
        result = Result(**read_json(path))
    except TypeError as error:
        raise FormatError(f"{path} is not the result of a run ({error})") from error
    check_types(result._asdict(), path, RESULT_TYPES)
    for scores in (result.validation, result.test):
        known = {name: value for name, value in scores.items() if value == value}  # a score may be NaN
        check_types(known, path, dict.fromkeys(known, int | float))
    return result


RESULT_TYPES = {
    "ended": str, "problem": str, "score": str, "steps": int, "best_step": int, "seconds": int | float,
    "validation": dict, "test": dict, "architecture": dict,
}  # fmt: skip
"""of what result.json has"""


class Best(NamedTuple):
    """The best of a run so far."""

    network: Network
    z: Tensor
    """(E)"""
    step: int
    score: float
    """on validation data"""


def write_best(folder: Path, network: Network, z: Tensor, step: int, score: float) -> None:
    tensors = {f"network/{name}": p for name, p in network.params.items()} | {"z": z}
    size = json.dumps(list(network.prep.shape[-2:]))
    metadata = {"arch": network.arch.name, "size": size, "step": str(step), "score": repr(score)}
    write_tensors(folder / "best.safetensors", tensors, metadata)


def read_best(folder: str | Path) -> Best:
    """Return the best network of a run so far; FormatError if there is none yet, or it is damaged."""
    from ..nets.archs import arch_named

    path = Path(folder) / "best.safetensors"
    if not path.is_file():
        raise FormatError(f"{folder} has no best network yet")
    tensors, known = read_safetensors(path)
    try:
        params = {name.removeprefix("network/"): t for name, t in tensors.items() if name.startswith("network/")}
        network = Network.of(arch_named(known["arch"]), params, json.loads(known["size"]))
        return Best(network, tensors["z"], int(known["step"]), float(known["score"]))
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"{path} is not the best network of a run ({error})") from error


def read_trajectory(folder: str | Path) -> Tensor:
    """Return the embeddings (entries, E) of a run's log entries so far; FormatError if there are none."""
    path = Path(folder) / "checkpoint.safetensors"
    tensors = read_tensors(path)
    if "trajectory" not in tensors:
        raise FormatError(f"{path} holds no trajectory")
    return tensors["trajectory"]


def add_best(zoo_folder: str | Path, folder: str | Path, name: str = "") -> Zoo:
    """Append a run's best network to a zoo, in the zoo's precision; return the zoo as it then is.

    Args:
        zoo_folder: of the zoo.
        folder: of the run.
        name: the network's in the zoo; empty: that of the run's folder.

    Raises:
        FormatError: zoo or run cannot be read, or the run has no best network.
        UsageError: the zoo has a network of this name, or networks of another kind.
    """
    zoo_folder, folder = Path(zoo_folder), Path(folder)
    records, best = Zoo.load(zoo_folder).records, read_best(folder)
    record: dict[str, Any] = {"name": name or folder.resolve().name, "split": OPTIMISED}
    if "test_accuracy" in records:
        record["val_accuracy"] = best.score
        if (folder / "result.json").exists():
            record["test_accuracy"] = read_result(folder).test["best"]
    return add(zoo_folder, best.network, record)
