"""Latent space optimisation: what it minimises and selects, how it ends, and that it resumes to the same numbers."""

import dataclasses
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import netspace
from netspace import Network
from netspace.cli.main import main
from netspace.data.images import load_images
from netspace.data.meshes import Mesh
from netspace.data.transforms import normalise
from netspace.errors import FormatError
from netspace.latent.embeddings import embed
from netspace.latent.projection import Plane
from netspace.space.losses import classifier_distillation, sdf_distillation, task_loss
from netspace.tasks import task_of
from netspace.tasks.distillation import best_of
from netspace.tasks.measures import accuracy, classify
from netspace.train import lso
from netspace.train.lso import LsoConfig, optimise
from netspace.train.lso_files import read_best, read_result, read_run, read_trajectory
from netspace.train.starts import start_from, wanted_class

TINY = LsoConfig(lr=0.05, steps=12, points=32, queries=128, every=4)


def goal_of(space, config, **asked):
    return task_of(space).goal(space, config, **asked)


@pytest.fixture(scope="module")
def digits(tiny_cnn_zoo, tiny_cnn_space_folder):
    return netspace.load(tiny_cnn_space_folder), tiny_cnn_zoo


@pytest.fixture(scope="module")
def family(tiny_family_zoo, tiny_family_space_folder):
    return netspace.load(tiny_family_space_folder), tiny_family_zoo


@pytest.fixture(scope="module")
def chairs(tiny_zoo, tiny_space_folder):
    return netspace.load(tiny_space_folder), tiny_zoo


def run(space, zoo, folder, config=TINY, start="mean", want="", resume=False, **goal):
    begin = start_from(space, zoo, start, config.seed)
    asked = goal_of(space, config, **goal)
    return list(optimise(space, begin, asked, config, folder, want=wanted_class(space, begin, want), resume=resume))


def metrics(folder) -> list[dict]:
    """The log without its times."""
    return [{**json.loads(line), "seconds": 0} for line in (folder / "metrics.jsonl").read_text().splitlines()]


# -- where it starts -----------------------------------------------------------------------------------------------


def test_starts(digits):
    space, zoo = digits
    z = embed(space, zoo, zoo.ids("train"))
    named = start_from(space, zoo, zoo.records.name[1])
    assert torch.equal(named.z, space.encode(zoo.preps([1]))[0]) and named.network.arch == zoo[1].arch
    assert torch.allclose(start_from(space, zoo, "mean").z, z.mean(dim=0))
    noise = [start_from(space, zoo, "noise", seed).z for seed in (0, 0, 1)]
    assert torch.equal(noise[0], noise[1]) and not torch.equal(noise[0], noise[2])
    plane = Plane.of(z)
    there = start_from(space, zoo, "at:0.25,-1.5").z
    assert plane.place(there).tolist() == pytest.approx([0.25, -1.5], abs=1e-4)


@pytest.mark.parametrize(
    ("where", "words"), [("nobody", "no network 'nobody'"), ("at:1", "no point of the map"), ("at:1,nan", "no point")]
)
def test_a_start_that_is_not_there_is_refused(digits, where, words):
    with pytest.raises((KeyError, ValueError), match=words):
        start_from(*digits, where)


def test_the_plane_holds_the_largest_spread():
    z = torch.randn(200, 6, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 9.0, 1.0, 1.0, 4.0, 1.0])
    plane = Plane.of(z)
    assert plane.axes[0].abs().argmax() == 1 and plane.axes[1].abs().argmax() == 4
    assert torch.allclose(plane.axes @ plane.axes.mT, torch.eye(2), atol=1e-5)
    variances = plane.place(z).var(dim=0)
    assert plane.shares == pytest.approx((variances / z.var(dim=0).sum()).tolist(), rel=1e-4)
    assert torch.allclose(plane.place(plane.lift(torch.tensor([1.0, 2.0]))), torch.tensor([1.0, 2.0]), atol=1e-5)
    with pytest.raises(ValueError, match="2 embeddings span no plane"):
        Plane.of(z[:2])


