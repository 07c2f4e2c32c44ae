"""The app with a space of several architectures: what the pages show, what the session says, what can be kept."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from taking import taken
from test_app import (  # noqa: F401  (root is a fixture)
    link_of,
    open_page,
    prep_path,
    record_curves,
    root,
    said,
    unpack_feed,
    wait_for_feeds,
)

import netspace
from app.backend import catalogue, classifiers, engine, looks, path, preps, take_away
from app.backend.path import STEPS
from app.tasks import APP_TASKS, app_task
from netspace.export import EXPORTS, weights
from netspace.latent.paths import METHODS, gammas
from netspace.nets.archs import arch_title
from netspace.tasks.measures import accuracy, classify
from netspace.zoo.store import OPTIMISED, add

SMALLEST, MIDDLE, LARGEST = "lenetlike/digits", "vanillacnn/digits", "resnet8/digits"


@pytest.fixture
def folder(root, tiny_family_zoo_folder, tiny_family_space_folder):  # noqa: F811
    """The tiny family's zoo and space, as copies to change."""
    for name, source in (("zoo", tiny_family_zoo_folder), ("space", tiny_family_space_folder)):
        (root / "family" / name).mkdir(parents=True)
        for file in source.iterdir():
            if file.is_file():
                (root / "family" / name / file.name).write_bytes(file.read_bytes())
    return root / "family"


@pytest.fixture
def family(folder) -> catalogue.Loaded:
    return loaded_from()


def loaded_from() -> catalogue.Loaded:
    found = {f.kind: f for f in catalogue.find()}
    return catalogue.load(found["space"], found["zoo"])


def of_arch(loaded: catalogue.Loaded, name: str) -> list[int]:
    """Ids of the networks of an architecture."""
    return [int(i) for i in loaded.zoo.records.index[loaded.zoo.records.arch == name]]


def ends(loaded: catalogue.Loaded, same: bool = False) -> tuple[int, int]:
    """A network of the smallest architecture and one of the largest, or two of the largest."""
    first = of_arch(loaded, LARGEST if same else SMALLEST)[0]
    return first, of_arch(loaded, LARGEST)[-1]


# -- pages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["home", "classifiers", "networks"])
def test_every_page_opens_with_a_family(folder, page):
    at = open_page(page)
    assert not at.exception and not at.error and not at.warning
    assert "LeNetLike, VanillaCNN, ResNet8 on digits" in said(at.sidebar.caption)
    assert "3 architectures" in said(at.sidebar.caption)


def test_the_first_pair_leads_from_the_smallest_to_the_largest(folder, family):
    link = link_of(open_page("classifiers"))
    records = family.zoo.records
    train = records[records.split == "train"]
    for end, arch in (("a", SMALLEST), ("b", LARGEST)):
        mine = train[train.arch == arch]
        assert link[end] in set(mine.name[mine.test_accuracy == mine.test_accuracy.max()])


def test_between_architectures_there_is_no_path_through_raw_weights_and_why(folder, family):
    a, b = (family.names[i] for i in ends(family))
    for page in ("classifiers", "networks"):
        at = open_page(page, a=a, b=b)
        assert "There is no path through weights: those of LeNetLike and ResNet8" in said(at.caption)
        assert not at.warning and not at.exception
    assert path.sides_between(family, *ends(family)) == ("latent",)


def test_within_an_architecture_both_paths_are_there(folder, family):
    pair = ends(family, same=True)
    a, b = (family.names[i] for i in pair)
    at = open_page("classifiers", a=a, b=b, method="weights")
    assert "no path through weights" not in said(at.caption) and not at.warning
    assert link_of(at)["method"] == "weights" and path.sides_between(family, *pair) == tuple(METHODS)


@pytest.mark.parametrize("page", ["classifiers", "networks"])
@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ({"method": "weights"}, "those of LeNetLike and ResNet8 do not correspond. The latent path is chosen."),
        ({"method": "magic"}, "no method “magic”"),
        ({"a": "sofa"}, "no network “sofa”"),
    ],
)
def test_a_link_to_what_a_family_has_not_is_told_once(folder, family, page, link, sentence):
    a, b = (family.names[i] for i in ends(family))
    at = open_page(page, **({"a": a, "b": b} | link))
    assert sentence in said(at.warning) and not at.exception and not at.error
    assert link_of(at)["method"] == "latent"
    assert not at.run().warning


