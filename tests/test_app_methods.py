"""A method that is registered shows up wherever the app shows methods, with its own look and no other file touched."""

import pytest
from test_app import any_kind, lay, link_of, open_page, root  # noqa: F401  (fixtures)
from third_method import THIRD

from app import frontend
from app.backend import preps
from app.backend.path import sides_between
from app.tasks import app_task
from netspace.latent.paths import METHODS

PAGES = {"tiny": "shapes", "cnn": "classifiers", "images": "pictures"}


@pytest.fixture
def third(monkeypatch):
    monkeypatch.setitem(METHODS, THIRD.name, THIRD)


@pytest.fixture
def told(monkeypatch) -> dict:
    """What the view was told last."""
    kept: dict = {}
    for name in ("_viewer", "_classifier", "_raster", "_preps"):
        monkeypatch.setattr(frontend, name, lambda **given: kept.update(given["data"]))
    return kept


def check_sides(told: dict, sides: tuple[str, ...]) -> None:
    assert [side["name"] for side in told["sides"]] == [*sides] and {"latent", "weights", "third"} <= set(sides)
    (side,) = [side for side in told["sides"] if side["name"] == "third"]
    assert (side["title"], side["ends"], side["between"]) == (THIRD.title, THIRD.ends, THIRD.between)
    look = THIRD.look
    assert (side["colour"], side["dash"], side["mark"], side["key"]) == (look.colour, [2, 3], look.mark, look.key)
    for field in ("colour", "dash", "mark", "key"):
        assert len({str(one[field]) for one in told["sides"]}) == len(sides), f"two sides have the same {field}"


def test_a_view_has_a_column_for_every_method(any_kind, third, told):  # noqa: F811
    kind, sides = app_task(any_kind), sides_between(any_kind, 0, 4)
    work = kind.pair_path(any_kind, 0, 4, sides, first=16)
    data = kind.view_data(any_kind, work, 0, 4, frame=16, method="third")
    frontend.path_view(kind.view)("view", data, lambda: None, lambda: None)
    check_sides(told, sides)
    assert {side for side, _ in work.frames} == set(sides)


def test_networks_as_images_has_a_method_more(any_kind, third, told):  # noqa: F811
    sides = sides_between(any_kind, 0, 4)
    work = preps.prep_path(any_kind, 0, 4, sides, 16)
    data = preps.prep_data(
        any_kind, work, 0, 4, frame=16, method="third", against="a", scale="own", layer=""
    )  # fmt: skip
    frontend.preps("view", data, lambda: None, lambda: None)
    check_sides(told, sides)
    network = work.network("third", 16)
    assert work.frames["third", 16].result().entry["bytes"] > 0, "its values are sent: they need not lie on a line"
    assert network.arch == any_kind.zoo[0].arch


@pytest.mark.parametrize("kind", PAGES)
def test_a_link_names_it(lay, third, kind):  # noqa: F811
    lay(kind)
    at = open_page(PAGES[kind], method="third")
    assert not at.warning and not at.exception and link_of(at)["method"] == "third"


def test_what_is_first_to_be_seen_waits_for_no_method_that_is_prepared(any_kind):  # noqa: F811
    sides = sides_between(any_kind, 0, 4)
    parts = app_task(any_kind).pair_path(any_kind, 0, 4, sides, first=16).parts()
    slow = [side for side in sides if METHODS[side].calibrated]
    assert slow and [side for side, _ in parts[0]] == [side for side in sides if side not in slow]
    assert [side for side, _ in parts[1]] == slow and {i for part in parts[:2] for _, i in part} == {16}
    assert len({key for part in parts for key in part}) == 33 * len(sides)
