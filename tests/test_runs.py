"""Long jobs: every end a process can come to is told, two run at a time, and stopping or refusing spoils nothing."""

import errno
import json
import os
import resource
import shutil
import signal
import threading
import time
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import NOBODY
from safetensors.torch import load_file

from netspace.cli.main import main
from netspace.errors import FormatError
from netspace.folders import CODE
from netspace.jobs import control, locks, records, running
from netspace.places import is_known, note_places, places_file
from netspace.zoo.store import Zoo

ARGV = ["stub", "--out", "x"]
TRAIN = ["--embedding", "8", "--hidden", "16", "--queries", "64", "--nets", "1", "--points", "16", "--every", "1"]
FIT = ["--arch", "siren64", "--steps", "5", "--batch", "64", "--samples", "500", "--workers", "1"]


def until(true, seconds: float = 240.0):
    """What `true` returns, once it is not false."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)
    return found


def state(folder: Path) -> str:
    try:
        return records.read_job(folder).state
    except FormatError:
        return "none"


def becomes(folder: Path, *states: str) -> records.Job:
    until(lambda: state(folder) in states)
    return records.read_job(folder)


def waits(folder: Path) -> None:
    """Until a job holds its place among those that wait."""
    until(lambda: state(folder) == "queued" and records.read_job(folder).message.startswith("waiting"))


def works(folder: Path, slots: Path | None, queue: bool = False, end: Exception | None = None) -> None:
    """A job: three points, then it waits for a file `go`, as one waits for a worker, and ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in what a script starts in the background
    with running.running(folder, "stub", ARGV, queue=queue, slots=slots) as job:
        for step in (1, 2, 3):
            job.report(f"line {step}", step, 4, 5.0, {"loss": 1 / step, "name": "x", "ok": True})
        gone = threading.Event()
        threading.Thread(
            target=lambda: (until(lambda: (folder / "go").exists(), 3600), gone.set()), daemon=True
        ).start()
        gone.wait()
        if end:
            raise end
        job.report("line 4", 4, 4, 0.0)


@pytest.fixture
def launch():
    """Runs `works` in processes of their own, which the test outlives."""
    begun = []

    def launch(folder: Path, slots: Path | None = None, **options):
        process = get_context("fork").Process(target=works, args=(folder, slots or folder / "slots"), kwargs=options)
        begun.append(process)
        process.start()
        return process

    yield launch
    for process in begun:
        process.kill()
        process.join()


@pytest.fixture
def spawned(monkeypatch) -> list[list[str]]:
    """The words of what would be started; nothing is."""
    words = []
    process = SimpleNamespace(poll=lambda: None, pid=NOBODY)
    monkeypatch.setattr(control.subprocess, "Popen", lambda argv, **_: words.append(argv) or process)
    monkeypatch.setattr(records, "children", {})
    return words


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


# -- how a job ends ------------------------------------------------------------------------------------------------


def test_a_job_tells_how_far_it_is_and_that_it_finished(tmp_path, launch, capfd):
    folder = tmp_path / "job"
    process = launch(folder)
    job = until(lambda: state(folder) == "running" and (j := records.read_job(folder)).done == 3 and j)
    assert (job.kind, job.total, job.seconds_left, job.message) == ("stub", 4, 5.0, "line 3")
    assert job.command == "python -m netspace stub --out x" and job.directory == Path.cwd()
    (folder / "go").touch()
    process.join()
    job = records.read_job(folder)
    assert (job.state, job.done, job.seconds_left, job.message) == ("finished", 4, None, "line 4")
    assert records.log_tail(job) == "line 1\nline 2\nline 3\nline 4" and records.log_tail(job, 2) == "line 3\nline 4"
    assert records.read_curves(folder)[1] == {"step": 2, "terms": {}, "measures": {"loss": 0.5}}
    assert capfd.readouterr().out == "line 1\nline 2\nline 3\nline 4\n"


def test_killed_it_has_crashed_and_can_run_again(tmp_path, launch):
    process = launch(tmp_path)
    becomes(tmp_path, "running")
    os.kill(process.pid, signal.SIGKILL)
    assert "without a word" in becomes(tmp_path, "crashed").message  # though no one has reaped it yet
    launch(tmp_path)
    becomes(tmp_path, "running")