def test_a_link_to_a_parameter_of_another_architecture_is_good(folder, family):
    (layer,) = (name for name in family.space.family.archs[2].shapes if name == "layer1.0.conv1.weight")
    at = open_page("networks", layer=layer)
    assert not at.warning and link_of(at)["layer"] == layer
    assert "no parameter “fc.9” in any of these architectures" in said(open_page("networks", layer="fc.9").warning)


def test_going_to_another_architecture_leaves_raw_weights_without_a_word(folder, family):
    a, b = (family.names[i] for i in ends(family, same=True))
    at = open_page("classifiers", a=a, b=b, method="weights")
    at.main.selectbox[0].set_value(family.names[of_arch(family, SMALLEST)[0]]).run()
    assert link_of(at)["method"] == "latent" and not at.warning and not at.exception


def test_lists_and_table_show_the_architecture(folder, family):
    at = open_page("classifiers")
    table = at.dataframe[0].value
    known = {arch.num_params: arch_title(arch.name) for arch in family.space.family.archs}
    assert table.architecture.tolist() == [known[count] for count in table.parameters]
    assert all(any(f" · {title} · " in option for title in known.values()) for option in at.main.selectbox[0].options)


def test_home_names_the_architectures_and_how_many_are_predicted_right(folder):
    figures = {"accuracy_mae": 0.012, "pearson": 0.9, "same_answer": 0.95, "count": 4, "architecture_right": 0.75}
    parts = {LARGEST: figures | {"architecture_right": 0.25, "pearson": None, "count": 2}}
    measured = {"zoo": "../zoo", "heldout": figures | {"by_architecture": parts}}
    (folder / "space" / "eval.json").write_text(json.dumps(measured))
    text = said(open_page().markdown)
    assert "LeNetLike, VanillaCNN, ResNet8 on digits, 62,006 to 77,706 parameters" in text
    assert "| held-out networks | 4 | 0.012 | 0.900 | 0.950 | 0.750 |" in text
    assert "| ResNet8 | 2 | 0.012 | not defined | 0.950 | 0.250 |" in text
    assert "The architecture of 75% of them is predicted right." in said(open_page().caption)


# -- what the class head says --------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", ["apart", "same", "reversed"])
def test_the_probabilities_are_the_class_heads_at_every_gamma(family, pair):
    a, b = ends(family, same=pair == "same")
    a, b = (b, a) if pair == "reversed" else (a, b)
    shown = path.architectures(family, a, b)
    space, zoo = family.space, family.zoo
    with torch.inference_mode():
        e_a, e_b = (space.encode(zoo[i].prep.unsqueeze(0))[0] for i in (a, b))
        for gamma, found in zip(gammas(STEPS), shown["probabilities"], strict=True):
            expected = torch.softmax(space.head(((1 - gamma) * e_a + gamma * e_b).unsqueeze(0))[0], dim=0)
            assert found == pytest.approx(expected.tolist(), abs=2e-5)
    assert [arch["parameters"] for arch in shown["archs"]] == [62_006, 68_818, 77_706]
    json.dumps(shown, allow_nan=False)


def test_stars_stand_where_the_interpolation_loss_asks_and_nowhere_else(family):
    a, b = ends(family)
    assert path.stars(family, a, b) == path.stars(family, b, a) == [{"gamma": 0.5, "arch": 1}]
    assert path.stars(family, a, of_arch(family, MIDDLE)[0]) == path.stars(family, *ends(family, same=True)) == []


def test_a_family_of_one_is_told_nothing_of_architectures(tiny_family_zoo_folder):
    folder = tiny_family_zoo_folder.parent / "lenetlike"
    zoo = netspace.Zoo.load(folder)
    one = catalogue.Loaded(found(folder), found(folder), netspace.NetSpace(zoo.family, embedding=8, hidden=16), zoo)
    assert path.architectures(one, 0, 1) is None and path.absent_words(one, 0, 1) == []
    assert "architecture" not in app_task(one).table(one)


def test_architectures_look_different_without_colour():
    for field in ("colour", "mark", "glyph", "marker", "hatch"):
        kinds = {getattr(how, field) for how in looks.ARCH_LOOKS.values()}
        assert len(kinds) == len(looks.ARCH_LOOKS), field
    assert arch_title("resnet32/cifar10") == "ResNet32" and arch_title("siren64") == "siren64"


# -- a path --------------------------------------------------------------------------------------------------------


def found(folder: Path) -> catalogue.Found:
    return catalogue.Found(str(folder), folder, "", "", 0.0, "", "digits", ())


