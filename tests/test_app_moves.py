"""Families of networks: past the ends of a path, along directions, by sums and mixtures; how they are shown."""

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest
from taking import taken
from test_app import lay, root, said, unpack_feed  # noqa: F401  (lay and root are fixtures)
from test_app_family import folder  # noqa: F401  (a fixture)

from app.backend import (
    catalogue,
    chairs,
    charts,
    classifiers,
    embeddings,
    engine,
    manifold,
    moves,
    optimise,
    projections,
)
from app.backend.path import STEPS
from app.tasks import app_task
from app.ui import moves as page
from netspace.data.shapes import MEASURES
from netspace.export import EXPORTS
from netspace.kept import cache_folder
from netspace.latent import directions
from netspace.nets.network import Network
from netspace.zoo.store import Zoo, select, write_zoo


@pytest.fixture(autouse=True)
def anew(tmp_path, monkeypatch):
    """Embeddings and directions are those of this test's zoo; six networks are enough for a direction."""
    monkeypatch.setenv("NETSPACE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(directions, "LEAST", 4)
    monkeypatch.setattr(directions, "FOLDS", 2)
    for module in (embeddings, manifold):
        monkeypatch.setattr(module, "PATIENCE", 240.0)
    for cached in (
        embeddings._embedding_work,
        charts._chart,
        manifold._manifold,
        moves._nearest,
        projections._direction,
    ):
        cached.clear()


def found() -> catalogue.Loaded:
    both = {f.kind: f for f in catalogue.find()}
    return catalogue.load(both["space"], both["zoo"])


@pytest.fixture
def shapes(lay) -> catalogue.Loaded:  # noqa: F811
    lay("tiny")
    return found()


@pytest.fixture
def cnn(lay) -> catalogue.Loaded:  # noqa: F811
    lay("cnn")
    return found()


@pytest.fixture
def family(folder) -> catalogue.Loaded:  # noqa: F811
    return found()


@pytest.fixture(params=["shapes", "cnn", "family"])
def any_kind(request) -> catalogue.Loaded:
    return request.getfixturevalue(request.param)


def families(loaded: catalogue.Loaded) -> list[moves.Move]:
    """One of every kind."""
    column = "seat_height" if "seat_height" in loaded.zoo.records else "test_accuracy"
    four = moves.default_anchors(loaded, 0, 1, [], 4)
    return [
        moves.path_beyond(loaded, 0, 1), moves.along_column(loaded, 0, column), moves.sum_of(loaded, *four[:3]),
        moves.mix_of(loaded, four[:3]), moves.mix_of(loaded, four), moves.spline_through(loaded, four),
    ]  # fmt: skip


def decoded(loaded: catalogue.Loaded, z: torch.Tensor) -> Network:
    with torch.inference_mode():
        return loaded.space.networks(z.unsqueeze(0))[0]


def same(a: Network, b: Network) -> bool:
    return a.arch.name == b.arch.name and torch.allclose(a.prep.cpu(), b.prep.cpu(), atol=1e-5)


# -- the families ----------------------------------------------------------------------------------------------------


def test_every_step_is_decoded_from_its_embedding_and_said(any_kind):
    for family in families(any_kind):
        steps = family.route.steps
        (latent,) = [side for side in family.route.sides if side.name == "latent"]
        for i in (0, steps // 2, steps - 1):
            assert same(latent.network(i), decoded(any_kind, torch.from_numpy(family.z[i])))
        assert len(family.z) == len(latent.words["kinds"]) == len(family.near) == steps
        assert len(family.shown["far"]) == len(family.shown["off"]) == steps and 0 <= family.start < steps
        architectures = family.shown["family"]
        assert (architectures is None) == (len(any_kind.zoo.family.archs) == 1)
        assert architectures is None or len(architectures["probabilities"]) == steps
        json.dumps(family.shown, allow_nan=False)
        json.dumps(family.made(0), allow_nan=False)
        assert family.said(0) and moves.remark(family, 0)


def test_a_path_goes_on_beyond_its_ends(shapes):
    family, z = moves.path_beyond(shapes, 0, 1), embeddings.zoo_embeddings(shapes)
    marks = {mark["label"]: mark["frame"] for mark in family.shown["marks"]}
    assert np.allclose(family.z[marks["A"]], z[0], atol=1e-5) and np.allclose(family.z[marks["B"]], z[1], atol=1e-5)
    assert np.allclose(family.z[0], z[0] - 0.5 * (z[1] - z[0]), atol=1e-5)
    weights = family.route.sides[1]
    assert weights.name == "weights" and same(weights.network(marks["B"]), shapes.zoo[1])
    preps = shapes.zoo.preps([0, 1])
    assert torch.allclose(weights.network(0).prep, 1.5 * preps[0] - 0.5 * preps[1], atol=1e-5)
    kinds = family.route.sides[0].words["kinds"]
    assert kinds[0].startswith("beyond A") and kinds[-1].startswith("beyond B") and kinds[marks["A"]].startswith("A,")


def test_a_direction_moves_in_units_of_its_column(shapes):
    column = "seat_height"
    family, found = moves.along_column(shapes, 2, column), projections.direction_along(charts.chart(shapes), column)
    values, own = family.shown["axis"]["values"], shapes.zoo.records[column][2]
    furthest = min(found.reach, 2 * found.std)  # where networks are near, and within what the column is like
    assert np.allclose([values[0], values[STEPS // 2], values[-1]], [own - furthest, own, own + furthest])
    z = embeddings.zoo_embeddings(shapes)
    assert np.allclose(family.z[STEPS // 2], z[2], atol=1e-5)
    assert np.allclose(family.z[-1], found.move(z[2], furthest), atol=1e-4)
    assert family.notes[0].startswith("Cross-validated R²") and "4 training networks" in family.notes[0]
    assert family.route.sides[0].fixed and same(family.route.sides[0].network(5), shapes.zoo[2])


def test_a_direction_that_is_not_there_is_told(shapes):
    found = projections.direction_along(charts.chart(shapes), "seat_height")
    for r2, word in ((0.3, "little"), (-2.0, "nothing"), (float("nan"), "nothing")):
        assert f"say {word} about seat height" in moves.fit_words(replace(found, r2=r2))[1]
    assert moves.fit_words(replace(found, r2=0.9))[1] == ""
    assert "remembers" in moves.fit_words(replace(found, r2=0.9, r2_unseen=-0.1))[1]
    assert moves.fit_words(replace(found, r2=0.9, r2_unseen=0.8))[1] == ""


def test_a_point_of_the_space_is_moved_like_a_network(shapes):
    z = embeddings.zoo_embeddings(shapes).mean(dim=0)
    family = moves.along_column(shapes, moves.Place("the clicked place", tuple(z.tolist())), "seat_height")
    assert [side.name for side in family.route.sides] == ["latent"] and family.anchors == ()
    assert np.allclose(family.z[STEPS // 2], z, atol=1e-5) and "read off its embedding" in family.notes[-1]


def test_a_sum_ends_at_a_minus_b_plus_c(shapes):
    family, z = moves.sum_of(shapes, 0, 1, 2), embeddings.zoo_embeddings(shapes)
    assert np.allclose(family.z[0], z[2], atol=1e-5) and np.allclose(family.z[-1], z[0] - z[1] + z[2], atol=1e-5)
    assert family.start == STEPS - 1 and family.route.sides[0].fixed


@pytest.mark.parametrize(("count", "nodes"), [(3, 45), (4, 49)])
def test_the_corners_of_a_pad_are_its_networks(shapes, count, nodes):
    ids = [3, 1, 0, 2][:count]
    family, z = moves.mix_of(shapes, ids), embeddings.zoo_embeddings(shapes)
    pad = family.pad
    assert family.route.steps == len(pad["xy"]) == len(pad["weights"]) == len(pad["off"]) == nodes
    for k, i in enumerate(ids):
        corner = [row[k] for row in pad["weights"]].index(1.0)
        assert np.allclose(family.z[corner], z[i], atol=1e-5) and pad["names"][k] == shapes.names[i]
    assert family.made(family.start)["weights"].keys() == set(pad["names"])


@pytest.mark.parametrize("count", [2, 3, 6])
def test_a_spline_passes_its_networks_in_order(shapes, count):
    ids = [4, 0, 3, 1, 5, 2][:count]
    family, z = moves.spline_through(shapes, ids), embeddings.zoo_embeddings(shapes)
    marks = family.shown["marks"]
    assert [mark["label"] for mark in marks] == [str(k + 1) for k in range(count)] and family.route.steps >= STEPS
    for mark, i in zip(marks, ids, strict=True):
        assert np.allclose(family.z[mark["frame"]], z[i], atol=1e-4)


def test_what_is_far_from_all_training_networks_is_off_the_manifold(shapes):
    z = embeddings.zoo_embeddings(shapes)
    family = moves.spline_through(shapes, [0, 1])
    assert not family.shown["off"][0] and "embedding of" in moves.remark(family, 0)
    far = moves.Place("far", tuple((z[0] + 100 * (z[1] - z[0])).tolist()))
    away = moves.along_column(shapes, far, "seat_height")
    assert all(away.shown["off"]) and moves.remark(away, 0).startswith("Off the manifold")


def test_map_optimise_and_families_share_one_embedding_of_the_zoo(shapes, monkeypatch):
    asked, embed = [], embeddings.embed_zoo

    def counted(space, zoo, *how, **more):
        asked.append(zoo)
        return embed(space, zoo, *how, **more)

    monkeypatch.setattr(embeddings, "embed_zoo", counted)
    plane = optimise.embedding_map.map_of(shapes)
    z = charts.chart(shapes).z
    assert torch.equal(plane.places, plane.plane.place(z)) and optimise.embedded(shapes) == 1
    assert torch.equal(torch.from_numpy(moves.spline_through(shapes, [0, 1]).z[0]), z[0])
    assert len(asked) == 1
    kept = cache_folder() / "embeddings"
    assert len(list(kept.iterdir())) == 1  # also between runs of the app


# -- bad input -------------------------------------------------------------------------------------------------------


def write(root, loaded: catalogue.Loaded, ids: list[int], change=lambda records, weights: None) -> catalogue.Loaded:  # noqa: F811
    """The same space with another zoo of these networks, changed."""
    select(loaded.zoo, ids, root / "other")
    zoo = Zoo.load(root / "other")
    records, weights = zoo.records.copy(), {name: t.clone() for name, t in zoo.weights.items()}
    change(records, weights)
    write_zoo(root / "other", zoo.family, records, weights, {})
    other = next(f for f in catalogue.find() if f.kind == "zoo" and f.folder == root / "other")
    return catalogue.load(loaded.space_info, other)


def test_networks_that_are_the_same_are_told(shapes, root):  # noqa: F811
    def twice(records, weights):
        for stack in weights.values():
            stack[1] = stack[0]

    twins = write(root, shapes, [0, 1, 2], twice)
    for make in (
        lambda: moves.path_beyond(twins, 0, 0), lambda: moves.path_beyond(twins, 0, 1),
        lambda: moves.sum_of(twins, 0, 1, 2), lambda: moves.spline_through(twins, [2, 0, 1]),
        lambda: moves.mix_of(twins, [0, 1, 0]),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"at one point|alone"):
            make()


def test_networks_that_hold_nan_are_told_and_do_not_spoil_others(shapes, root):  # noqa: F811
    def spoil(records, weights):
        for stack in weights.values():
            stack[0, ..., :3] = float("nan")

    spoilt = write(root, shapes, [0, 1, 2, 3, 4, 5], spoil)
    for make in (lambda: moves.path_beyond(spoilt, 0, 1), lambda: moves.mix_of(spoilt, [1, 2, 0])):
        with pytest.raises(ValueError, match=f"{spoilt.names[0]} has weights that are no numbers"):
            make()
    assert np.isfinite(moves.path_beyond(spoilt, 1, 2).far).all()


def test_a_column_that_is_constant_or_too_short_is_told(shapes, root, monkeypatch):  # noqa: F811
    def level(records, weights):
        records["seat_height"] = 1.0

    flat = write(root, shapes, [0, 1, 2, 3], level)
    assert "seat_height" not in moves.directed_columns(flat)
    monkeypatch.setattr(directions, "LEAST", 20)
    with pytest.raises(ValueError, match="too few"):
        moves.along_column(shapes, 0, "seat_height")


# -- the work --------------------------------------------------------------------------------------------------------


def test_shapes_are_measured_beside_what_is_asked_and_the_original_is_sent_once(shapes):
    family = moves.along_column(shapes, 0, "seat_height")
    work = chairs.PathWork(engine.Engine(2), shapes, family.route, family.start)
    for future in work.frames.values():
        future.result(timeout=240)
    entries = [e for _, content in work.feeds("x") for e in unpack_feed(content)[0]["frames"]]
    keys = [(e["side"], e["index"]) for e in entries]
    assert sorted(keys) == sorted([("original", 0), *(("latent", i) for i in range(STEPS))]) and work.done
    (original,) = (e for e in entries if e["side"] == "original")
    mesh = chairs.surface_of(shapes.zoo[0], chairs.PREVIEW, True).mesh
    assert original["numbers"]["measured"] == pytest.approx(MEASURES["seat_height"](mesh), nan_ok=True)
    data = moves.move_data(shapes, work, family, 0, "latent")
    assert data["steps"] == STEPS and [side["fixed"] for side in data["sides"]] == [True, False]
    detail, _ = unpack_feed(work.detail(3, "x"))
    assert {(f["side"], f["index"]) for f in detail["frames"]} == {("original", 0), ("latent", 3)}


def test_what_nobody_looks_at_is_paused_and_goes_on(shapes, monkeypatch):
    monkeypatch.setattr(chairs.PathWork, "idle_seconds", -1)
    served = engine.Engine(2)
    monkeypatch.setattr("app.backend.path.shared", lambda: served)
    first, second = (moves.path_beyond(shapes, 0, b) for b in (1, 2))
    work = app_task(shapes).route_path(shapes, first.route, first.start)
    app_task(shapes).route_path(shapes, second.route, second.start)
    assert any(piece.held for piece in work.frames.values()) and not work.done
    assert any(content is None for _, content in work.feeds("x"))
    assert app_task(shapes).route_path(shapes, first.route, first.start) is work
    for future in work.frames.values():
        future.result(timeout=240)
    assert work.done and all(content for _, content in work.feeds("x"))


def test_classifiers_of_a_family_are_asked(cnn):
    family = moves.mix_of(cnn, [0, 1, 2])
    test = classifiers._test_images("digits").take(slice(120))
    work = classifiers.ClassifierWork(engine.Engine(2), cnn, family.route, family.start, test)
    work.resume()
    while not work.done:
        for futures in ([*work.frames.values()], *work.whole.values()):
            for future in futures:
                future.result(timeout=240)
    data = moves.move_data(cnn, work, family, family.start, "latent")
    assert data["steps"] == 45 and data["padded"] and len(work.curves()) == 45


def test_a_family_is_animated_through_its_networks(shapes):
    family = moves.spline_through(shapes, [0, 1, 2])
    task = app_task(shapes)
    work = task.route_path(shapes, family.route, family.start)
    subject = task.path_subject(work, "latent", **moves.shown_as(family))
    assert subject.name == "spline" and [label for _, label in subject.through] == [
        f"{k}: {name}" for k, name in enumerate(shapes.names[:3], 1)
    ]
    assert subject.axis != "gamma" and len(subject.steps) == family.route.steps
    animation = Image.open(io.BytesIO(EXPORTS["gif"].write(subject)))
    assert animation.n_frames == 2 * (family.route.steps - 1)


def test_a_network_is_taken_away_with_how_it_was_made(shapes):
    family = moves.along_column(shapes, 0, "seat_height")
    work = chairs.PathWork(engine.Engine(1), shapes, family.route, family.start)
    about = moves.made(family, "latent", 4)
    with zipfile.ZipFile(io.BytesIO(taken("zip", work, "latent", 4, about))) as bundle:
        kept = json.loads(bundle.read("network.json"))
    assert kept["made_by"] == "direction" and kept["of"] == shapes.names[0] and kept["column"] == "seat_height"
    assert kept["by"] == pytest.approx(family.route.positions[4] - shapes.zoo.records["seat_height"][0], abs=1e-4)
    assert np.allclose(kept["embedding"], family.z[4], atol=1e-6)
    assert moves.made(family, "original", 4)["name"] == shapes.names[0]


# -- the section -----------------------------------------------------------------------------------------------------


def show(picked: int | None = None, a: int = 0, b: int = 1) -> None:
    import streamlit as st

    from app.ui import moves, page, sidebar

    loaded = sidebar.choose(sidebar.ANY_NETWORKS)
    page.show_notices()
    st.session_state["told"] = moves.show_ways(loaded, picked, None, a, b, lambda: None)
    st.session_state["move_link"] = moves.ways_link()


def section(link: dict[str, str] | None = None, **given) -> AppTest:
    at = AppTest.from_function(show, kwargs=given, default_timeout=240)
    for name, value in (link or {}).items():
        at.query_params[name] = value
    at.run()
    assert not at.exception, at.exception
    return at


def view(at: AppTest) -> dict:
    """What the view is told."""
    for element in at.get("bidi_component"):
        if element.proto.component_name.endswith(("netspace_viewer", "netspace_classifier")):
            return json.loads(element.proto.json)
    raise AssertionError("there is no view")


@pytest.mark.parametrize(
    ("zoo", "kind"), [*(("shapes", kind) for kind in page.WAY_TITLES), ("cnn", "mix"), ("family", "direction")]
)
def test_every_kind_is_shown_and_linked(request, zoo, kind):
    request.getfixturevalue(zoo)
    at = section({"move": kind})
    told, data = at.session_state["told"], view(at)
    assert len(told["embeddings"]) == data["steps"] and told["frame"] == data["frame"]
    assert at.session_state["move_link"]["move"] == kind and told["follows"] == data["id"]
    again = section(at.session_state["move_link"])
    assert view(again)["path"] == data["path"] and view(again)["frame"] == data["frame"]


def test_a_link_says_which_networks_and_where(shapes):
    names = shapes.names
    at = section({"move": "spline", "spline": "|".join([names[3], names[1]]), "at": "0.25"})
    assert at.session_state["told"]["anchors"] == [3, 1] and view(at)["frame"] == 8
    assert at.session_state["move_link"] == {"move": "spline", "at": "0.25", "spline": f"{names[3]}|{names[1]}"}


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ({"move": "sideways"}, "no way of moving “sideways”"),
        ({"move": "mix", "mix": "a|b|c"}, "There is no network “a”"),
        ({"move": "mix", "mix": "chair-0000"}, "names 1 networks where 3 to 4 are needed"),
        ({"move": "direction", "column": "beauty"}, "no direction of “beauty”"),
        ({"move": "path", "at": "here"}, "“here” is not a number"),
    ],
)
def test_a_link_to_what_is_not_there_is_told_and_the_section_works(shapes, link, sentence):
    at = section(link)
    assert sentence in said(at.warning) and view(at)["steps"]


def test_a_direction_moves_the_picked_network_else_a(shapes):
    assert section({"move": "direction"}, a=1, b=0).session_state["told"]["anchors"] == [1]
    assert section({"move": "direction"}, picked=3).session_state["told"]["anchors"] == [3]


def test_the_picked_network_is_added_to_a_spline(shapes):
    link = {"move": "spline", "spline": "|".join(shapes.names[:2])}
    at = section(link, picked=4)
    next(button for button in at.button if "picked" in button.label).click().run()
    assert at.session_state["told"]["anchors"] == [0, 1, 4]


def test_three_networks_become_four_and_three_again(shapes):
    at = section({"move": "mix"})
    assert view(at)["steps"] == 45
    at.button[0].click().run()
    assert view(at)["steps"] == 49 and not at.exception
    at.button[0].click().run()
    assert view(at)["steps"] == 45


@pytest.mark.parametrize("kind", page.WAY_TITLES)
def test_a_zoo_of_one_network_says_why_there_is_nothing(shapes, root, kind, monkeypatch):  # noqa: F811
    one = write(root, shapes, [0])
    at = section({"move": kind, "zoo": one.zoo_info.id}, a=0, b=0)
    assert at.session_state["told"] is None and said(at.info)


def test_lists_of_a_large_zoo_offer_the_first_and_what_is_chosen(shapes, monkeypatch):
    monkeypatch.setattr(page, "MOST_OFFERED", 2)
    names = shapes.names
    at = section({"move": "arithmetic", "arithmetic": "|".join([names[5], names[1], names[4]])}, a=3, b=1)
    assert at.selectbox(key="move.arithmetic.names.0.widget").options == [
        f"a  {names[i]}" for i in (5, 1, 4, 3, 0)
    ]  # fmt: skip


def test_ends_that_are_not_of_this_zoo_are_told(shapes):
    at = section(a=99)
    assert "A is no network of" in said(at.info) and at.session_state["told"] is None


def test_without_the_test_images_the_way_is_still_on_the_map(cnn, monkeypatch):
    monkeypatch.setattr(classifiers.images, "available", lambda name: False)
    monkeypatch.setattr(page.image_data, "offer_images", lambda loaded: None)
    at = section({"move": "spline"})
    assert "test images" in said(at.info) and len(at.session_state["told"]["embeddings"]) >= STEPS