def test_stopped_while_it_waits_for_a_worker(tmp_path, launch):
    process = launch(tmp_path)
    becomes(tmp_path, "running")
    control.stop_job(tmp_path)
    process.join()
    assert state(tmp_path) == "stopped" and not (tmp_path / "STOP").exists()
    with pytest.raises(FormatError, match="is stopped: there is nothing to stop"):
        control.stop_job(tmp_path)


@pytest.mark.parametrize(
    ("error", "message", "log"),
    [
        (ValueError("training diverged"), "training diverged", "training diverged"),
        (KeyError("no network 'sofa'"), "no network 'sofa'", "no network 'sofa'"),
        (RuntimeError("a\nb"), "b", "Traceback"),
    ],
)
def test_failing_it_says_why(tmp_path, launch, error, message, log):
    (tmp_path / "go").touch()
    launch(tmp_path, end=error).join()
    job = records.read_job(tmp_path)
    assert (job.state, job.done) == ("failed", 3)
    assert job.message.endswith(message) and log in records.log_tail(job)


def test_what_never_came_to_its_first_word_has_failed(tmp_path, monkeypatch):
    monkeypatch.setattr(control.sys, "executable", "/bin/true")
    folder = control.start_words(["train", "--zoo", "z", "--out", str(tmp_path / "job")])
    assert becomes(folder, "failed").message == "it never began"
    records.children.clear()  # another process looks, which does not know that it ended
    assert state(folder) == "queued"
    (folder / "log.txt").write_text("usage: ...\nerror: no such option\n")
    monkeypatch.setattr(records, "STARTING", records.timedelta(0))
    assert (state(folder), records.read_job(folder).message) == ("failed", "error: no such option")


def test_a_start_is_as_slow_as_it_likes_while_its_process_lives(tmp_path, spawned, monkeypatch):
    folder = control.start_words(["train", "--zoo", "z", "--out", str(tmp_path / "job")])
    monkeypatch.setattr(records, "STARTING", records.timedelta(0))
    assert state(folder) == "queued"
    records.children[folder.resolve()] = SimpleNamespace(poll=lambda: 1)
    assert state(folder) == "failed"


# -- one folder, two slots -----------------------------------------------------------------------------------------


def test_the_same_folder_twice_is_refused(tmp_path, launch):
    launch(tmp_path)
    becomes(tmp_path, "running")
    until(lambda: records.read_job(tmp_path).done == 3)
    before = files_in(tmp_path)
    with pytest.raises(FormatError, match="is running already"), running.running(tmp_path, "stub", ARGV):
        pass
    for again in (lambda: control.start_words(["train", "--out", str(tmp_path)]), lambda: control.resume_job(tmp_path)):
        with pytest.raises(FormatError, match="running already"):
            again()
    assert files_in(tmp_path) == before


def test_who_looks_disturbs_no_start(tmp_path, launch):
    (tmp_path / ".lock").touch()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.005):  # a page looks once a second
            locks.is_held(tmp_path / ".lock")

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(8):  # processes that are forked in the middle of a look
            process = launch(tmp_path)
            becomes(tmp_path, "running")
            process.kill()
            process.join()
    finally:
        over.set()
        looking.join()


def test_two_who_look_at_once_take_a_dead_job_for_dead(tmp_path):
    records.save_record(tmp_path / "job.json", records.job_record("stub", ARGV, tmp_path, records.iso_now()))
    records.save_record(tmp_path / "status.json", records.status_record("running", 1, {}))
    (tmp_path / ".lock").touch()
    found = []
    looking = [threading.Thread(target=lambda: found.extend(state(tmp_path) for _ in range(100))) for _ in range(3)]
    for thread in looking:
        thread.start()
    for thread in looking:
        thread.join()
    assert found == ["crashed"] * 300


def test_two_run_at_a_time_and_others_queue_in_order(tmp_path, launch):
    jobs = [tmp_path / name for name in "abcd"]
    for folder in jobs[:2]:
        launch(folder, tmp_path / "slots", queue=True)
        becomes(folder, "running")
    for folder in jobs[2:]:
        launch(folder, tmp_path / "slots", queue=True)
        waits(folder)
    launch(tmp_path / "typed", tmp_path / "slots")  # without --queue
    becomes(tmp_path / "typed", "running")
    until(lambda: records.read_job(tmp_path / "typed").done)  # it has found no slot free
    (jobs[1] / "go").touch()
    becomes(jobs[2], "running")
    assert state(jobs[3]) == "queued"
    control.stop_job(jobs[3])
    becomes(jobs[3], "stopped")
    assert [job.folder.name for job in records.find_jobs([tmp_path])] == ["typed", "d", "c", "b", "a"]