@pytest.fixture(scope="module")
def walk(tiny_family_zoo, tiny_family_space_folder) -> classifiers.ClassifierWork:
    """A path between architectures along which each of them is predicted, all of which is done."""
    folders = found(tiny_family_space_folder), found(tiny_family_zoo.folder)
    family = catalogue.Loaded(*folders, netspace.load(tiny_family_space_folder), tiny_family_zoo)
    a, b = ends(family)
    stand_out(family, a, b)
    work = classifiers.ClassifierWork(
        engine.Engine(2),
        family,
        path.between(family, a, b, ("latent",)),
        16,
        classifiers._test_images("digits").take(slice(120)),
    )
    work.resume()
    wait_for_feeds(work)
    return work


def stand_out(loaded: catalogue.Loaded, a: int, b: int) -> None:
    """Make the class head predict one architecture after the other from A to B, whatever it has learnt."""

    class Along(torch.nn.Module):
        def forward(self, z: torch.Tensor) -> torch.Tensor:
            gamma = ((z - e_a) @ (e_b - e_a)) / (e_b - e_a).square().sum()
            return -20 * (gamma.unsqueeze(1) - torch.tensor([0.0, 0.45, 1.0])).abs()  # (b, 3)

    with torch.inference_mode():
        e_a, e_b = loaded.space.encode(loaded.zoo.preps([a, b]))
    object.__setattr__(loaded, "space", netspace.load(loaded.space_info.folder))  # not the one that is shared
    loaded.space.head = Along()
    path._class_probabilities.clear()


def test_every_step_says_what_it_is_built_as(walk):
    names = walk.loaded.space.family.names
    for content in dict(walk.feeds("view")).values():
        for f in unpack_feed(content)[0].get("frames", []):
            assert f["arch"] == walk.network(f["side"], f["index"]).arch.name
    assert [walk.arch_at("latent", i) for i in (0, 16, 32)] == [0, 1, 2]
    data = classifiers.answers_data(walk.loaded, walk, ("latent",), *ends(walk.loaded), frame=0, method="latent")
    likely = [row.index(max(row)) for row in data["family"]["probabilities"]]
    assert [names[k] for k in likely] == [walk.network("latent", i).arch.name for i in range(STEPS)]


def test_curves_name_the_architecture(walk):
    table = pd.read_csv(io.BytesIO(EXPORTS["csv"].write(classifiers.curve_subject(walk.loaded, walk.curves(), 0, 1))))
    assert len(table) == STEPS and table.full.all()
    expected = [walk.network("latent", i).arch.name for i in range(STEPS)]
    assert table.architecture.tolist() == expected and set(expected) == {SMALLEST, MIDDLE, LARGEST}


