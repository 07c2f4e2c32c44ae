"""The training loop: it learns, resumes to the same numbers, keeps the best, and loses nothing."""

import dataclasses
import errno
import json
import math

import pytest
import torch
from conftest import TINY_FAMILY_TRAIN, TINY_TRAIN

import netspace
from netspace import Zoo
from netspace.errors import FormatError, UsageError
from netspace.tasks.distillation import best_of
from netspace.tasks.sdf import SdfObjective
from netspace.train import loop
from netspace.train.loop import read_checkpoint
from netspace.train.space import SpaceLearner, batch_of, learning_rate, train_space
from netspace.zoo.store import select


def run(zoo, folder, config=TINY_TRAIN, **options):
    return list(train_space(zoo, config, folder, **options))


def weights(folder):
    return netspace.load(folder).state_dict()


@pytest.mark.parametrize("encoder", ["prep", "probe"])
def test_it_learns(tiny_zoo, tmp_path, encoder):
    config = dataclasses.replace(TINY_TRAIN, encoder=encoder, steps=300, every=10, lr=5e-4, average=0.9)
    lines = run(tiny_zoo, tmp_path, config)
    assert lines[-1].terms["pred"] < 0.5 * lines[0].terms["pred"]
    assert set(lines[0].measures) == {"train_agreement", "train_mse", "heldout_agreement", "heldout_mse"}


def test_the_papers_preset_trains_too(tiny_zoo, tmp_path):
    config = dataclasses.replace(
        TINY_TRAIN, preset="paper", embedding=0, schedule="constant", lr=1e-4, average=0.0, steps=2, every=1
    )
    lines = run(tiny_zoo, tmp_path, config)
    assert len(lines) == 2 and netspace.load(tmp_path).config.embedding == 4096


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_a_resumed_run_equals_an_uninterrupted_one(tiny_zoo, tmp_path, optimiser):
    config = dataclasses.replace(TINY_TRAIN, optimiser=optimiser)
    run(tiny_zoo, tmp_path / "whole", config)
    lines = train_space(tiny_zoo, config, tmp_path / "parts")
    next(lines)
    lines.close()  # stopped after the first checkpoint
    assert [line.step for line in run(tiny_zoo, tmp_path / "parts", config, resume=True)] == [8, 12]
    whole, parts = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    for name in whole:
        assert torch.equal(whole[name], parts[name]), name
    logs = [
        [json.loads(x) for x in (tmp_path / f / "metrics.jsonl").read_text().splitlines()] for f in ("whole", "parts")
    ]
    for log in logs:
        for line in log:
            del line["seconds"]
    assert logs[0] == logs[1]


def test_muon_moves_the_matrices_alone(tiny_zoo, tmp_path):
    """Every parameter has one optimizer: moments in the checkpoint are those of AdamW or of Muon, never of both."""
    config = dataclasses.replace(TINY_TRAIN, optimiser="muon")
    run(tiny_zoo, tmp_path, config)
    kept = read_checkpoint(tmp_path / "checkpoint.safetensors").tensors
    by = {key: {n.partition("/")[2] for n in kept if n.startswith(f"{key}/")} for key in ("momentum", "exp_avg")}
    assert {"decoder.mix.weight", "decoder.film1.weight", "decoder.write.weight"} <= by["momentum"]
    assert {"decoder.position", "decoder.scale", "decoder.mix.bias"} <= by["exp_avg"]
    assert not by["momentum"] & by["exp_avg"]
    assert by["momentum"] | by["exp_avg"] == {n.partition("/")[2] for n in kept if n.startswith("averaged/")}
    with pytest.raises(FormatError, match=r"another configuration \(optimiser changed\)"):
        run(tiny_zoo, tmp_path, TINY_TRAIN, resume=True)


def test_muon_has_nothing_to_move_in_the_papers_preset(tiny_zoo, tmp_path):
    config = dataclasses.replace(TINY_TRAIN, preset="paper", embedding=0, optimiser="muon")
    with pytest.raises(UsageError, match="muon is for linear layers, and the preset 'paper' has none"):
        run(tiny_zoo, tmp_path / "space", config)
    assert not (tmp_path / "space").exists()