def test_who_died_waiting_is_not_waited_for(tmp_path, launch):
    launch(tmp_path / "a", tmp_path / "slots"), launch(tmp_path / "b", tmp_path / "slots")
    becomes(tmp_path / "a", "running"), becomes(tmp_path / "b", "running")
    dead = launch(tmp_path / "c", tmp_path / "slots", queue=True)
    waits(tmp_path / "c")
    launch(tmp_path / "d", tmp_path / "slots", queue=True)
    waits(tmp_path / "d")
    dead.kill()
    (tmp_path / "a" / "go").touch()
    becomes(tmp_path / "d", "running")
    assert state(tmp_path / "c") == "crashed"


# -- refusing ------------------------------------------------------------------------------------------------------


def refuse(folder: Path, argv: list[str]) -> None:
    with pytest.raises(ValueError, match="no"), running.running(folder, "stub", argv) as job:
        job.report("looking")
        time.sleep(0.5)  # its status is written
        raise ValueError("no")


def test_what_is_refused_leaves_an_earlier_run_alone(tmp_path, launch):
    (tmp_path / "go").touch()
    launch(tmp_path).join()
    before = files_in(tmp_path)
    refuse(tmp_path, [*ARGV, "--steps", "7"])
    assert files_in(tmp_path) == before
    with pytest.raises(KeyboardInterrupt), running.running(tmp_path, "stub", ARGV):
        raise KeyboardInterrupt
    assert files_in(tmp_path) == before


def test_an_earlier_run_stays_until_another_works_in_its_folder(tmp_path, launch):
    (tmp_path / "go").touch()
    launch(tmp_path).join()
    before = files_in(tmp_path)
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(ValueError, match="no"), running.running(tmp_path, "stub", [*ARGV, "--steps", "7"]) as job:
            job.report("looking")
            time.sleep(0.5)  # it could have written
            assert files_in(tmp_path) == before  # what a kill would leave
            assert (state(tmp_path), records.read_job(tmp_path).message) == ("running", "starting")
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, usual[1]))  # as on a full disk, files can only become empty
            raise ValueError("no")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert files_in(tmp_path) == before
    with pytest.raises(KeyboardInterrupt), running.running(tmp_path, "stub", ARGV) as job:
        control.stop_job(tmp_path)
        time.sleep(240)
    assert files_in(tmp_path) == before
    with running.running(tmp_path, "stub", [*ARGV, "--steps", "7"]) as job:
        job.report("looking")
        job.report("working", 1, 1)
    job = records.read_job(tmp_path)
    assert (job.state, job.done, job.argv[-1]) == ("finished", 1, "7")
    assert records.log_tail(job, 3) == "line 4\nlooking\nworking"


def test_what_breaks_before_it_works_is_told(tmp_path, launch):
    (tmp_path / "go").touch()
    launch(tmp_path).join()
    with pytest.raises(MemoryError), running.running(tmp_path, "stub", ARGV) as job:
        job.report("looking")
        raise MemoryError("no room")
    job = records.read_job(tmp_path)
    assert (job.state, job.message) == ("failed", "MemoryError: no room")
    assert "line 4\nlooking\nTraceback" in records.log_tail(job)


def test_what_is_refused_leaves_nothing_behind(tmp_path):
    refuse(tmp_path / "a" / "b", ARGV)
    assert not list(tmp_path.iterdir())
    (tmp_path / "mine").write_text("x")
    refuse(tmp_path, ARGV)
    assert files_in(tmp_path) == {"mine": b"x"}


def test_what_the_app_started_and_was_refused_says_why_and_frees_its_folder(tmp_path, request):
    folder = tmp_path / "space"
    argv = ["train", "--zoo", str(tmp_path / "zoo"), "--out", str(folder)]
    assert control.start_words(argv) == folder and state(folder) == "queued"
    job = becomes(folder, "failed")
    assert job.message == f"no folder {tmp_path / 'zoo'}" and records.log_tail(job) == f"netspace: {job.message}"
    spawned = request.getfixturevalue("spawned")
    control.start_words(argv)
    assert spawned[0][1:] == ["-m", "netspace", *argv, "--queue"]


