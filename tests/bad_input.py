"""What the command line is tried with, and how: every input ends in one sentence or a right result.

A `Home` is a folder with a small zoo, a space, a run and a job. `attempt` runs a command in this process, with a limit
of time and of memory, and tells what was wrong with how it ended, if anything was.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import shutil
import signal
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import torch

import netspace
from netspace.cli import main as command_line
from netspace.errors import NetSpaceError
from netspace.export.archives import undated_zip
from netspace.jobs import control
from netspace.jobs import running as jobs_running
from netspace.latent.embeddings import space_content, zoo_content
from netspace.zoo.store import write_zoo

SECONDS = 20.0
"""after which a command hangs, on a machine that does other things too"""
ROOM = 3 << 30
"""bytes of address space that a command may take beyond what the process has"""
PRODUCT = str(Path(netspace.__file__).parent)
ROOT = Path(__file__).resolve().parent.parent


NOBODY = 2**22 + 1
"""no process has this number"""


class TooLong(BaseException):
    """A command took longer than it may."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    words: Sequence[str]
    code: int | None
    """None: by an exception"""
    out: str
    err: str
    fault: str = ""
    """what is wrong with that; empty: nothing"""


def attempt(
    words: Sequence[str], *, must_fail: bool = False, may_run: bool = False, seconds: float | None = None
) -> Ended:
    """Run a command in this process.

    Args:
        must_fail: ending with 0 is a fault: it took what is wrong for right.
        may_run: it may be at work when its time is over, as a long job.
        seconds: its time; None: SECONDS.
    """
    out, err = io.StringIO(), io.StringIO()
    errors: list[BaseException] = []
    usual = command_line._sentence

    def noted(error: BaseException) -> str:
        errors.append(error)
        return usual(error)

    command_line._sentence = noted
    code: int | None = None
    fault = ""
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), _limits(seconds or SECONDS):
            code = command_line.main(list(words))
    except TooLong as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        fault = "" if may_run else f"hangs in {where.filename}:{where.lineno}"
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException as error:
        fault = f"traceback: {_last(error)}"
    finally:
        command_line._sentence = usual
    said = err.getvalue()
    if not fault and code is not None:
        fault = _fault(code, said, errors, must_fail)
    return Ended(words, code, out.getvalue(), said, fault)


def _last(error: BaseException) -> str:
    ours = [f for f in traceback.extract_tb(error.__traceback__) if "netspace" in f.filename]
    where = f" ({Path(ours[-1].filename).name}:{ours[-1].lineno})" if ours else ""
    return f"{type(error).__name__}: {str(error)[:150]}{where}"


def _fault(code: int, said: str, errors: Sequence[BaseException], must_fail: bool) -> str:
    if "Traceback" in said:
        return "traceback in what it says"
    if code == 0:
        return "silently wrong: it took this for right" if must_fail else ""
    if code not in (1, 2):
        return f"exit code {code}"
    sentence = said.rstrip("\n").split("\n")[-1]
    if not sentence.startswith("netspace: ") or len(sentence.split()) < 4:
        return f"no sentence: {said[-200:]!r}"
    if len(sentence) > 1500:
        return f"a sentence of {len(sentence)} letters"
    for error in errors:
        ours = traceback.extract_tb(error.__traceback__)[-1].filename.startswith(PRODUCT)
        named = isinstance(error, OSError) and (error.filename is not None or (error.errno is None and ours))
        if not (isinstance(error, NetSpaceError) or named):
            return f"the words of another library: {_last(error)}"
    return ""


@contextlib.contextmanager
def _limits(seconds: float) -> Iterator[None]:
    """Inside, the time and the memory of this process are limited."""

    def over(*_) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, over)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + ROOM, hard))
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def quick() -> Iterator[None]:
    """Inside, no job starts a process, and what is the same for every command is done once."""
    poll, jobs_running.POLL_SECONDS = jobs_running.POLL_SECONDS, 0.01
    child = SimpleNamespace(pid=NOBODY, poll=lambda: 0)
    known, control.subprocess = control.subprocess, SimpleNamespace(Popen=lambda *_, **__: child, DEVNULL=-3)
    try:
        yield
    finally:
        control.subprocess = known
        jobs_running.POLL_SECONDS = poll


# -- what is there -------------------------------------------------------------------------------------------------


