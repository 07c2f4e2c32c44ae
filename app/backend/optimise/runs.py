"""Runs of latent space optimisation: those in a space, the state of each, stopping and resuming."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from netspace.errors import FormatError, message_of
from netspace.io import find_files, read_json
from netspace.jobs import Job
from netspace.jobs.records import ALIVE, CRASHED, FAILED, FINISHED, JOB, STOPPED, UNREADABLE
from netspace.train.lso_files import read_result, read_run

from .. import catalogue, jobs
from ..catalogue import ROOT, Loaded
from ..words import sentence


@dataclass(frozen=True)
class LsoRun:
    """A run's folder."""

    id: str
    """its path below the folder it was found in"""
    folder: Path
    state: str
    """as a job's: starting, queued, running, stopping, stopped, finished, failed, crashed; or unreadable"""
    message: str
    """what is wrong with it, in a sentence; empty where nothing is"""
    started: float
    """when, in seconds since 1970"""
    asked: dict
    """lso.json; empty before it is written"""
    job: Job | None = None
    """as which it was started; None where it is none"""

    @property
    def alive(self) -> bool:
        return self.state in (*ALIVE, "starting", "stopping")

    @property
    def resumable(self) -> bool:
        """Whether it can go on from here."""
        return self.state in (STOPPED, CRASHED, FAILED) and self.job is not None

    @property
    def title(self) -> str:
        return self.id.removeprefix("lso/")

    @property
    def steps(self) -> int:
        """that it is to take"""
        return int(self.asked["config"].get("steps", 0)) if self.asked else 0

    def option(self, name: str) -> str:
        """An option of its command."""
        return (self.job.option(name) if self.job else "") or str(self.asked.get("about", {}).get(name) or "")


def link_id(folder: Path) -> str | None:
    """How links name a folder."""
    for root in catalogue.roots():
        if folder.resolve().is_relative_to(root.resolve()) and folder.resolve() != root.resolve():
            return folder.resolve().relative_to(root.resolve()).as_posix()
    return None


def find_runs(loaded: Loaded) -> list[LsoRun]:
    """The runs in this space, the newest first; those that cannot be read are among them, and say why."""
    found = {}
    for root in catalogue.roots():
        for path in find_files(root, 4, "lso.json", JOB):
            if path.parent not in found and (path.name == "lso.json" or _is_lso(path)):
                found[path.parent] = read_lso(path.parent)
    lost = [run for run in found.values() if run.state == UNREADABLE and not run.option("space")]
    mine = [*lost, *(run for run in found.values() if _is_of(run, loaded))]  # lost: nobody knows in which space
    return sorted({run.id: run for run in mine}.values(), key=lambda run: run.started, reverse=True)


def _is_lso(path: Path) -> bool:
    try:
        return read_json(path).get("kind") == "lso"
    except (FormatError, AttributeError):
        return False


def _is_of(run: LsoRun, loaded: Loaded) -> bool:
    """Whether a run moved in this space; a relative path is looked for from where it was started and from above it."""
    space = run.option("space")
    if not space:
        return False
    mine = loaded.space_info.folder.resolve()
    places = [ROOT, *run.folder.parents]
    with suppress(FormatError, KeyError, TypeError):
        places.insert(0, Path(read_json(run.folder / JOB)["directory"]))
    return next((p for place in places if (p := place / space).is_dir()), Path()).resolve() == mine


TOLD = (FAILED, CRASHED)
"""States of which a job's last words are shown"""


def _told_of(job: Job) -> str:
    """What is said of a job that ended early, in a sentence; empty for others."""
    if job.state == STOPPED and job.total:
        return f"Stopped at step {job.done:,} of {job.total:,}. Resume goes on from there."
    return sentence(job.message) if job.state in TOLD else ""


def read_lso(folder: Path) -> LsoRun:
    """The run of a folder as it stands."""
    marker = next((folder / name for name in ("lso.json", JOB) if (folder / name).exists()), folder)
    found = LsoRun(link_id(folder) or folder.name, folder, STOPPED, "", marker.stat().st_mtime, {})
    try:
        job = jobs.run_of(folder)
        if job:
            found = replace(found, state=job.state, message=_told_of(job.job), job=job.job)
        if (folder / "lso.json").exists():
            found = replace(found, asked=read_run(folder))
        if (folder / "result.json").exists():
            result = read_result(folder)
            problem = sentence(result.problem)
            found = replace(found, state=FINISHED, message=problem)
    except (ValueError, TypeError, KeyError) as error:
        return replace(found, state=UNREADABLE, message=told(error))
    return found


def told(error: BaseException) -> str:
    return sentence(message_of(error)) or "It cannot be read."


def stop_run(run: LsoRun) -> None:
    """Ask a run to stop; ValueError where it has ended."""
    jobs.stop(jobs.run_of(run.folder))


def resume_run(run: LsoRun) -> None:
    """Let a run go on; ValueError, in a sentence, where it cannot."""
    jobs.resume(jobs.run_of(run.folder))