def test_a_start_that_would_spoil_something_is_refused(tmp_path, launch):
    with pytest.raises(ValueError, match="a job needs --out"):
        control.start_words(["train", "--zoo", "z"])
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "zoo.json").touch()
    with pytest.raises(FormatError, match="is not empty; choose another"):
        control.start_words(["train", "--out", str(tmp_path / "job")])
    (tmp_path / "job" / "go").touch()
    launch(tmp_path / "job").join()
    with pytest.raises(FormatError, match="was made by another command: python -m netspace stub"):
        control.start_words(["train", f"--out={tmp_path / 'job'}", "--resume"])
    with pytest.raises(FormatError, match="is finished: there is nothing to resume"):
        control.resume_job(tmp_path / "job")


# -- folders from elsewhere --------------------------------------------------------------------------------------


def forge(folder: Path, argv: list[str], directory: Path, kind: str = "train") -> Path:
    """A job's folder as someone else may hand it over: stopped, and free to say what it likes."""
    folder.mkdir(parents=True, exist_ok=True)
    about = {"format": 1, "kind": kind, "argv": argv, "directory": str(directory), "command": "x"}
    (folder / records.JOB).write_text(json.dumps(about | {"created": "2026-01-01T00:00:00+00:00"}))
    (folder / records.STATUS).write_text(json.dumps({"state": "stopped", "pid": 1}))
    return folder


def test_resuming_runs_this_program_and_no_package_that_lies_where_the_job_was_started(tmp_path, monkeypatch):
    """Neither in the directory that job.json names, nor in this process's own, nor by a relative PYTHONPATH."""
    ran = tmp_path / "ran"
    evil = f"open({str(ran)!r}, 'a').write(__file__)\nraise SystemExit(0)\n"
    for name in ("netspace/__init__.py", "netspace/__main__.py", "torch.py", "sitecustomize.py", "argparse.py"):
        path = tmp_path / "theirs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(evil)
    monkeypatch.setenv("PYTHONPATH", os.pathsep)
    monkeypatch.chdir(tmp_path / "theirs")
    folder = forge(tmp_path / "theirs" / "job", ["train", "--zoo", "zoo", "--out", "job"], tmp_path / "theirs")
    note_places([tmp_path / "theirs" / "zoo"])
    assert control.resume_job(folder) == folder
    job = becomes(folder, "failed", "crashed")
    assert not ran.exists(), ran.read_text()
    assert job.message == f"no folder {tmp_path / 'theirs' / 'zoo'}"  # read from where it was started
    assert job.argv == ("train", "--zoo", str(tmp_path / "theirs" / "zoo"), "--out", str(folder))


@pytest.mark.parametrize(
    ("argv", "kind", "why"),
    [
        (["jobs", "resume", "--out", "x"], "jobs resume", "none of this program's long jobs"),
        (["eval", "--out", "x", "--rows", "y"], "eval", "none of this program's long jobs"),
        (["-c", "print()", "--out", "x"], "", "none of this program's long jobs"),
        (["train", "--zoo", "z", "--out", "x"], "zoo fit-cnn", "said to be 'zoo fit-cnn'"),
        (["train", "--zoo", "z"], "train", "needs --out"),
        (["train", "--zoo", "z", "--out", "x", "--save", "y"], "train", "has no option '--save'"),
        (["train", "--zoo", "z", "--out", "x", "--help"], "train", "has no option '--help'"),
        (["train", "--zoo", "z", "--out", "x", "more"], "train", "has no option 'more'"),
        (["train", "--zoo", "z", "--out", "x", "--steps", "many"], "train", "invalid int value"),
        (["train", "--out", "x"], "train", "required: --zoo"),
    ],
)
def test_what_is_no_job_of_this_program_is_not_resumed(tmp_path, spawned, argv, kind, why):
    folder = forge(tmp_path / "job", argv, tmp_path, kind)
    before = files_in(folder)
    with pytest.raises(FormatError, match="cannot be resumed: its job") as refused:
        control.resume_job(folder)
    assert why in str(refused.value) and not spawned and files_in(folder) == before


