"""A second space beside the map, through Streamlit's AppTest: the same networks, marked on both maps."""

import json
import shutil

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from test_app import lay, link_of, open_page, root, said, unpack_feed  # noqa: F401  (lay and root are fixtures)
from test_app_zoo_map import anew, wait_until  # noqa: F401  (anew is a fixture)
from test_app_zoo_map import view as first_view

from app.backend import catalogue
from app.ui import second_map
from netspace.zoo.store import Zoo, write_zoo

EVERYWHERE = "-999 -999 999 -999 999 999 -999 999"


@pytest.fixture
def spaces(lay):  # noqa: F811
    """A zoo of classifiers, and the space it fits in twice."""
    folder = lay("cnn")
    shutil.copytree(folder / "space", folder / "twin")
    return folder


def open_both(second: str, **link) -> AppTest:
    at = open_page("zoo_map", projection="pca", space="cnn/space", zoo="cnn/zoo", second=second, **link)
    assert not at.exception, at.exception
    return at


def parts(at: AppTest, view: str) -> tuple[dict, dict[str, tuple[dict, bytes]]]:
    """What a map is told, and its feeds by name."""
    elements = [element.proto for element in at.get("bidi_component")]
    told = [json.loads(proto.json) for proto in elements if proto.component_name.endswith("netspace_map")]
    sent = [unpack_feed(proto.bytes) for proto in elements if proto.component_name.endswith("netspace_feed")]
    found = {header["feed"]: (header, body) for header, body in sent if header["view"] == view}
    return next(data for data in told if data["id"] == view), found


def is_shown(at: AppTest) -> bool:
    return sum(e.proto.component_name.endswith("netspace_map") for e in at.get("bidi_component")) == 2


def test_one_zoo_in_two_spaces_is_marked_alike(spaces):
    at = open_both("cnn/twin")
    wait_until(lambda: is_shown(at.run()))
    names = Zoo.load(spaces / "zoo").records.name.tolist()
    link = {"second_selection": EVERYWHERE, "network": names[3], "search": names[3]}
    at = open_both("cnn/twin", **link)
    (first, mine), (second, theirs) = parts(at, "map"), parts(at, second_map.VIEW)
    assert first["twin"] == {"id": second_map.VIEW, "key": second["twin"]["key"]} and second["twin"]["id"] == "map"
    for sent in (mine, theirs):
        header, body = sent["twins"]
        assert header["path"] == first["twin"]["key"] and np.frombuffer(body, "<i4").tolist() == list(range(len(names)))
        assert np.frombuffer(sent["filter"][1], np.uint8).tolist() == [int(name == names[3]) for name in names]
    assert first["picked"] == second["picked"] == 3 and first["ends"] == second["ends"]
    assert mine["look"][1] == theirs["look"][1], "no network of it lies off the manifold"
    assert first["selection"] is None and len(second["selection"]["polygon"]) == 4
    assert "1 network selected" in said(at.markdown) and "8 of 8 networks are in both spaces" in said(at.caption)
    assert "Too few" in said(at.caption), "to compare ten neighbours"
    kept = link_of(at)
    assert kept["second"] == "cnn/twin" and kept["second_selection"].split()[0] == "-999"
    next(each for each in at.button if each.label == "Clear").click().run()
    assert not at.exception and "second_selection" not in link_of(at)
    next(each for each in at.selectbox if each.label == "Second space").set_value("").run()
    assert not at.exception and not is_shown(at) and "second" not in link_of(at) and first_view(at)["twin"] is None


def test_what_is_not_shared_is_told(spaces, monkeypatch):
    assert "There is no space “cnn/nowhere”" in said(open_both("cnn/nowhere").warning)
    zoo = Zoo.load(spaces / "zoo")
    other = {name: zoo.weights[name] + 1 for name in zoo.weights}
    names = [f"other-{k}" for k in range(len(zoo))]
    write_zoo(spaces / "some", zoo.family, zoo.records.assign(name=names), other, {})
    found = {one.id: one for one in catalogue.find()}
    offered = {"cnn/twin|cnn/some": (found["cnn/twin"], found["cnn/some"])}
    monkeypatch.setattr(second_map.second_space, "seconds", lambda loaded: offered)
    at = open_both("cnn/twin|cnn/some")
    wait_until(lambda: at.run() and "No network of this map is in" in said(at.info))
    assert not is_shown(at) and first_view(at)["twin"] is None
