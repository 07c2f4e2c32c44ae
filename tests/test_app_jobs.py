"""The page Jobs through Streamlit's AppTest, with jobs in every state; and the session behind it."""

import json
import math
import shlex
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import NOBODY
from reading import read
from streamlit.testing.v1 import AppTest

from app.backend import catalogue, jobs
from netspace.cli.registry import build_parser
from netspace.jobs import Command, control, records, running

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An empty folder, and nothing else to be found."""
    monkeypatch.setattr(catalogue, "roots", lambda: [tmp_path])
    monkeypatch.setattr(records, "STARTING", records.timedelta(days=1))
    return tmp_path


@pytest.fixture
def begun(monkeypatch):
    """The words of processes that would be started; they count as alive, as on their way."""
    words = []
    process = SimpleNamespace(poll=lambda: None, pid=NOBODY)
    monkeypatch.setattr(control.subprocess, "Popen", lambda argv, **_: words.append(argv[3:]) or process)
    monkeypatch.setattr(records, "children", {})
    return words


def lay(folder: Path, kind: str = "train", end: BaseException | None = None, points: int = 3) -> Path:
    """A job that came to this end."""
    argv = [*kind.split(), "--zoo", "z", "--out", str(folder)]
    with suppress(BaseException), running.running(folder, kind, argv) as job:
        for step in range(1, points + 1):
            job.report(f"line {step}", step, 4, 5.0, {"fit_iou": 0.9, "legs": 4})
        if end:
            raise end
    return folder


def lay_in(folder: Path, state: str) -> Path:
    """A job in this state, as its records have it; of live ones no process is there."""
    lay(folder, end={"stopped": KeyboardInterrupt(), "failed": ValueError("it diverged")}.get(state))
    if state == "unreadable":
        (folder / "job.json").write_text('{"format": 2}')
    if state in ("starting", "queued", "crashed"):
        status = json.loads((folder / "status.json").read_text())
        status |= {"state": "queued", "pid": 1 if state == "crashed" else None}
        status |= {"message": records.WAITING} if state == "queued" else {}
        (folder / "status.json").write_text(json.dumps(status))
    return folder


def open_jobs(**link) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app" / "session.py"), default_timeout=240)
    at.switch_page("../pages/jobs.py")
    for key, value in link.items():
        at.query_params[key] = value
    return at.run()


def said(elements) -> str:
    return read(" ".join(element.value for element in elements))


def button(at: AppTest, label: str):
    return next((each for each in at.main.button if read(each.label) == label), None)


def run_of(at: AppTest) -> str:
    value = at.query_params["run"]
    return value if isinstance(value, str) else value[0]


def test_without_jobs_it_says_what_they_are_and_how_to_start_one(root):
    at = open_jobs()
    assert "is a job: a process with its own folder" in said(at.info) and not at.exception
    for line in said(at.code).splitlines():
        args = build_parser().parse_args(shlex.split(line)[3:])
        assert "queue" in args


@pytest.mark.parametrize("state", ["starting", "queued", "stopped", "finished", "failed", "crashed", "unreadable"])
def test_every_state_is_told_in_words(root, state):
    folder = lay_in(root / state, state)
    lay(root / "other" / "job")
    at = open_jobs(run=str(folder))
    assert not at.exception and not at.warning
    assert at.markdown and state in said(at.markdown)
    assert (button(at, "Stop") is not None) == (state in ("starting", "queued"))
    assert (button(at, "Resume") is not None) == (state in ("stopped", "failed", "crashed"))
    problem = {"failed": "it diverged", "unreadable": "this program reads format 1"}.get(state)
    assert problem in said(at.error) if problem else not at.error
    if state != "unreadable":
        assert f"python -m netspace train --zoo z --out {folder}" in said(at.code) and "line 3" in said(at.code)


def test_the_newest_start_is_shown_first_and_a_link_names_the_run(root):
    older, newer = lay(root / "a"), lay(root / "b")
    at = open_jobs()
    assert run_of(at) == str(newer)
    names = [read(each.label).strip("*") for each in at.main.button if str(root) in read(each.label)]
    assert names == [str(newer), str(older)]
    next(each for each in at.main.button if read(each.label) == str(older)).click().run()
    assert run_of(at) == str(older)
    assert run_of(open_jobs(run=str(older))) == str(older)


def test_a_link_to_a_run_that_is_not_there_is_told(root):
    lay(root / "a")
    at = open_jobs(run="runs/lost")
    assert "There is no job in “runs/lost”" in said(at.warning) and run_of(at) == str(root / "a")
    assert not at.run().warning  # told once
    (root / "a" / "job.json").unlink()
    assert "There is no job in “runs/lost”" in said(open_jobs(run="runs/lost").warning)


def test_many_are_listed_when_asked_for(root):
    for k in range(9):
        lay(root / f"{k}")
    at = open_jobs(run=str(root / "0"))
    rows = [read(each.label) for each in at.main.button if str(root) in read(each.label)]
    assert len(rows) == 7 and str(root / "0") in rows[-1]  # the one that is shown is among them
    button(at, "Show all 9").click().run()
    assert len([each for each in at.main.button if str(root) in read(each.label)]) == 9


def test_resume_starts_it_again_and_stop_asks_it(root, begun):
    folder = lay_in(root / "a", "stopped")
    at = open_jobs()
    button(at, "Resume").click().run()
    assert begun == [["train", "--zoo", "z", "--out", str(folder), "--resume", "--queue"]]
    assert not at.exception and records.read_job(folder).state == "queued" and records.read_job(folder).done == 3
    at.run()
    button(at, "Stop").click().run()
    assert (folder / "STOP").exists()
    assert "stopping" in said(at.run().markdown) and button(at, "Stop").disabled


def test_what_cannot_be_resumed_is_told_and_stays_told(root):
    folder = lay_in(root / "a", "stopped")
    about = json.loads((folder / "job.json").read_text())
    (folder / "job.json").write_text(json.dumps(about | {"directory": str(root / "gone")}))
    at = open_jobs()
    button(at, "Resume").click().run()
    assert "was started in" in said(at.warning) and "which is not there any more." in said(at.warning)
    assert not at.exception


def test_curves_share_a_chart_by_what_they_measure(root):
    folder = lay(root / "a", points=1)
    lines = [
        {"step": step, "terms": {"pred": 1 / step, "class": 0.0}, "measures": {"train_mse": 2.0, "heldout_mse": 3.0}}
        | {"extra": step}
        for step in range(1, 2001)
    ]
    lines[5]["terms"]["pred"] = math.nan
    (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines) + '{"step": 20')
    (run,) = jobs.list_runs()
    charts = jobs.charts(run)
    assert {title: [trace.name for trace in chart.data] for title, chart in charts.items()} == {
        "loss": ["pred", "class"],
        "MSE": ["train", "held-out"],
    }
    steps = charts["MSE"].data[0].x
    assert len(steps) <= 401 and steps[0] == 1 and steps[-1] == 2000
    assert len({trace.line.dash for trace in charts["MSE"].data}) == 2
    at = open_jobs()
    assert not at.exception and "**loss**" in said(at.markdown)


def test_of_a_zoo_the_curves_are_of_its_networks(root):
    lay(root / "a", "zoo fit-sdf")
    (run,) = jobs.list_runs()
    charts = jobs.charts(run)
    assert list(charts) == ["fit IoU"] and charts["fit IoU"].data[0].mode == "markers"
    assert run.far == "3 of 4 networks" and run.share == 0.75


def test_the_session_starts_stops_and_tells_of_one_folder(root, begun):
    command = Command("train", {"zoo": "z"}, out=root / "new")
    run = jobs.start(command)
    assert (run.state, run.alive, run.resumable) == ("starting", True, False)
    assert jobs.run_of(root / "new").id == run.id and jobs.run_of(root / "nowhere") is None
    with pytest.raises(ValueError, match="is running already"):
        jobs.start(command)
    jobs.stop(run)
    assert jobs.run_of(root / "new").state == "stopping"
    (root / "file").touch()
    with pytest.raises(ValueError, match="file"):
        jobs.start(replace(command, out=root / "file" / "below"))
    assert jobs.metrics(run) == []


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=5), "5 hours ago"),
        (timedelta(days=3), "3 days ago"),
    ],
)
def test_when_it_was_is_told_in_words(age, words):
    assert jobs._ago((jobs.datetime.now(jobs.UTC) - age).isoformat()) == words
