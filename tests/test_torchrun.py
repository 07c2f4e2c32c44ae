"""Several processes train the space that one does, and go on after a death as if nothing had happened."""

import dataclasses
import json
import signal
import subprocess
import sys
from collections import deque
from pathlib import Path

import pytest
import torch
from conftest import ROOT, TINY_FAMILY_TRAIN, TINY_TRAIN

from netspace.cli.main import main
from netspace.io import read_json, read_tensors
from netspace.jobs.records import read_job
from netspace.share import Share
from netspace.tasks import task_of
from netspace.tasks.distillation import best_of
from netspace.train.space import new_space, train_space

FIFTY = dataclasses.replace(TINY_TRAIN, steps=50, nets=3, copies=2, noise=0.1, every=25)
"""of three networks a step, of which two processes have one and two"""


def words(config, zoo: Path, out: Path) -> list[str]:
    """The command that trains with a config."""
    usual = type(config)()
    said = ["train", "--zoo", str(zoo), "--out", str(out)]
    for field in dataclasses.fields(config):
        if (value := getattr(config, field.name)) != getattr(usual, field.name):
            said += [f"--{field.name.replace('_', '-')}", str(value)]
    return said


def checkpoint(folder: Path) -> dict[str, torch.Tensor]:
    return read_tensors(folder / "checkpoint.safetensors")


def test_two_processes_train_the_space_that_one_does(tiny_zoo, tiny_zoo_folder, tmp_path):
    """Started by torchrun, with a part of unequal size each."""
    deque(train_space(tiny_zoo, FIFTY, tmp_path / "one"), maxlen=0)
    start = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "netspace"]
    said = subprocess.run(
        [*start, *words(FIFTY, tiny_zoo_folder, tmp_path / "two")], cwd=ROOT, capture_output=True, text=True
    )
    assert said.returncode == 0, said.stderr
    assert [line.split(":")[0] for line in said.stdout.splitlines() if line.startswith("step")] == [
        "step 25/50", "step 50/50"
    ]  # fmt: skip
    assert read_json(tmp_path / "two/train.json")["processes"] == 2 and read_job(tmp_path / "two").state == "finished"
    one, two = checkpoint(tmp_path / "one"), checkpoint(tmp_path / "two")
    assert set(one) == set(two)
    assert max((one[name] - two[name]).abs().max() for name in one) < 1e-5
    assert any((one[name] != two[name]).any() for name in one), "both processes did all of the work"


def test_after_a_death_two_processes_go_on_as_if_undisturbed(tiny_zoo_folder, tmp_path):
    """And what they refuse is said once."""
    argv = {name: words(TINY_TRAIN, tiny_zoo_folder, tmp_path / name) for name in ("whole", "killed", "many", "none")}
    scenarios = [
        {"argv": argv["whole"], "size": 2, "die": None},
        {"argv": argv["killed"], "size": 2, "die": [1, 7]},
        {"argv": argv["killed"], "size": 2, "die": None},
        {"argv": [*argv["killed"], "--resume"], "size": 2, "die": None},
        {"argv": argv["many"], "size": 3, "die": None},
        {"argv": [*argv["none"], "--zoo", str(tmp_path / "nothing")], "size": 2, "die": None},
    ]
    done = subprocess.run(
        [sys.executable, "-m", "tests.ranks", json.dumps(scenarios)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    whole, killed, again, resumed, many, nothing = json.loads(done.stdout)
    assert whole == {"codes": [0, 0], "said": []}
    assert killed["codes"] == [2, -signal.SIGKILL]
    assert [line.split(",")[0] for line in killed["said"]] == ["netspace: another process of this training ended"]
    assert again["codes"] == [2, 2] and len(again["said"]) == 1 and "--resume" in again["said"][0]
    assert resumed == {"codes": [0, 0], "said": []}
    one, two = checkpoint(tmp_path / "whole"), checkpoint(tmp_path / "killed")
    assert set(one) == set(two) and all(torch.equal(one[name], two[name]) for name in one)
    steps = [json.loads(line)["step"] for line in (tmp_path / "killed/metrics.jsonl").read_text().splitlines()]
    assert steps == [4, 8, 12]
    assert many["codes"] == [2, 2, 2] and many["said"] == [
        "netspace: 3 processes for 2 networks per step: start at most 2"
    ]
    assert nothing["codes"] == [2, 2] and len(nothing["said"]) == 1 and "nothing" in nothing["said"][0]


@pytest.mark.parametrize(
    ("rank", "said"), [("0", "netspace: torchrun starts several processes of `train` alone"), ("1", "")]
)
def test_other_commands_are_for_one_process(rank, said, monkeypatch, capsys):
    for name, value in {"TORCHELASTIC_RUN_ID": "tests", "WORLD_SIZE": "2", "RANK": rank, "LOCAL_RANK": rank}.items():
        monkeypatch.setenv(name, value)
    assert main(["archs"]) == 2
    assert capsys.readouterr().err.partition(";")[0].strip() == said


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("kind", ["sdf", "picture", "classifier", "family"])
def test_the_shares_of_a_step_add_up_to_the_whole(kind, size, request):
    """Terms and gradients, of every objective."""
    names = {"sdf": "tiny_zoo", "picture": "tiny_image_zoo", "classifier": "tiny_cnn_zoo", "family": "tiny_family_zoo"}
    zoo = request.getfixturevalue(names[kind])
    usual = TINY_FAMILY_TRAIN if kind == "family" else TINY_TRAIN
    config = dataclasses.replace(usual, points=16, queries=64, noise=0.1, copies=2)
    space = new_space(zoo, config).train()
    ids = [0, 1, 4, 5] if kind == "family" else zoo.ids("train")[:4]
    objective = task_of(zoo).objective(space, zoo, ids, config, None, best_of(zoo) if kind == "family" else None)
    objective.calibrate(space, ids)

    def step(share: Share) -> tuple[dict, dict]:
        space.zero_grad()
        terms = objective.terms(space, ids, torch.Generator().manual_seed(1), share)
        torch.stack(list(terms.values())).sum().backward()
        return terms, {n: torch.zeros_like(p) if p.grad is None else p.grad for n, p in space.named_parameters()}

    whole, gradients = step(Share())
    parts = [step(Share(rank, size)) for rank in range(size)]
    for name, term in whole.items():
        torch.testing.assert_close(sum(terms[name] for terms, _ in parts), term, rtol=1e-4, atol=1e-5)
    scale = max(g.abs().max() for g in gradients.values())
    for name, gradient in gradients.items():
        total = sum(found[name] for _, found in parts)
        torch.testing.assert_close(total, gradient, rtol=1e-3, atol=1e-5 * float(scale))