# -- what it minimises ---------------------------------------------------------------------------------------------


def test_the_terms_of_images_are_eq_5_its_teacher_or_its_labels(digits):
    space, zoo = digits
    network, teacher = zoo[2], best_of(zoo)
    found = {
        loss: task_of(space)
        .goal(space, dataclasses.replace(TINY, loss=loss), teacher=None if loss == "task" else teacher)
        .terms(network, torch.Generator().manual_seed(3))
        for loss in ("kd", "kl", "task")
    }
    inputs = goal_of(space, TINY, teacher=teacher).inputs
    batch = inputs.draw(TINY.points, torch.Generator().manual_seed(3))
    assert torch.equal(batch.x, normalise(inputs.crops.pixels[batch.crops]))
    distilled, task = (
        classifier_distillation(network(batch.x), teacher(batch.x)),
        task_loss(network(batch.x), batch.labels),
    )
    expected = {
        "kd": {"pred": 0.9 * distilled, "task": 0.1 * task},
        "kl": {"pred": distilled},
        "task": {"task": task},
    }
    for loss, terms in expected.items():
        assert set(found[loss]) == set(terms)
        for name, value in terms.items():
            assert found[loss][name].item() == pytest.approx(value.item(), rel=0.01)  # half precision of the teacher's


def test_the_term_of_a_shape_is_eq_2_with_its_samples(chairs):
    space, zoo = chairs
    goal = goal_of(space, TINY, target="chair:1")
    pick = torch.randint(TINY.queries, (TINY.points,), generator=torch.Generator().manual_seed(3))
    samples = goal.samples[pick]
    expected = sdf_distillation(zoo[0](samples[:, :3]).squeeze(1), samples[:, 3])
    found = goal.terms(zoo[0], torch.Generator().manual_seed(3))
    assert found["pred"].item() == pytest.approx(expected.item(), rel=1e-4)
    assert goal.validate(zoo["chair-0001"]) > 0.5 > goal.validate(zoo["chair-0004"])
    assert goal.validate(zoo[0]) != goal.test(zoo[0])  # on other points


def test_auto_takes_a_teacher_where_there_is_one(digits):
    space, zoo = digits
    assert goal_of(space, TINY).alpha == 0.0 and goal_of(space, TINY, teacher=zoo[0]).alpha == TINY.alpha
    with pytest.raises(ValueError, match="no --teacher"):
        goal_of(space, dataclasses.replace(TINY, loss="task"), teacher=zoo[0])


@pytest.mark.parametrize(
    ("which", "config", "goal", "words"),
    [
        ("digits", {"loss": "kd"}, {}, "learns from a teacher"),
        ("digits", {"loss": "mse"}, {}, "is for shapes"),
        ("digits", {}, {"target": "chair:1"}, "is for SDFs"),
        ("chairs", {}, {}, "name one by --target"),
        ("chairs", {"loss": "kl"}, {"target": "chair:1"}, "is for image classifiers"),
        ("chairs", {"queries": 0}, {"target": "chair:1"}, "is sampled once"),
    ],
)
def test_what_does_not_belong_together_is_refused(request, which, config, goal, words):
    space, _ = request.getfixturevalue(which)
    with pytest.raises(ValueError, match=words):
        goal_of(space, dataclasses.replace(TINY, **config), **goal)


def test_a_teacher_of_other_classes_is_refused(digits):
    other = netspace.ARCHS["resnet8/tiny-imagenet"]
    stranger = Network.of(other, other.initialise(0), (16, 10_000))
    with pytest.raises(ValueError, match="200 classes, digits has 32 pixels and 10 classes"):
        goal_of(digits[0], TINY, teacher=stranger)


# -- the architecture ----------------------------------------------------------------------------------------------