class Home:
    """A folder with one of everything, made without training."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.zoo, self.space, self.run, self.job = (root / name for name in ("zoo", "space", "run", "job"))
        root.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(0)
        family = netspace.Family.of("siren/2-8-8-1@30")
        arch = family.archs[0]
        weights = {f"{arch.name}/{name}": torch.randn(6, *shape) * 0.1 for name, shape in arch.shapes.items()}
        records = pd.DataFrame(
            {
                "name": [f"net-{k}" for k in range(6)], "arch": arch.name, "row": range(6),
                "split": ["train"] * 3 + ["validation"] + ["heldout"] * 2, "width": np.linspace(0, 1, 6),
                "source": [f"pictures/{k}.png" for k in range(6)],
            }
        )  # fmt: skip
        write_zoo(self.zoo, family, records, weights, {"made_by": "hand"})
        netspace.NetSpace(family, embedding=8, hidden=16, chunk=64).save(self.space)
        shutil.copytree(ROOT / "assets" / "digits" / "lso", self.run, dirs_exist_ok=True)
        self.job.mkdir(exist_ok=True)
        job = {
            "format": 1, "kind": "train", "argv": ["train", "--zoo", "zoo", "--out", "job"], "directory": str(root),
            "command": "python -m netspace train --zoo zoo --out job", "created": "2026-01-01T00:00:00+00:00",
        }  # fmt: skip
        (self.job / "job.json").write_text(json.dumps(job))
        status = {"state": "stopped", "message": "", "done": 1, "total": 2, "seconds_left": None, "pid": 1}
        status |= {"started": "2026-01-01T00:00:00+00:00", "updated": "2026-01-01T00:00:00+00:00"}
        (self.job / "status.json").write_text(json.dumps(status))
        (self.job / "log.txt").write_text("a line\n")
        (self.job / "metrics.jsonl").write_text('{"step": 1, "terms": {}, "measures": {"x": 1.0}}\n')
        write_formats(root)


def write_formats(root: Path) -> None:
    """A small file of every format that is read, in `root/files`."""
    import trimesh
    from PIL import Image
    from safetensors.torch import save_file

    files = root / "files"
    files.mkdir(exist_ok=True)
    box = trimesh.creation.box()
    for kind in ("obj", "stl", "ply", "off", "glb"):
        content = box.export(file_type=kind)
        (files / f"box.{kind}").write_bytes(content.encode() if isinstance(content, str) else content)
    (files / "ascii.ply").write_bytes(box.export(file_type="ply", encoding="ascii"))
    state = {"fc1.weight": torch.randn(8, 3), "fc1.bias": torch.randn(8), "fc2.weight": torch.randn(1, 8),
             "fc2.bias": torch.randn(1)}  # fmt: skip
    save_file(state, files / "net.safetensors")
    torch.save(state, files / "net.pt")
    np.savez(files / "net.npz", **{name: t.numpy() for name, t in state.items()})
    shutil.make_archive(str(files / "nets"), "zip", files, "net.safetensors")
    module = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
    torch.onnx.export(module, (torch.zeros(1, 3),), files / "net.onnx", dynamo=False, input_names=["x"])
    rng = np.random.default_rng(0)
    for suffix in ("png", "jpg", "webp", "gif"):
        Image.fromarray(rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(files / f"picture.{suffix}")
    pd.DataFrame({"name": ["net-0", "net-1"], "height": [1.0, 2.0]}).to_parquet(files / "table.parquet")
    recipe = {"space": "space", "zoo": "zoo", "a": "net-0", "b": "net-1", "method": "latent", "steps": 2}
    recipe |= {"resolution": 32, "fps": 20, "map": "none"}
    contents = {"space_content": space_content(netspace.load(root / "space", "cpu")),
                "zoo_content": zoo_content(netspace.Zoo.load(root / "zoo"))}  # fmt: skip
    about = {"format": 1, "recipe": recipe | contents, "files": {}}
    (files / "made.zip").write_bytes(undated_zip({"recipe.json": json.dumps(about).encode()}))
    (files / "table.csv").write_text("name,height\nnet-0,1.0\nnet-1,2.0\n")
    (files / "network.json").write_text('{"activation": "relu", "inside": "negative"}')
    (files / "classes.txt").write_text("a\nb\n")