def test_a_job_of_elsewhere_reads_what_lies_in_it_and_what_its_user_named(tmp_path, spawned, monkeypatch):
    zoo, teacher, chair = (tmp_path / name for name in ("zoo", "teacher", "chair.obj"))
    words = ["lso", "--space", "s", "--zoo", str(zoo), "--start", "mean", "--out", "job"]
    words += ["--teacher", f"{teacher}:a", "--target", str(chair)]
    folder = forge(tmp_path / "job", words, tmp_path / "job", "lso")
    before = files_in(folder)
    for path in (zoo, teacher, chair):  # what lies in the folder, the space, is not asked about
        with pytest.raises(FormatError, match="was not named by you") as refused:
            control.resume_job(folder)
        assert f"it names {path}, which" in str(refused.value) and "python -m netspace lso" in str(refused.value)
        assert "--resume`" in str(refused.value) and not spawned and files_in(folder) == before
        note_places([path])
    assert control.resume_job(folder) == folder and len(spawned) == 1
    (tmp_path / "job" / "s").symlink_to(tmp_path)
    (folder / records.STATUS).write_text(json.dumps({"state": "stopped", "pid": 1}))
    with pytest.raises(FormatError, match=r"it names .*/job/s, which lies elsewhere"):
        control.resume_job(folder)


def test_what_is_started_is_named_by_its_user_and_no_more(tmp_path, spawned, monkeypatch):
    monkeypatch.setenv("NETSPACE_STATE", str(tmp_path / "state"))
    folder = control.start_words(["zoo", "fit-image", "--images", "pics", "--out", "zoo"], tmp_path)
    assert is_known(tmp_path / "pics" / "a.png") and not is_known(tmp_path) and not is_known(tmp_path / "pics2")
    assert spawned[0][3:7] == ["zoo", "fit-image", "--images", str(tmp_path / "pics")]
    assert is_known(folder / "x", folder) and not is_known(folder / ".." / "x", folder)
    assert places_file().stat().st_mode & 0o077 == 0
    places_file().write_text('{\n[]\n"relative"\n')
    assert not is_known(tmp_path / "pics")
    monkeypatch.setenv("NETSPACE_PLACES", str(tmp_path))
    assert is_known(tmp_path / "pics")


@pytest.mark.parametrize(
    "name", [records.JOB, records.STATUS, records.LOG, records.METRICS_FILE, records.STOP, ".lock"]
)
def test_a_record_that_is_a_link_out_of_its_folder_is_neither_read_nor_written(tmp_path, spawned, name):
    folder = forge(tmp_path / "job", ["train", "--zoo", "job", "--out", "job"], tmp_path)
    other = tmp_path / "other"
    other.write_text((folder / name).read_text() if (folder / name).exists() else "words\n")
    before = other.read_bytes()
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(other)
    with pytest.raises(FormatError, match="is a link that leads out of its folder"):
        control.resume_job(folder)
    with pytest.raises(FormatError, match="is a link"), running.running(folder, "train", ARGV):
        pass
    (job,) = records.find_jobs([tmp_path])
    assert job.state == "unreadable" and not records.log_tail(job) and not records.read_curves(folder)
    assert other.read_bytes() == before and not spawned


@pytest.mark.parametrize("out", [["--out", "{}/other"], ["--out={}/other"], ["--out", "job", "--out", "{}/other"]])
def test_a_job_writes_to_its_own_folder_whatever_it_says(tmp_path, spawned, out):
    words = ["train", "--zoo", "z", *(word.format(tmp_path) for word in out), "--ste=5"]
    folder = forge(tmp_path / "job", words, tmp_path)
    note_places([tmp_path / "z"])
    assert control.resume_job(folder) == folder and not (tmp_path / "other").exists()
    assert spawned[0][3:] == [
        "train", "--zoo", str(tmp_path / "z"), "--out", str(folder), "--steps", "5", "--resume", "--queue",
    ]  # fmt: skip


def test_paths_are_recorded_so_that_they_mean_the_same_everywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lso = ["lso", "--space", "s", "--zoo=/z", "--start", "at:1,2", "--out", "o", "--teacher", "t:name"]
    words = records.job_record("lso", [*lso, "--target", "m.obj"], tmp_path, "now")["argv"]
    assert words == [
        "lso", "--space", f"{tmp_path}/s", "--zoo", "/z", "--start", "at:1,2", "--out", f"{tmp_path}/o",
        "--teacher", f"{tmp_path}/t:name", "--target", f"{tmp_path}/m.obj",
    ]  # fmt: skip
    assert records.job_record("lso", [*lso, "--target", "chair:3"], tmp_path, "now")["argv"][-1] == "chair:3"
    assert records.job_record("lso", lso, CODE, "now")["argv"][2] == "s"  # jobs run there: it may be moved as a whole