def test_the_wanted_architecture(digits, family):
    space, zoo = family
    largest = start_from(space, zoo, "resnet8-002")
    assert [wanted_class(space, largest, want) for want in ("", "any", "vanillacnn/digits")] == [2, None, 1]
    assert wanted_class(space, start_from(space, zoo, "mean"), "") is None
    with pytest.raises(ValueError, match="this space has no 'resnet32/digits'"):
        wanted_class(space, largest, "resnet32/digits")
    single = start_from(*digits, "mean")
    assert wanted_class(digits[0], single, "") is None
    with pytest.raises(ValueError, match="there is no class to want"):
        wanted_class(digits[0], single, "lenetlike/digits")


def test_the_class_loss_pulls_towards_the_wanted_architecture(family, tmp_path):
    space, zoo = family
    config = dataclasses.replace(TINY, steps=80, every=20, lr=0.1)
    start = start_from(space, zoo, "mean")
    for class_id, name in enumerate(space.family.names):
        run(space, zoo, tmp_path / str(class_id), config, want=name, teacher=best_of(zoo))
        end = read_trajectory(tmp_path / str(class_id))[-1]
        before, after = (space.head(z[None]).softmax(dim=1)[0, class_id].item() for z in (start.z, end))
        assert after > before and after > 0.6
        assert read_best(tmp_path / str(class_id)).network.arch.name == name


# -- what it keeps -------------------------------------------------------------------------------------------------


def test_score_and_embedding_belong_to_the_same_step(digits, tmp_path):
    """What the log says of a step is what the stored embedding of that step decodes to."""
    space, zoo = digits
    lines = run(space, zoo, tmp_path / "run", teacher=best_of(zoo))
    assert [line.step for line in lines] == [0, 4, 8, 12]
    trajectory = read_trajectory(tmp_path / "run")
    assert torch.equal(trajectory[0], start_from(space, zoo, "mean").z)
    held, test = (load_images("digits", split) for split in ("validation", "test"))
    for line, z in zip(lines, trajectory, strict=True):
        measured = accuracy(classify(space.networks(z[None])[0], held), held.labels)
        assert line.measures["validation_accuracy"] == pytest.approx(measured)
        assert line.measures["moved"] == pytest.approx((z - trajectory[0]).norm().item())
    scores = [line.measures["validation_accuracy"] for line in lines]
    best, result = read_best(tmp_path / "run"), read_result(tmp_path / "run")
    assert best.score == max(scores) and best.step == lines[scores.index(max(scores))].step == result.best_step
    assert torch.equal(best.z, trajectory[scores.index(max(scores))])
    assert torch.equal(best.network.prep, space.networks(best.z[None])[0].prep)
    assert result.test["best"] == pytest.approx(accuracy(classify(best.network, test), test.labels))
    assert result.validation == pytest.approx({"start": scores[0], "best": max(scores)})


def test_it_improves_what_it_starts_from(digits, chairs, tmp_path):
    images, shape = (dataclasses.replace(TINY, steps=60, every=20, lr=lr) for lr in (0.05, 0.01))
    shape = dataclasses.replace(shape, points=1024, queries=4096)
    for name, (space, zoo), config, goal in (("a", digits, images, {}), ("b", chairs, shape, {"target": "chair:2"})):
        lines = run(space, zoo, tmp_path / name, config, **goal)
        assert sum(lines[-1].terms.values()) < sum(lines[1].terms.values())
    result = read_result(tmp_path / "a")
    assert result.validation["best"] > result.validation["start"] and result.ended == "steps"


def test_it_ends_where_nothing_gets_better(digits, tmp_path):
    config = dataclasses.replace(TINY, lr=1e-9, steps=1000, every=1, patience=3)
    assert len(run(*digits, tmp_path / "run", config)) == 4
    assert read_result(tmp_path / "run").ended == "patience"


def test_where_it_diverges_the_best_is_kept_and_the_step_named(digits, tmp_path):
    space, zoo = digits
    lines = run(space, zoo, tmp_path / "run", dataclasses.replace(TINY, lr=1e30, steps=50))
    result, best = read_result(tmp_path / "run"), read_best(tmp_path / "run")
    assert result.ended == "diverged" and "Try a lower --lr than 1e+30" in result.problem
    assert f"step {result.steps}" in result.problem and result.steps < 50
    assert best.network.prep.isfinite().all() and best.step == result.best_step <= lines[-1].step


