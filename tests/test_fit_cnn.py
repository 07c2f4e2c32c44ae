"""Zoos of classifiers: longer training is better, groups do not mix networks, and nothing finished is lost."""

import dataclasses

import pytest
import torch
from conftest import TINY_CNN

from netspace import ARCHS, Zoo
from netspace.data.images import load_images
from netspace.errors import FormatError, MissingData
from netspace.tasks.measures import accuracy, classify
from netspace.train import fit_cnn
from netspace.train.fit_cnn import CnnConfig, TrainingPlan, fit_cnn_zoo, fit_cnns, splits_of, training_plans

SMALL = dataclasses.replace(TINY_CNN, count=3, epochs=2.0, validation=0, heldout=1)


def make(folder, config=SMALL, **options):
    return list(fit_cnn_zoo(folder, config, **({"workers": 0} | options)))


def test_the_single_schedule_gives_networks_of_all_accuracies(tiny_cnn_zoo):
    records = tiny_cnn_zoo.records.sort_values("epochs")
    assert records.epochs.iloc[0] == pytest.approx(1.0) and records.epochs.iloc[-1] == pytest.approx(30.0)
    assert records.test_accuracy.iloc[0] < 0.5 < 0.8 < records.test_accuracy.iloc[-1]
    assert records.split.value_counts().to_dict() == {"train": 4, "validation": 2, "heldout": 2}


def test_accuracies_in_the_records_are_those_of_the_stored_networks(tiny_cnn_zoo):
    for split, column in (("validation", "val_accuracy"), ("test", "test_accuracy")):
        images = load_images("digits", split)
        for i in (0, 7):
            measured = accuracy(classify(tiny_cnn_zoo[i], images), images.labels)
            assert tiny_cnn_zoo.records[column][i] == pytest.approx(measured)


def test_lengths_lie_evenly_in_their_logarithm():
    lengths = [plan.epochs for plan in training_plans(CnnConfig(count=12, validation=2, heldout=2, epochs=600.0))]
    ratios = [b / a for a, b in zip(lengths, lengths[1:], strict=False)]
    assert lengths[0] == pytest.approx(1.0) and lengths[-1] == 600.0
    assert ratios == pytest.approx([ratios[0]] * 11)


def test_initialisations_are_shared_only_when_asked():
    config = CnnConfig(count=8, validation=1, heldout=1)
    assert all(plan.init == plan.seed for plan in training_plans(config))
    shared = training_plans(dataclasses.replace(config, inits=3))
    assert [plan.init for plan in shared[:3]] == [plan.init for plan in shared[3:6]]
    assert len({plan.init for plan in shared}) == 3 and len({plan.seed for plan in shared}) == 8


def test_a_limit_takes_images_of_all_classes(tmp_path, monkeypatch):
    seen = []

    def look(arch, images, *args):
        seen.append(images.labels)
        return fit(arch, images, *args)

    fit, whole = fit_cnn.fit_cnns, load_images("digits", "train")
    by_class = whole.take(whole.labels.argsort())  # as folders and Tiny-ImageNet list them
    held = {"validation": load_images("digits", "validation"), "test": load_images("digits", "test")}
    monkeypatch.setattr(fit_cnn, "_images", lambda name, split, *_: {"train": by_class, **held}[split])
    monkeypatch.setattr(fit_cnn, "fit_cnns", look)
    make(tmp_path / "zoo", dataclasses.replace(SMALL, count=2, limit=200, epochs=1.0))
    assert all(len(labels) == 200 and len(labels.unique()) == 10 for labels in seen)


def test_splits_are_drawn_once_for_a_seed():
    config = CnnConfig(count=132, validation=16, heldout=16)
    splits = list(splits_of(config).values())
    assert (splits.count("train"), splits.count("validation"), splits.count("heldout")) == (100, 16, 16)
    assert splits == list(splits_of(config).values())
    assert splits != list(splits_of(dataclasses.replace(config, seed=1)).values())
    assert "train" in splits[:16] and "train" in splits[-16:]


@pytest.mark.parametrize("schedule", ["single", "multi"])
@pytest.mark.parametrize("way", ["loop", "vmap"])
def test_a_group_is_a_stack_of_networks_of_their_own(way, schedule):
    """With other neighbours, the first of a group comes out the same, whichever way it is trained, batch norm too."""
    arch = ARCHS["resnet8/digits"]
    images, held = load_images("digits", "train").take(slice(64)), load_images("digits", "validation").take(slice(20))
    config = CnnConfig(batch=16, epochs=1.0, lr=1e-3, dtype="float32", schedule=schedule)

    def first(way, *group):
        return fit_cnns(arch, images, [TrainingPlan(str(s), s, s, e) for s, e in group], config, way, held)[
            0
        ].state_dict()

    alone, a, b = first("loop", (7, 1.0)), first(way, (7, 1.0), (8, 0.5)), first(way, (7, 1.0), (9, 1.0))
    for name, t in alone.items():
        assert torch.allclose(a[name].float(), b[name].float(), atol=2e-4), name
        assert torch.allclose(a[name].float(), t.float(), atol=2e-3), name


