"""The same numbers twice: whatever number of threads torch has, and however a job is gone on with."""

import dataclasses
from collections import deque
from pathlib import Path

import pytest
import torch
from conftest import TINY_CNN, TINY_FIT
from safetensors.torch import load_file

from netspace import Zoo
from netspace.cli.main import main
from netspace.io import read_json
from netspace.jobs import records, running
from netspace.latent.embeddings import embed
from netspace.latent.paths import METHODS, gammas
from netspace.space.space import NetSpace
from netspace.threads import held_threads
from netspace.train import chair_sources, fit_cnn_zoo, fit_sdf_zoo
from netspace.train.executors import in_this_process

WIDE = {"embedding": 256, "hidden": 256}
"""of a space whose products torch splits among threads"""
JOBS = {
    "train": ["train", "--embedding", "16", "--hidden", "32", "--nets", "2", "--points", "256", "--queries", "1024",
              "--steps", "2", "--every", "1", "--hidden-dtype", "float32"],
    "lso": ["lso", "--target", "chair:1", "--start", "mean", "--points", "33000", "--steps", "2", "--every", "1"],
}  # fmt: skip
"""of so many points that torch would split the mean over them"""
MOST = 1
"""steps until a job is stopped"""


@pytest.fixture(scope="module")
def wide(tiny_zoo) -> NetSpace:
    torch.manual_seed(0)
    return NetSpace(tiny_zoo.family, **WIDE).eval().requires_grad_(False)


def words(job: str, zoo: Path, space: Path, out: Path) -> list[str]:
    return [*JOBS[job], "--zoo", str(zoo), "--out", str(out), *(["--space", str(space)] if job == "lso" else [])]


def learned(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "checkpoint.safetensors")


@pytest.mark.parametrize("job", JOBS)
def test_a_job_goes_on_with_the_threads_it_was_started_with(
    job, tiny_zoo_folder, tiny_space_folder, tmp_path, monkeypatch
):
    whole, part = (words(job, tiny_zoo_folder, tiny_space_folder, tmp_path / name) for name in ("whole", "part"))
    report, computed = running.Running.report, []

    def watched(self, said="", done=None, *more, **news) -> None:
        report(self, said, done, *more, **news)
        if done is not None:
            computed.append(torch.get_num_threads())
        if done == MOST and "part" in str(self.folder):
            raise KeyboardInterrupt

    monkeypatch.setattr(running.Running, "report", watched)
    with held_threads(2):
        assert main(part) == 130
        assert job == "train" or main(whole) == 0  # of a training test_runs.py has the numbers
    assert torch.get_num_threads() == 1 and records.read_job(tmp_path / "part").threads == 2
    assert main([*part, "--resume"]) == 0
    assert set(computed) == {2}
    assert torch.get_num_threads() == 1
    assert "2 threads compute, as when this was started" in (tmp_path / "part" / "log.txt").read_text()
    assert read_json(tmp_path / "part" / "job.json")["threads"] == 2
    if job == "lso":
        mine, theirs = learned(tmp_path / "part"), learned(tmp_path / "whole")
        assert all(mine[name].equal(tensor) for name, tensor in theirs.items())


def made(folder: Path, kind: str) -> dict[str, torch.Tensor]:
    """Weights that are fitted in this process."""
    if kind == "sdf":
        config = dataclasses.replace(TINY_FIT, steps=2)
        deque(fit_sdf_zoo(folder, chair_sources(1), config, workers=0), maxlen=0)
    else:
        deque(
            fit_cnn_zoo(folder, dataclasses.replace(TINY_CNN, count=2, epochs=2.0, validation=0, heldout=1), workers=0),
            maxlen=0,
        )
    return dict(Zoo.load(folder).weights)


def test_what_runs_here_computes_with_one_thread_as_worker_processes_do():
    with held_threads(2):
        assert list(in_this_process(lambda job: torch.get_num_threads(), [None])) == [(0, 1)]
        assert torch.get_num_threads() == 2


@pytest.mark.parametrize("kind", ["sdf", "cnn"])
def test_a_fit_does_not_depend_on_threads(kind, tmp_path):
    found = []
    for count in (1, 2):
        with held_threads(count):
            found.append(made(tmp_path / str(count), kind))
    assert all(found[0][name].equal(tensor) for name, tensor in found[1].items())


def test_embeddings_and_paths_do_not_depend_on_threads(wide, tiny_zoo):
    def found() -> list[torch.Tensor]:
        networks = METHODS["latent"].open(wide, tiny_zoo[0], tiny_zoo[1]).networks(gammas(5))
        return [embed(wide, tiny_zoo, range(6)), *(network.prep for network in networks)]

    results = []
    for count in (1, 2):
        with held_threads(count):
            results.append(found())
    assert all(one.equal(two) for one, two in zip(*results, strict=True))