@pytest.mark.parametrize(("changes", "words"), [({"lr": 1e38}, r"at most 1e\+30"), ({"alpha": 1.5}, "at most 1")])
def test_settings_that_cannot_be_are_named(changes, words):
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(TINY, **changes)


# -- the folder ----------------------------------------------------------------------------------------------------


class Died(Exception):
    pass


def test_a_resumed_run_equals_the_uninterrupted_one(family, tmp_path, monkeypatch):
    space, zoo = family
    goal = {"start": "resnet8-002", "teacher": best_of(zoo)}
    run(space, zoo, tmp_path / "whole", **goal)
    real, count = lso.EmbeddingLearner._terms, 0

    def dies(*args):
        nonlocal count
        count += 1
        if count == 7:
            raise Died
        return real(*args)

    monkeypatch.setattr(lso.EmbeddingLearner, "_terms", dies)
    with pytest.raises(Died):
        run(space, zoo, tmp_path / "parts", **goal)
    monkeypatch.undo()
    with (tmp_path / "parts" / "metrics.jsonl").open("a") as log:
        log.write('{"step": 6, "te')  # a line that the end cut off
    run(space, zoo, tmp_path / "parts", resume=True, **goal)
    for name in ("checkpoint.safetensors", "best.safetensors"):
        whole, parts = (load_file(tmp_path / folder / name) for folder in ("whole", "parts"))
        assert whole.keys() == parts.keys() and all(torch.equal(whole[key], parts[key]) for key in whole)
    assert metrics(tmp_path / "whole") == metrics(tmp_path / "parts")
    whole, parts = (read_result(tmp_path / folder)._replace(seconds=0.0) for folder in ("whole", "parts"))
    assert whole == parts


KILLED = """
import os, signal, sys
from netspace.cli.main import main
from netspace.train import loop
append, lines = loop.append_line, []

def dying(path, line):
    append(path, line)
    lines.append(line)
    if len(lines) == 8:
        os.kill(os.getpid(), signal.SIGKILL)  # before the checkpoint of this line

loop.append_line = dying
main(sys.argv[1:])
"""


def test_killed_and_resumed_it_equals_the_uninterrupted_one(tiny_cnn_zoo_folder, tiny_cnn_space_folder, tmp_path):
    """By the command line, with kill -9."""
    common = [
        "lso", "--space", tiny_cnn_space_folder, "--zoo", tiny_cnn_zoo_folder,
        "--start", "noise", "--steps", "20", "--every", "2", "--lr", "0.01", "--points", "64",
    ]  # fmt: skip
    folder = tmp_path / "killed"
    killed = subprocess.run([sys.executable, "-c", KILLED, *common, "--out", folder], stdout=subprocess.DEVNULL)
    assert killed.returncode == -signal.SIGKILL and len(metrics(folder)) == 8
    for out in ([folder, "--resume"], [tmp_path / "whole"]):
        assert not main([str(word) for word in (*common, "--out", *out)])
    assert metrics(folder) == metrics(tmp_path / "whole") and len(metrics(folder)) == 11
    for name in ("checkpoint.safetensors", "best.safetensors"):
        killed, whole = load_file(folder / name), load_file(tmp_path / "whole" / name)
        assert all(torch.equal(killed[key], whole[key]) for key in whole)


def test_a_folder_with_a_run_is_not_overwritten(digits, tmp_path):
    run(*digits, tmp_path / "run")
    before = metrics(tmp_path / "run")
    with pytest.raises(FormatError, match="add --resume"):
        run(*digits, tmp_path / "run")
    with pytest.raises(FormatError, match="lr changed"):
        run(*digits, tmp_path / "run", dataclasses.replace(TINY, lr=0.06), resume=True)
    with pytest.raises(FormatError, match="start changed"):
        run(*digits, tmp_path / "run", start="noise", resume=True)
    assert run(*digits, tmp_path / "run", resume=True) == []  # it has ended
    assert metrics(tmp_path / "run") == before


