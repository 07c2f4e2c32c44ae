"""Long jobs as the app shows them: found, started, stopped, resumed; their curves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import plotly.graph_objects as go

from netspace.errors import FormatError
from netspace.jobs import Command, Job, find_jobs, log_tail, read_curves, read_job, resume_job, start_job, stop_job
from netspace.jobs.records import CRASHED, FAILED, JOB, QUEUED, STOP, STOPPED, WAITING, duration

from . import catalogue
from .visitors import not_for_visitors

LOG_LINES = 14
MOST_POINTS = 400
"""of a curve that are drawn at most"""
CURVE_SPLITS = ("train", "validation", "heldout", "val", "test")
LINES = {  # of a split: dash, mark, shade
    "train": ("solid", "circle", "#0F9D8A"),
    "validation": ("dot", "diamond-open", "#7C8B99"),
    "val": ("dot", "diamond-open", "#7C8B99"),
    "heldout": ("dash", "circle-open", "#5B7FA6"),
    "test": ("solid", "circle", "#0F9D8A"),
    "": ("solid", "circle", "#0F9D8A"),
}
OF_NETWORKS = {
    "zoo fit-sdf": ("fit_iou", "fit_error", "seconds"),
    "zoo fit-cnn": ("val_accuracy", "test_accuracy", "epochs", "seconds"),
}
"""kinds of job whose points are a network each, and what of a network's record is drawn"""


@dataclass(frozen=True)
class Run:
    """A long job; its id is its folder as a link names it."""

    id: str
    job: Job
    stopping: bool
    """whether it was asked to stop and is about to"""

    @property
    def state(self) -> str:
        """As `Job` has it, or one of two that pass: starting, before it waits for others or begins, and stopping."""
        if self.stopping:
            return "stopping"
        return "starting" if self.job.state == QUEUED and self.job.message != WAITING else self.job.state

    @property
    def alive(self) -> bool:
        return self.job.alive

    @property
    def resumable(self) -> bool:
        return self.job.state in (STOPPED, FAILED, CRASHED)

    @property
    def share(self) -> float:
        """of the work that is done, 0 to 1"""
        return min(1.0, self.job.done / self.job.total) if self.job.total > 0 else 0.0

    @property
    def far(self) -> str:
        """How far it is, in words."""
        things = "networks" if self.job.kind in OF_NETWORKS else "steps"
        return f"{self.job.done:,} of {self.job.total:,} {things}" if self.job.total else ""

    @property
    def time(self) -> str:
        """The time left, or when it was last heard of."""
        if self.alive:
            left = self.job.seconds_left
            return f"{duration(left)} left" if left is not None else f"started {_ago(self.job.started)}"
        return _ago(self.job.updated)


def list_runs() -> list[Run]:
    """Every job below assets/, runs/ and the folders of NETSPACE_FOLDERS, newest start first."""
    return [_run(job) for job in find_jobs(catalogue.roots())]


def run_of(folder: Path) -> Run | None:
    """The job of a folder; None where there is none, ValueError in a sentence where its records are damaged."""
    return _run(read_job(folder)) if (folder / JOB).exists() else None


@not_for_visitors
def start(command: Command) -> Run:
    """Start a job, paths relative to the product's folder; ValueError, in a sentence, where it cannot be."""
    return _run(read_job(_sentences(start_job, command, catalogue.ROOT)))


@not_for_visitors
def stop(run: Run) -> None:
    """Ask a job to stop; ValueError, in a sentence, where it cannot be asked."""
    _sentences(stop_job, run.job.folder)


@not_for_visitors
def resume(run: Run) -> None:
    """Go on with a job that ended early; ValueError, in a sentence, where that cannot be."""
    _sentences(resume_job, run.job.folder)


def log(run: Run) -> str:
    """The last lines it said."""
    return log_tail(run.job, LOG_LINES)


def metrics(run: Run) -> list[dict]:
    """Its curves: step, terms and measures by name, a dict a step."""
    return read_curves(run.job.folder)


