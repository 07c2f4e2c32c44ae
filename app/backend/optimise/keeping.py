"""What can be kept of a run: its best network as a file or in a zoo, and its command."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from netspace.export.table import NetworkSubject
from netspace.folders import ASSETS
from netspace.io import atomic_folder
from netspace.jobs.command import typed
from netspace.train.lso_files import add_best, read_best

from .. import take_away
from ..catalogue import Loaded
from ..visitors import is_visitor, not_for_visitors
from . import setup
from .runs import LsoRun, link_id


def has_best(run: LsoRun) -> bool:
    """Whether a best network can be read."""
    with suppress(ValueError):
        return read_best(run.folder) is not None
    return False


def about_best(loaded: Loaded, run: LsoRun) -> dict:
    """Where a run's best network comes from; travels with its file."""
    best = read_best(run.folder)
    return {
        "made_by": "latent space optimisation",
        "step": best.step,
        f"validation_{run.asked['score']}": best.score,
        "space": loaded.space_info.id,
    } | ({} if is_visitor() else {"run": run.asked})


def best_subject(loaded: Loaded, run: LsoRun) -> NetworkSubject:
    """The best network as it is exported."""
    return take_away.network_subject(read_best(run.folder).network, about_best(loaded, run))


def run_command(run: LsoRun) -> str:
    """The command that made a run, as it was typed or launched."""
    return typed(run.job.argv) if run.job else str(run.asked.get("about", {}).get("command", ""))


def zoo_to_keep_in(loaded: Loaded) -> tuple[Path, bool]:
    """The zoo's folder or, of one that ships with the product, its copy's; and whether that is still to be made."""
    folder = loaded.zoo_info.folder
    if not folder.resolve().is_relative_to(ASSETS.resolve()):
        return folder, False
    copy = setup.RUNS / "zoos" / "-".join(folder.relative_to(ASSETS).parts).removesuffix("-zoo")
    return copy, not (copy / "zoo.json").exists()


@not_for_visitors
def keep(loaded: Loaded, run: LsoRun, name: str) -> str:
    """Append a run's best network to the zoo as `zoo add` does, to a copy where it ships with the product.

    Returns:
        the id of the zoo that has it.

    Raises:
        ValueError: the zoo has a network of this name, or the run has no best network.
    """
    if not name.strip():
        raise ValueError("a network needs a name")
    folder, missing = zoo_to_keep_in(loaded)
    if missing:
        read_best(run.folder)  # before anything is copied
        with atomic_folder(folder) as copy:
            shutil.copytree(
                loaded.zoo_info.folder, copy, ignore=shutil.ignore_patterns("README.md"), dirs_exist_ok=True
            )
    add_best(folder, run.folder, name.strip())
    return link_id(folder) or folder.name