# -- damaged records -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is not valid JSON"),
        ("[]", "holds no JSON object"),
        ('{"format": 2}', "has job format 2, this program reads format 1"),
        ('{"format": 1, "kind": "train"}', "is damaged: it has no usable 'argv'"),
        (json.dumps(records.job_record("train", ARGV, Path(), "soon")), "is damaged: it has no usable 'created'"),
        (
            json.dumps(records.job_record(None, ARGV, Path(), "2026-01-01T00:00:00Z")),
            "is damaged: it has no usable 'kind'",
        ),
    ],
)
def test_a_damaged_job_is_told_in_a_sentence_and_listed(tmp_path, launch, content, sentence):
    (tmp_path / "good" / "slots").mkdir(parents=True)
    (tmp_path / "good" / "go").touch()
    launch(tmp_path / "good").join()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "job.json").write_text(content)
    with pytest.raises(FormatError, match=sentence):
        records.read_job(tmp_path / "bad")
    found = {job.folder.name: job for job in records.find_jobs([tmp_path, tmp_path / "bad", tmp_path / "nowhere"])}
    assert {name: job.state for name, job in found.items()} == {"good": "finished", "bad": "unreadable"}
    assert sentence in found["bad"].message


def test_a_folder_that_vanishes_is_dropped_and_an_unreadable_one_is_told(tmp_path, monkeypatch):
    for name in ("good", "gone", "locked"):
        records.save_record(
            tmp_path / name / "job.json", records.job_record("train", ARGV, tmp_path, records.iso_now())
        )
    read_json = records.read_json

    def reading(path: Path) -> dict:
        if path.parent.name == "gone" and path.parent.exists():
            shutil.rmtree(path.parent)
        if path.parent.name == "locked":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read_json(path)

    monkeypatch.setattr(records, "read_json", reading)
    found = {job.folder.name: job for job in records.find_jobs([tmp_path])}
    assert {name: job.state for name, job in found.items()} == {"good": "crashed", "locked": "unreadable"}
    assert found["locked"].message == f"the records of {tmp_path / 'locked'} cannot be read (Permission denied)"
    with pytest.raises(FormatError, match="cannot be read"):
        control.stop_job(tmp_path / "locked")


@pytest.mark.parametrize("when", [{}, {"updated": "soon"}, {"updated": "2026-01-01T00:00:00"}, {"updated": 5}])
def test_a_start_without_its_time_has_failed(tmp_path, when):
    records.save_record(
        tmp_path / "job.json", records.job_record("train", ARGV, tmp_path, created := records.iso_now())
    )
    records.save_record(
        tmp_path / "status.json", {"state": "queued", "pid": None, "done": None, "started": None} | when
    )
    job = records.read_job(tmp_path)
    assert (job.state, job.message, job.done, job.started) == ("failed", "it never began", 0, created)
    assert records.datetime.fromisoformat(job.updated)


@pytest.mark.parametrize("content", [None, "{", "[]", '{"state": "running"}'])
def test_a_job_without_a_whole_status_has_crashed(tmp_path, content):
    (tmp_path / "job.json").write_text(json.dumps(records.job_record("train", ARGV, tmp_path, records.iso_now())))
    if content:
        (tmp_path / "status.json").write_text(content)
    assert state(tmp_path) == "crashed"


def test_curves_leave_out_what_is_half_written_and_have_no_step_twice(tmp_path):
    for first in (1, 4):
        with running.running(tmp_path, "stub", [*ARGV, "--resume"]) as job:
            for step in range(first, first + 5):
                job.report("", step, 8, measures={"loss": first})
        with (tmp_path / "metrics.jsonl").open("a") as file:
            file.write('null\n{"step": 9, "measures": {"lo')
    found = records.read_curves(tmp_path)
    assert [point["step"] for point in found] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [point["measures"]["loss"] for point in found] == [1] * 3 + [4] * 5
    assert records.read_curves(tmp_path / "nowhere") == []