def charts(run: Run) -> dict[str, go.Figure]:
    """A small chart for its loss terms and one for each of its measures, by title; splits share a chart."""
    points = metrics(run)
    points = (
        points[:: -(-len(points) // MOST_POINTS)][: MOST_POINTS - 1] + points[-1:]
        if len(points) > MOST_POINTS
        else points
    )
    one_each = run.job.kind in OF_NETWORKS
    groups: dict[str, dict[str, dict[int, float]]] = {}
    for point in points:
        for name, value in point["terms"].items():
            groups.setdefault("loss", {}).setdefault(name, {})[point["step"]] = value
        for name, value in point["measures"].items():
            if not one_each or name in OF_NETWORKS[run.job.kind]:
                split, _, what = name.partition("_")
                group, series = (what, split) if split in CURVE_SPLITS else (name, "")
                groups.setdefault(group, {}).setdefault(series, {})[point["step"]] = value
    return {_title(name): _chart(name, series, one_each) for name, series in groups.items()}


def _text(words: str) -> str:
    """Words from a file for plotly, which reads some HTML in names."""
    return words.replace("&", "&amp;").replace("<", "&lt;")


def _title(name: str) -> str:
    return " ".join({"mse": "MSE", "iou": "IoU"}.get(word, word) for word in name.split("_"))


def _chart(name: str, series: dict[str, dict[int, float]], one_each: bool) -> go.Figure:
    figure = go.Figure()
    for k, (label, curve) in enumerate(series.items()):
        dash, mark, shade = LINES.get(label, (("solid", "dash", "dot", "dashdot")[k % 4], "circle", "#0F9D8A"))
        figure.add_scatter(
            x=list(curve), y=list(curve.values()),
            name=_text({"heldout": "held-out", "val": "validation"}.get(label, label) or _title(name)),
            mode="markers" if one_each else "lines+markers" if len(curve) < 16 else "lines",
            line={"dash": dash, "color": shade, "width": 2}, marker={"symbol": mark, "size": 6, "color": shade},
            hovertemplate="%{x:,}: %{y:.4g}",
        )  # fmt: skip
    figure.update_layout(
        height=210, margin={"l": 0, "r": 8, "t": 26, "b": 0}, hovermode="x",
        showlegend=True, legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "font": {"size": 12}},
        xaxis={"title": "network" if one_each else "step", "rangemode": "tozero"},
        yaxis=_log_axis(series) if name in ("loss", "mse", "fit_error") else {"nticks": 5}, uirevision=name,
    )  # fmt: skip
    return figure


def _log_axis(series: dict[str, dict[int, float]]) -> dict:
    """A logarithmic axis with whole numbers at its ticks, which plotly writes as lone digits."""
    values = [v for curve in series.values() for v in curve.values() if 0 < v < math.inf]
    if not values:
        return {}
    low, high = (math.log10(edge) for edge in (min(values), max(values)))
    steps = (1,) if high - low > 2 else (1, 3) if high - low > 1 else (1, 2, 5)
    ticks = [step * 10.0**k for k in range(math.floor(low), math.ceil(high) + 1) for step in steps]
    return {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def _run(job: Job) -> Run:
    folder = job.folder.resolve()
    here = folder.is_relative_to(catalogue.ROOT)
    id = folder.relative_to(catalogue.ROOT).as_posix() if here else str(folder)
    return Run(id, job, job.alive and (folder / STOP).exists())


def _sentences(act, *given):
    """What `act` returns; whatever is wrong as a ValueError for the page."""
    try:
        return act(*given)
    except FormatError:
        raise
    except OSError as error:
        raise ValueError(str(error)) from error


def _ago(when: str) -> str:
    """An ISO time in words."""
    minutes = (datetime.now(UTC) - datetime.fromisoformat(when)).total_seconds() / 60
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            count = int(minutes // size)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"