def test_the_multi_schedule_keeps_the_best_epoch(monkeypatch):
    arch, images = ARCHS["lenetlike/digits"], load_images("digits", "train").take(slice(64))
    config = CnnConfig(arch=arch.name, batch=16, epochs=3.0, lr=0.01, schedule="multi", dtype="float32")
    seen = []

    def played(arch, state, images):
        seen.append({name: t.clone() for name, t in state.items()})
        return [0.2, 0.7, 0.4][len(seen) - 1]

    monkeypatch.setattr(fit_cnn, "_validation_accuracy", played)
    kept = fit_cnns(arch, images, [TrainingPlan("a", 1, 1, 3.0)], config, "loop", images)[0].state_dict()
    assert len(seen) == 3 and all(torch.equal(kept[name], t) for name, t in seen[1].items())


def test_the_multi_schedule_decays_its_rate(monkeypatch):
    arch, images = ARCHS["lenetlike/digits"], load_images("digits", "train").take(slice(80))
    config = CnnConfig(arch=arch.name, batch=8, epochs=1.0, lr=0.05, schedule="multi", dtype="float32")
    rates, step = [], torch.optim.SGD.step

    def spy(self, *args, **kwargs):
        rates.append(self.param_groups[0]["lr"])
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.SGD, "step", spy)
    fit_cnns(arch, images, [TrainingPlan("a", 1, 1, 1.0)], config, "loop", images)
    assert rates == pytest.approx([0.05] * 5 + [0.005] + [0.0005] + [0.00005] * 3)


def test_resuming_after_a_stop_gives_the_zoo_of_an_uninterrupted_run(tmp_path):
    make(tmp_path / "whole")
    stopped = fit_cnn_zoo(tmp_path / "halves", SMALL, workers=0)
    next(stopped)
    stopped.close()
    assert len(Zoo.load(tmp_path / "halves")) == 1
    with pytest.raises(FormatError, match="--resume"):
        make(tmp_path / "halves")
    with pytest.raises(FormatError, match="another configuration"):
        make(tmp_path / "halves", dataclasses.replace(SMALL, lr=0.5), resume=True)
    lines = make(tmp_path / "halves", resume=True)
    assert [line.done for line in lines] == [2, 3]
    whole, halves = Zoo.load(tmp_path / "whole"), Zoo.load(tmp_path / "halves")
    assert torch.equal(whole.preps(range(3)), halves.preps(range(3)))
    assert whole.records.drop(columns="seconds").equals(halves.records.drop(columns="seconds"))


def test_out_of_memory_halves_the_group_and_gives_the_same_networks(tmp_path, monkeypatch):
    fit = fit_cnn.fit_cnns

    def narrow(arch, images, group, *args):
        if len(group) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return fit(arch, images, group, *args)

    make(tmp_path / "alone")
    monkeypatch.setattr(fit_cnn, "fit_cnns", narrow)
    with pytest.warns(UserWarning, match="out of GPU memory: going on with 1 networks at once"):
        make(tmp_path / "halved", group=3)
    alone, halved = (Zoo.load(tmp_path / name) for name in ("alone", "halved"))
    assert torch.equal(alone.preps(range(3)), halved.preps(range(3)))


def test_a_network_that_diverges_is_skipped_and_named(tmp_path):
    lines = make(tmp_path / "zoo", dataclasses.replace(SMALL, schedule="multi", lr=1e9))
    assert all("weights are not finite" in line.problem for line in lines)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"arch": "siren64"}, "siren64 is no image classifier"),
        ({"arch": "lenet"}, "unknown architecture 'lenet'"),
        ({"first_epochs": 50.0}, "--first-epochs is 50.0, it must be above 0 and at most 30.0"),
        ({"heldout": 8}, "leave none of 8 to train a space on"),
        ({"schedule": "triple"}, "--schedule is 'triple', not one of single, multi"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(TINY_CNN, **changes)


def test_missing_images_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("NETSPACE_DATA", str(tmp_path))
    config = dataclasses.replace(SMALL, arch="lenetlike/tiny-imagenet")
    with pytest.raises(MissingData):
        make(tmp_path / "zoo", config, data=tmp_path)
    assert not (tmp_path / "zoo").exists()