def test_another_teacher_or_target_is_not_gone_on_with(digits, chairs, tmp_path):
    zoo = digits[1]
    run(*digits, tmp_path / "a", teacher=zoo[0])
    with pytest.raises(FormatError, match="another teacher, target or data"):
        run(*digits, tmp_path / "a", teacher=zoo[1], resume=True)
    run(*chairs, tmp_path / "b", target="chair:1")
    with pytest.raises(FormatError, match="another teacher, target or data"):
        run(*chairs, tmp_path / "b", target="chair:2", resume=True)


def test_a_chair_is_the_same_target_where_another_library_has_other_last_digits(chairs, monkeypatch):
    of, load = netspace.tasks.sdf, netspace.tasks.sdf.load_source
    before = goal_of(chairs[0], TINY, target="chair:1").made_of
    monkeypatch.setattr(of, "load_source", lambda source: (nudged(load(source)[0]), load(source)[1]))
    assert goal_of(chairs[0], TINY, target="chair:1").made_of == before


def nudged(mesh: Mesh) -> Mesh:
    return Mesh(mesh.vertices * (1 + 1e-12), mesh.faces)


def test_stopped_while_it_is_tested_it_does_not_go_on_optimising(digits, tmp_path, monkeypatch):
    config = dataclasses.replace(TINY, lr=1e-9, steps=1000, every=1, patience=3)
    monkeypatch.setattr(netspace.tasks.classification.ImagesGoal, "test", lambda *_: (_ for _ in ()).throw(Died))
    with pytest.raises(Died):
        run(*digits, tmp_path / "run", config)
    monkeypatch.undo()
    assert run(*digits, tmp_path / "run", config, resume=True) == []
    result = read_result(tmp_path / "run")
    assert result.ended == "patience" and result.steps == 3


@pytest.mark.parametrize("name", ["config.json", "zoo.json"])
def test_a_space_or_a_zoo_is_not_written_into(digits, tmp_path, name):
    (tmp_path / name).write_text("{}")
    with pytest.raises(FormatError, match="choose another folder"):
        run(*digits, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_another_space_is_not_gone_on_with(digits, tmp_path):
    space, zoo = digits
    run(space, zoo, tmp_path / "run")
    (tmp_path / "run" / "result.json").unlink()
    other = netspace.NetSpace(space.family, space.config).eval().requires_grad_(False)
    with pytest.raises(FormatError, match="another space"):
        run(other, zoo, tmp_path / "run", resume=True)


def test_damaged_folders_are_named(digits, tmp_path):
    folder = tmp_path / "run"
    run(*digits, folder)
    about = json.loads((folder / "lso.json").read_text())
    (folder / "lso.json").write_text(json.dumps(about | {"format": 99}))
    with pytest.raises(FormatError, match="run format 99, this program reads format 1"):
        read_run(folder)
    (folder / "lso.json").write_text(json.dumps({k: v for k, v in about.items() if k != "start"}))
    with pytest.raises(FormatError, match="has no 'start'"):
        read_run(folder)
    for name, read in (("best.safetensors", read_best), ("checkpoint.safetensors", read_trajectory)):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(FormatError, match="truncated"):
            read(folder)
    (folder / "result.json").write_text("{}")
    with pytest.raises(FormatError, match="not the result of a run"):
        read_result(folder)


def test_a_full_disk_leaves_the_last_checkpoint_readable(digits, tmp_path, monkeypatch):
    space, zoo = digits
    real, count = Path.write_bytes, 0

    def full(path, content):
        nonlocal count
        count += "checkpoint" in path.name
        if count < 3:
            return real(path, content)
        real(path, content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        run(space, zoo, tmp_path / "run")
    monkeypatch.undo()
    assert len(read_trajectory(tmp_path / "run")) == 2
    run(space, zoo, tmp_path / "run", resume=True)
    run(space, zoo, tmp_path / "whole")
    assert metrics(tmp_path / "run") == metrics(tmp_path / "whole")