def test_a_full_disk_for_its_records_ends_no_job(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), running.running(tmp_path, "stub", ARGV) as job:
        job.report("line 1", 1, 2, measures={"loss": 1.0})
        with monkeypatch.context() as patch:
            (
                patch.setattr(records, "atomic_write", full),
                patch.setattr(running, "atomic_write", full),
                patch.setattr(Path, "open", full),
            )
            job.report("line 2", 2, 2, measures={"loss": 1.0})
            time.sleep(1.0)
        until(lambda: records.read_job(tmp_path).done == 2)  # there is room again
        control.stop_job(tmp_path)
        time.sleep(240)
    assert state(tmp_path) == "stopped"
    assert signal.getsignal(signal.SIGTERM) is before


def test_news_that_come_while_others_are_written_are_written_too(tmp_path, monkeypatch):
    save = records.save_record

    def save_slowly(path: Path, record: dict) -> bool:
        saved = save(path, record)
        if path.name == "status.json" and record["done"] == 1:
            job._tell(done=2)
        return saved

    with running.running(tmp_path, "stub", ARGV) as job:
        job.report("line 0", 0, 2)
        until(lambda: not job._changed)
        monkeypatch.setattr(running, "save_record", save_slowly)
        job.report("line 1", 1, 2)
        until(lambda: records.read_job(tmp_path).done == 2)


def test_in_another_thread_it_stops_at_its_next_line(tmp_path):
    ended = []

    def work() -> None:
        try:
            with running.running(tmp_path, "stub", ARGV) as job:
                for step in range(1000):
                    job.report("", step, 1000)
                    time.sleep(0.05)
        except KeyboardInterrupt as stop:
            ended.append(stop)

    thread = threading.Thread(target=work)
    thread.start()
    becomes(tmp_path, "running")
    control.stop_job(tmp_path)
    thread.join(240)
    assert ended and state(tmp_path) == "stopped"