def test_a_step_does_not_depend_on_global_state(tiny_zoo, tmp_path):
    torch.manual_seed(1)
    run(tiny_zoo, tmp_path / "a")
    torch.manual_seed(2)
    torch.rand(7)
    state = torch.get_rng_state()
    run(tiny_zoo, tmp_path / "b")
    assert torch.equal(state, torch.get_rng_state())
    a, b = weights(tmp_path / "a"), weights(tmp_path / "b")
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_log_lines_written_after_the_last_checkpoint_are_dropped(tiny_zoo, tmp_path):
    lines = train_space(tiny_zoo, TINY_TRAIN, tmp_path)
    next(lines)
    lines.close()
    with (tmp_path / "metrics.jsonl").open("a") as log:
        log.write(json.dumps({"step": 8, "terms": {}, "measures": {}, "best": False, "seconds": 0}) + "\n")
    run(tiny_zoo, tmp_path, resume=True)
    steps = [json.loads(line)["step"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert steps == [4, 8, 12]


@pytest.mark.parametrize("select_by", ["train", "heldout"])
def test_the_best_by_the_selecting_split_is_kept(tiny_zoo, tmp_path, monkeypatch, select_by):
    """Agreements are played back: the model saved must be that of the best step of the selecting split."""
    played = {"train": [0.2, 0.9, 0.3], "heldout": [0.8, 0.1, 0.4]}
    step = iter(range(3))

    def measured(self):
        i = next(step)
        return {f"{split}_agreement": values[i] for split, values in played.items()}

    monkeypatch.setattr(SpaceLearner, "measures", measured)
    lines = run(tiny_zoo, tmp_path, dataclasses.replace(TINY_TRAIN, select=select_by))
    best = {"train": 8, "heldout": 4}[select_by]
    assert [line.step for line in lines if line.best][-1] == best
    about = json.loads((tmp_path / "config.json").read_text())["about"]
    assert about["step"] == best and about["config"]["select"] == select_by


def test_it_stops_at_the_asked_agreement(tiny_zoo, tmp_path, monkeypatch):
    agreements = iter([0.5, 0.81, 0.9])
    monkeypatch.setattr(SpaceLearner, "measures", lambda _: {"train_agreement": next(agreements)})
    lines = run(tiny_zoo, tmp_path, dataclasses.replace(TINY_TRAIN, stop_at=0.8))
    assert [line.step for line in lines] == [4, 8]


def test_a_run_that_stopped_by_its_rule_does_not_go_on(tiny_zoo, tmp_path):
    config = dataclasses.replace(TINY_TRAIN, stop_at=1e-9)
    assert [line.step for line in run(tiny_zoo, tmp_path, config)] == [4]
    assert run(tiny_zoo, tmp_path, config, resume=True) == []


def test_a_half_written_line_of_the_log_is_dropped(tiny_zoo, tmp_path):
    lines = train_space(tiny_zoo, TINY_TRAIN, tmp_path)
    next(lines)
    lines.close()
    with (tmp_path / "metrics.jsonl").open("a") as log:
        log.write('{"step": 8, "terms": {"pr')
    run(tiny_zoo, tmp_path, resume=True)
    steps = [json.loads(line)["step"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert steps == [4, 8, 12]


def test_another_zoo_or_a_finished_space_is_refused(tiny_zoo, tmp_path):
    lines = train_space(tiny_zoo, TINY_TRAIN, tmp_path / "a")
    next(lines)
    lines.close()
    select(tiny_zoo, [0, 1, 2], tmp_path / "part")
    with pytest.raises(FormatError, match="which held other networks"):
        run(Zoo.load(tmp_path / "part"), tmp_path / "a", resume=True)
    (tmp_path / "a" / "train.json").unlink()
    with pytest.raises(FormatError, match="holds a space already"):
        run(tiny_zoo, tmp_path / "a")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"preset": "foo"}, "--preset is 'foo', not one of tokens, paper"),
        ({"select": "foo"}, "--select is 'foo'"),
        ({"hidden_dtype": "foo"}, "--hidden-dtype is 'foo'"),
        ({"every": 0}, "--every is 0, it must be at least 1"),
        ({"preset": "paper", "encoder": "probe"}, "no encoder 'probe' in preset 'paper'"),
    ],
)
def test_settings_that_cannot_be_are_named_before_anything_is_written(tiny_zoo, tmp_path, changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        run(tiny_zoo, tmp_path / "run", dataclasses.replace(TINY_TRAIN, **changes))
    assert not (tmp_path / "run").exists()


def test_training_that_diverges_says_so_and_keeps_the_best(tiny_zoo, tmp_path, monkeypatch):
    terms = SdfObjective.terms
    calls = iter(range(99))

    def wild(self, *args):
        return {k: t * (1 if next(calls) < 4 else math.nan) for k, t in terms(self, *args).items()}

    monkeypatch.setattr(SdfObjective, "terms", wild)
    with pytest.raises(ValueError, match=r"training diverged before step 8; .* Try a lower --lr"):
        run(tiny_zoo, tmp_path)
    netspace.load(tmp_path)


def test_out_of_memory_halves_the_inputs_and_says_so(tiny_zoo, tmp_path, monkeypatch):
    terms, seen = SdfObjective.terms, []

    def narrow(self, *args):
        seen.append(self.points)
        if self.points > 20:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return terms(self, *args)

    monkeypatch.setattr(SdfObjective, "terms", narrow)
    with pytest.warns(UserWarning, match="out of GPU memory: going on with --points 16"):
        run(tiny_zoo, tmp_path)
    assert seen[:3] == [64, 32, 16] and set(seen[3:]) == {16}


def test_a_refused_run_leaves_its_folder_free(tiny_zoo, tmp_path):
    with pytest.raises(ValueError, match="--queries 0 is for image classifiers"):
        run(tiny_zoo, tmp_path, dataclasses.replace(TINY_TRAIN, queries=0))
    assert len(run(tiny_zoo, tmp_path)) == 3


def test_a_run_goes_on_with_what_it_was_started_with(tiny_zoo, tmp_path):
    run(tiny_zoo, tmp_path / "a")
    lines = train_space(tiny_zoo, TINY_TRAIN, tmp_path / "b", start=tmp_path / "a")
    next(lines)
    lines.close()
    with pytest.raises(FormatError, match="was started with --start a, now it is None"):
        run(tiny_zoo, tmp_path / "b", resume=True)
    assert len(run(tiny_zoo, tmp_path / "b", start=tmp_path / "a", resume=True)) == 2
    about = json.loads((tmp_path / "b" / "train.json").read_text())
    del about["config"]["clip"]  # as a run from before this setting
    (tmp_path / "b" / "train.json").write_text(json.dumps(about))
    assert run(tiny_zoo, tmp_path / "b", start=tmp_path / "a", resume=True) == []


def test_training_goes_on_from_another_space(tiny_zoo, tmp_path):
    first = run(tiny_zoo, tmp_path / "a")
    config = dataclasses.replace(TINY_TRAIN, lr=1e-9, steps=4, average=0.0)
    again = run(tiny_zoo, tmp_path / "b", config, start=tmp_path / "a")
    best = max(line.measures["train_agreement"] for line in first)
    assert again[0].measures["train_agreement"] == pytest.approx(best, abs=2e-3)  # stored in half precision
    with pytest.raises(ValueError, match="the settings ask for"):
        run(tiny_zoo, tmp_path / "c", dataclasses.replace(config, hidden=64), start=tmp_path / "a")


def test_tensorboard_holds_the_same_curve(tiny_zoo, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    lines = train_space(tiny_zoo, TINY_TRAIN, tmp_path)
    lines = [next(lines), lines.close()][:1] + run(tiny_zoo, tmp_path, resume=True)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    curve = [(e.step, e.value) for e in events.Scalars("train_agreement")]
    assert curve == [(line.step, pytest.approx(line.measures["train_agreement"])) for line in lines]


def test_every_network_is_seen_once_an_epoch():
    ids = [3, 5, 7, 11, 13, 17]
    epoch = [i for step in range(3) for i in batch_of([ids], 2, step, seed=1)]
    assert sorted(epoch) == ids
    assert epoch != [i for step in range(3, 6) for i in batch_of([ids], 2, step, seed=1)]
    assert len(batch_of([ids], 99, 0, seed=1)) == 6


GROUPS = [[10, 11, 12], [20, 21], [30, 31, 32, 33]]
"""networks of three architectures"""


def test_random_drawing_is_the_papers():
    """Of 2 networks drawn from all, few steps hold a pair of the smallest and the largest architecture."""
    drawn = [batch_of(GROUPS, 2, step, seed=1) for step in range(400)]
    share = sum({i // 10 for i in ids} == {1, 3} for ids in drawn) / 400
    assert share == pytest.approx(2 * 3 * 4 / (9 * 8), abs=0.08)


def test_even_drawing_takes_turns():
    drawn = [i for step in range(60) for i in batch_of(GROUPS, 2, step, seed=1, drawing="even")]
    counts = {i: drawn.count(i) for group in GROUPS for i in group}
    assert all(sum(counts[i] for i in group) == 40 for group in GROUPS)
    assert all(max(counts[i] for i in group) - min(counts[i] for i in group) <= 1 for group in GROUPS)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_pairs_hold_the_smallest_and_the_largest_in_every_step(size):
    drawn = [batch_of(GROUPS, size, step, seed=1, drawing="pairs") for step in range(24)]
    assert all({1, 3} <= {i // 10 for i in ids} and len(ids) == size for ids in drawn)
    assert {i for ids in drawn for i in ids} == {i for k in ([0, 2] if size == 2 else [0, 1, 2]) for i in GROUPS[k]}
    assert len({(ids[0], ids[1]) for ids in drawn}) > 6  # not always the same two
    assert drawn == [batch_of(GROUPS, size, step, seed=1, drawing="pairs") for step in range(24)]


def test_pairs_of_two_architectures_alone():
    drawn = [batch_of([GROUPS[0], [], GROUPS[2]], 2, step, seed=0, drawing="pairs") for step in range(12)]
    assert all([i // 10 for i in ids] == [1, 3] for ids in drawn)


def test_the_papers_preset_trains_a_family_too(tiny_family_zoo, tmp_path):
    """Drawn at random and built as predicted, as the authors do."""
    config = dataclasses.replace(
        TINY_FAMILY_TRAIN, preset="paper", embedding=4096, steps=1, every=1, drawing="random", build="predicted",
        schedule="constant", average=0.0,
    )  # fmt: skip
    select(tiny_family_zoo, [1, 2, 5, 6], tmp_path / "zoo")  # one LeNetLike and one VanillaCNN of either split
    zoo = Zoo.load(tmp_path / "zoo")
    assert len(zoo.ids("train")) == len(zoo.ids("validation")) == 2
    (line,) = run(zoo, tmp_path / "run", config, teacher=best_of(tiny_family_zoo))
    assert {"kd", "class"} <= set(line.terms) and line.measures["validation_architecture_right"] in (0, 0.5, 1)
    space = netspace.load(tmp_path / "run")
    assert space.config.preset == "paper" and space.head is not None


def test_pairs_that_cannot_be_are_refused(tiny_family_zoo, tmp_path):
    with pytest.raises(ValueError, match="needs --nets 2"):
        dataclasses.replace(TINY_FAMILY_TRAIN, nets=1)
    middle = [i for i in range(len(tiny_family_zoo)) if tiny_family_zoo.records.arch[i] != "lenetlike/digits"]
    select(tiny_family_zoo, middle, tmp_path / "zoo")
    with pytest.raises(ValueError, match="needs training networks of lenetlike/digits"):
        run(Zoo.load(tmp_path / "zoo"), tmp_path / "run", TINY_FAMILY_TRAIN, teacher=best_of(tiny_family_zoo))


def test_a_run_goes_on_with_its_teacher(tiny_family_zoo, tmp_path):
    config = dataclasses.replace(TINY_FAMILY_TRAIN, steps=1, every=1)
    run(tiny_family_zoo, tmp_path / "run", config, teacher=tiny_family_zoo[0])
    with pytest.raises(FormatError, match="another teacher"):
        run(tiny_family_zoo, tmp_path / "run", config, teacher=tiny_family_zoo[1], resume=True)


def test_an_earlier_versions_copies_are_not_gone_on_with(tiny_zoo, tmp_path):
    config = dataclasses.replace(TINY_TRAIN, steps=1, every=1, copies=2)
    run(tiny_zoo, tmp_path / "run", config)
    about = json.loads((tmp_path / "run" / "train.json").read_text())
    (tmp_path / "run" / "train.json").write_text(json.dumps({k: v for k, v in about.items() if k != "batches"}))
    with pytest.raises(FormatError, match="an earlier version"):
        run(tiny_zoo, tmp_path / "run", config, resume=True)


def test_a_zoos_folder_is_not_trained_into(tiny_zoo, tmp_path):
    select(tiny_zoo, [0, 1], tmp_path / "zoo")
    with pytest.raises(FormatError, match="holds a zoo already"):
        run(tiny_zoo, tmp_path / "zoo")


@pytest.mark.long
def test_a_family_learns_and_resumes_to_the_same_numbers(tiny_family_zoo, tmp_path):
    teacher = best_of(tiny_family_zoo)
    *_, whole = train_space(tiny_family_zoo, TINY_FAMILY_TRAIN, tmp_path / "whole", teacher=teacher)
    for line in train_space(tiny_family_zoo, TINY_FAMILY_TRAIN, tmp_path / "run", teacher=teacher):
        if line.step == 8:
            break
    *_, last = train_space(tiny_family_zoo, TINY_FAMILY_TRAIN, tmp_path / "run", teacher=teacher, resume=True)
    assert (last.terms, last.measures) == (whole.terms, whole.measures)
    assert set(last.terms) == {"kd", "class", "kd_gamma", "class_gamma"}
    ours, theirs = weights(tmp_path / "run"), weights(tmp_path / "whole")
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_learning_rate_warms_up_and_falls():
    config = dataclasses.replace(TINY_TRAIN, steps=100, lr=1.0)
    rates = [learning_rate(config, step) for step in range(100)]
    assert rates[0] == 0.5 and max(rates) == 1.0 and rates[-1] < 0.02
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert learning_rate(dataclasses.replace(config, schedule="constant"), 99) == 1.0


def test_a_folder_in_use_or_another_config_is_refused(tiny_zoo, tmp_path):
    run(tiny_zoo, tmp_path)
    with pytest.raises(FormatError, match=r"holds a run already; add --resume"):
        run(tiny_zoo, tmp_path)
    with pytest.raises(FormatError, match=r"another configuration \(lr changed\)"):
        run(tiny_zoo, tmp_path, dataclasses.replace(TINY_TRAIN, lr=1e-2), resume=True)


def test_a_truncated_checkpoint_is_named_and_the_model_stays(tiny_zoo, tmp_path):
    run(tiny_zoo, tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(FormatError, match=r"checkpoint.safetensors is truncated"):
        run(tiny_zoo, tmp_path, resume=True)
    netspace.load(tmp_path)


def test_a_full_disk_keeps_the_last_checkpoint_and_the_best_model(tiny_zoo, tmp_path, monkeypatch):
    write = loop.write_checkpoint
    calls = iter(range(9))

    def sometimes_full(*args):
        if next(calls) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(*args)

    monkeypatch.setattr(loop, "write_checkpoint", sometimes_full)
    with pytest.raises(OSError, match=r"No space left"):
        run(tiny_zoo, tmp_path)
    netspace.load(tmp_path)
    assert [line.step for line in run(tiny_zoo, tmp_path, resume=True)] == [8, 12]


def test_missing_splits_are_named(tiny_zoo, tmp_path):
    select(tiny_zoo, tiny_zoo.ids("heldout"), tmp_path / "heldout")
    with pytest.raises(ValueError, match=r"has no network of the split 'train'"):
        run(Zoo.load(tmp_path / "heldout"), tmp_path / "a")
    select(tiny_zoo, tiny_zoo.ids("train"), tmp_path / "train")
    with pytest.raises(ValueError, match=r"has no network of the split 'heldout'"):
        run(Zoo.load(tmp_path / "train"), tmp_path / "b", dataclasses.replace(TINY_TRAIN, select="heldout"))