@pytest.mark.parametrize(("kind", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_the_figure_of_a_family_has_the_probabilities(walk, kind, start):
    curves = walk.curves()
    subject = classifiers.curve_subject(walk.loaded, curves, *ends(walk.loaded))
    assert EXPORTS[kind].write(subject).startswith(start)
    assert subject.walk.predicted == [walk.arch_at("latent", i) for i in range(STEPS)]
    assert subject.walk.stars == [(0.5, 1)] and subject.walk.scores == subject.lines[0].values
    assert EXPORTS[kind].write(classifiers.curve_subject(walk.loaded, curves[:0], *ends(walk.loaded))).startswith(start)


@pytest.mark.parametrize(("i", "name"), [(0, SMALLEST), (16, MIDDLE), (32, LARGEST)])
def test_a_network_of_the_path_is_taken_away_as_what_it_is(walk, i, name):
    about = take_away.about_network(walk, "latent", i, "x", "y")
    bundle = zipfile.ZipFile(io.BytesIO(taken("zip", walk, "latent", i, about)))
    assert json.loads(bundle.read("network.json"))["architecture"] == name
    assert take_away.file_name(walk, "latent", i, "x", "y") == f"x_y_latent_{i / 32:.3f}_{name.split('/')[0]}"
    state = torch.load(io.BytesIO(taken("pt", walk, "latent", i, about)), weights_only=True)
    module = netspace.ARCHS[name].build()
    module.load_state_dict(state)
    x = torch.rand(2, 3, 32, 32)
    assert torch.allclose(module(x), walk.network("latent", i)(x), atol=1e-4)


def test_a_network_in_between_is_taken_away_as_onnx(walk, monkeypatch):
    monkeypatch.setattr(weights, "onnx_of", lambda network: network)  # exporting is tested in test_app
    network = taken("onnx", walk, "latent", 16, {})
    assert network.arch.name == MIDDLE and torch.equal(network.prep, walk.network("latent", 16).prep)


def test_recorded_curves_have_their_architectures_where_they_were_recorded(folder, family, monkeypatch):
    a, b = (family.names[i] for i in ends(family))
    record_curves(folder, a, b)
    file = folder / "space" / "curves.parquet"
    table = pd.read_parquet(file)
    table = table[table.method == "latent"]
    table.to_parquet(file)
    before = classifiers.recorded_curves(family, a, b)
    header, _ = unpack_feed(classifiers.recorded_feed("view", "path", before))
    assert {f["arch"] for f in header["frames"]} == {None} and "architecture" not in before
    table.assign(arch=np.where(table.gamma < 0.7, MIDDLE, LARGEST)).to_parquet(file)
    classifiers._read_curves.clear()
    header, _ = unpack_feed(classifiers.recorded_feed("view", "path", classifiers.recorded_curves(family, a, b)))
    assert {f["index"]: f["arch"] for f in header["frames"]} == {
        i: MIDDLE if i / 32 < 0.7 else LARGEST for i in range(STEPS)
    }
    assert classifiers._predicted(family, classifiers.recorded_curves(family, a, b), *ends(family))[:2] == [1, 1]
    monkeypatch.setattr(classifiers, "here", lambda loaded: False)
    at = open_page("classifiers")
    assert link_of(at)["a"] == a and not at.exception and not at.error and not at.warning


# -- networks as images --------------------------------------------------------------------------------------------


def test_parameters_are_compared_within_an_architecture_only(family, monkeypatch):
    a, b = ends(family)
    stand_out(family, a, b)
    monkeypatch.setattr(preps, "BUDGET", 12 * family.zoo[b].arch.num_params)
    work = preps.PrepPath(engine.Engine(2), family, a, b, ("latent",), 16)
    feeds = {name: unpack_feed(content) for name, content in wait_for(work).items()}
    about, _ = feeds["ends"]
    assert about["ends"] == [0, 2] and set(about["archs"]) == {"0", "1", "2"} and work.steps == 9
    for name, arch in zip("012", family.space.family.archs, strict=True):
        assert [p["name"] for p in about["archs"][name]["parameters"]] == list(arch.shapes)
    frames = {f["index"]: f for header, _ in feeds.values() for f in header.get("frames", [])}
    assert [frames[i]["arch"] for i in (0, 4, 8)] == [0, 1, 2] and len(frames) == 9
    for i, compared in ((0, [True, False]), (4, [False, False]), (8, [False, True])):
        f = frames[i]
        assert [cosine is not None for cosine in f["cosine"]] == [norm is not None for norm in f["norm"]] == compared
    lengths = [len(frames[8]["cosine"][1]), len(family.space.family.archs[2].shapes) + 1]
    assert lengths[0] == lengths[1]


def wait_for(work: preps.PrepPath) -> dict[str, bytes]:
    for future in work.frames.values():
        future.result(timeout=240)
    return dict(work.feeds("view"))


def test_answers_are_compared_across_architectures(family):
    a, b = ends(family)
    work = preps.PrepPath(engine.Engine(2), family, a, b, ("latent",), 0)
    preps.ask(work)
    found = work.answers["latent", 0].result(timeout=240)
    logits = [classify(n, work.data).argmax(dim=1) for n in (work.network("latent", 0), *work.ends)]
    assert found.same == pytest.approx([float((logits[0] == end).float().mean()) for end in logits[1:]])
    assert found.accuracy == pytest.approx(accuracy(classify(work.network("latent", 0), work.data), work.data.labels))


# -- networks made by latent space optimisation --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({}, "made by latent space optimisation"),
        ({"test_accuracy": 0.5}, "test accuracy 0.500, made by latent space optimisation"),
    ],
)
def test_optimised_networks_are_shown(folder, family, record, words):
    add(family.zoo.folder, family.zoo[0], {"name": "better", "split": OPTIMISED} | record)
    loaded = loaded_from()
    card = catalogue.cards(loaded)[-1]
    assert (card.name, card.split, card.words, card.arch) == ("better", "optimised", words, "LeNetLike")
    assert card.accuracy == record.get("test_accuracy")
    assert "1 optimised" in catalogue.summary(loaded)["Networks"]
    assert "better" not in [loaded.names[i] for i in APP_TASKS["classification"].default_pair(loaded)]
    at = open_page("classifiers", a="better")
    assert link_of(at)["a"] == "better" and not at.exception and not at.warning
    assert not open_page("networks", a="better").exception
    data = classifiers.answers_data(loaded, None, ("latent",), len(loaded.zoo) - 1, 0, frame=0, method="latent")
    json.dumps(data, allow_nan=False)