def ends_slowly(folder: Path) -> None:
    """A job that needs a while to keep what it finished."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), running.running(folder, "stub", ARGV, slots=folder / "slots") as job:
        write = job._write
        job._write = lambda: (time.sleep(0.3 if job._over.is_set() else 0), write())  # as on a slow disk
        try:
            job.report("line 1", 1, 2)
            time.sleep(240)
        finally:
            time.sleep(0.5)
            (folder / "kept").touch()


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_spoils_no_careful_end(tmp_path, first):
    process = get_context("fork").Process(target=ends_slowly, args=(tmp_path,))
    process.start()
    until(lambda: state(tmp_path) == "running" and records.read_job(tmp_path).done == 1)
    os.kill(process.pid, first)
    while records.read_status(tmp_path)["state"] == "running" and process.is_alive():
        time.sleep(0.1)
        os.kill(process.pid, signal.SIGINT), os.kill(process.pid, signal.SIGTERM)
    process.join()
    assert (tmp_path / "kept").exists() and state(tmp_path) == "stopped"


def test_the_main_thread_is_interrupted_once_and_again_if_it_works_on(tmp_path, monkeypatch):
    asked, interrupt = threading.Event(), running._interrupt_main
    monkeypatch.setattr(running, "_interrupt_main", asked.set)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), running.running(tmp_path, "stub", ARGV) as job:
        job.report("line 1", 1, 4)
        control.stop_job(tmp_path)
        assert asked.wait(240)
        job.report("line 2", 2, 4)  # the signal is on its way
        with pytest.raises(KeyboardInterrupt):
            interrupt()
            time.sleep(240)
        interrupt(), time.sleep(0.1)
        job.report("line 3", 3, 4)
    assert (state(tmp_path), records.read_job(tmp_path).done) == ("stopped", 3)
    assert signal.getsignal(signal.SIGINT) is before


# -- the commands --------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_training_stopped_and_resumed_by_the_app_equals_an_uninterrupted_one(tmp_path, tiny_zoo_folder):
    for steps in (200, 1000, 5000):  # where this process is held up, a short one is over before it is stopped
        train = ["train", "--zoo", str(tiny_zoo_folder), *TRAIN, "--steps", str(steps)]
        folder = control.start_words([*train, "--out", str(tmp_path / f"space-{steps}")])
        until(lambda f=folder: records.read_job(f).done >= 2)
        with suppress(FormatError, ProcessLookupError):  # it is over
            mine, others = (os.getpriority(os.PRIO_PROCESS, pid) for pid in (0, records.read_status(folder)["pid"]))
            control.stop_job(folder)
        job = becomes(folder, "stopped", "finished")
        if job.state == "stopped":
            break
    assert others == min(19, mine + control.NICENESS)
    assert (job.state, job.total) == ("stopped", steps) and 2 <= job.done < steps
    moved = folder.rename(tmp_path / "moved")
    assert control.resume_job(moved) == moved
    job = becomes(moved, "finished", "failed", "crashed")
    assert (job.state, job.done) == ("finished", steps) and "--resume" not in job.argv
    assert main([*train, "--out", str(tmp_path / "whole")]) == 0
    points, whole = records.read_curves(moved), records.read_curves(tmp_path / "whole")
    assert [p["step"] for p in points] == list(range(1, steps + 1))
    assert [p["terms"] for p in points] == [p["terms"] for p in whole]
    for name, tensor in load_file(tmp_path / "whole" / "model.safetensors").items():
        assert tensor.equal(load_file(moved / "model.safetensors")[name]), name


def test_a_zoo_killed_goes_on_with_what_it_had_and_leaves_no_worker(tmp_path, capsys):
    zoo = tmp_path / "zoo"
    folder = control.start_words(["zoo", "fit-sdf", "--chairs", "40", "--out", str(zoo), *FIT])
    until(lambda: records.read_job(folder).done >= 1)
    status = json.loads((folder / "status.json").read_text())
    children = Path(f"/proc/{status['pid']}/task/{status['pid']}/children")
    workers = children.read_text().split() if children.exists() else []
    os.kill(status["pid"], signal.SIGKILL)
    becomes(folder, "crashed")
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    assert {"fit_iou", "seconds"} & set(records.read_curves(folder)[0]["measures"])
    assert 1 <= len(Zoo.load(zoo)) < 40
    assert main(["jobs", "list", str(tmp_path)]) == 0
    assert "crashed" in capsys.readouterr().out


def test_jobs_are_listed_stopped_and_resumed_by_commands(tmp_path, launch, spawned, capsys):
    assert main(["jobs", "list", str(tmp_path)]) == 0
    assert "no jobs" in capsys.readouterr().out
    process = launch(tmp_path / "job")
    until(lambda: state(tmp_path / "job") == "running" and records.read_job(tmp_path / "job").done == 3)
    capsys.readouterr()
    assert main(["jobs", "list", "--json", str(tmp_path)]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["state"], row["done"], row["total"], row["folder"]) == ("running", 3, 4, str(tmp_path / "job"))
    assert main(["jobs", "list", str(tmp_path)]) == 0
    assert "3/4" in capsys.readouterr().out
    assert main(["jobs", "resume", str(tmp_path / "job")]) == 2
    assert main(["jobs", "stop", str(tmp_path / "job")]) == 0
    process.join()
    assert main(["jobs", "stop", str(tmp_path / "job")]) == 2
    assert main(["jobs", "stop", str(tmp_path / "nowhere")]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert all(line.startswith("netspace: ") for line in errors) and len(errors) == 3
    assert main(["jobs", "resume", str(tmp_path / "job")]) == 2
    assert "holds no job of this program ('stub' is none" in capsys.readouterr().err and not spawned
    about = json.loads((tmp_path / "job" / "job.json").read_text())
    about |= {"kind": "train", "argv": ["train", "--zoo", "z", "--out", "x"]}
    note_places([Path(about["directory"]) / "z"])
    (tmp_path / "job" / "job.json").write_text(json.dumps(about))
    assert main(["jobs", "resume", str(tmp_path / "job")]) == 0
    assert spawned[0][3:] == ["train", "--zoo", "z", "--out", str((tmp_path / "job").resolve()), "--resume", "--queue"]


def test_a_command_of_a_long_job_is_one(tmp_path, capsys):
    zoo = ["zoo", "fit-sdf", "--chairs", "2", *FIT, "--workers", "0", "--out", str(tmp_path / "zoo")]
    assert main([*zoo, "--queue"]) == 0
    job = records.read_job(tmp_path / "zoo")
    assert (job.state, job.kind, job.done, job.total) == ("finished", "zoo fit-sdf", 2, 2)
    said = capsys.readouterr().out
    assert records.log_tail(job) == said.strip() and "fitted 2 networks" in job.message
    before = files_in(tmp_path / "zoo")
    assert main(zoo) == 2
    assert files_in(tmp_path / "zoo") == before
    assert main([*zoo, "--resume"]) == 0
    assert [p["step"] for p in records.read_curves(tmp_path / "zoo")] == [1, 2]
