"""Saved views: lists of strangers are refused in a sentence, nothing is lost, and a view leads to pages of the app."""

import base64
import json
import zlib

import pytest
from streamlit.testing.v1 import AppTest
from test_app import folders, lay, link_of, open_page, root, said  # noqa: F401 (fixtures)

from app.backend import saved_views, visitors
from app.backend.saved_views import link_text, saved_view, text_of, views_in_link, views_of
from netspace.errors import FormatError, InUse

VIEWS = [
    saved_view("Two “chairs”, ½", "shapes", {"a": "chair-1", "b": "<b>", "gamma": "0.5"}),
    saved_view("The jobs", "jobs", {}),
    saved_view("All", "scorecard", {"measure": "iou"}),
]


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    """Where the user's list would be."""
    monkeypatch.setattr(saved_views, "FILE", tmp_path / "user" / "views.json")
    return saved_views.FILE


def told(at: AppTest) -> dict:
    """What the front end is told."""
    found = [e.proto for e in at.get("bidi_component") if e.proto.component_name.endswith("netspace_saved")]
    return json.loads(found[0].json)


# -- lists as text -----------------------------------------------------------------------------------------------------


def test_a_list_is_read_as_it_was_written():
    assert views_of(text_of(VIEWS), "x") == VIEWS == views_in_link(link_text(VIEWS))
    assert link_text([]) == "" and len(link_text(VIEWS)) < 250


def test_parameters_of_the_app_are_no_part_of_a_view():
    assert saved_view("x", "jobs", {"embed": "true", "present": "1", "views": "…", "run": "a"}).link == {"run": "a"}


ONE = {"name": "x", "page": "jobs", "link": {}}
HOSTILE = {
    "no JSON": "{",
    "bytes": b"\x80\x04\x95",
    "deep": "[" * 100_000,
    "a list": "[]",
    "no views": '{"format": 1}',
    "views of text": '{"format": 1, "views": "x"}',
    "another format": {"format": 99, "views": []},
    "no format": {"views": [ONE]},
    "a view of text": {"views": ["x"]},
    "a name of numbers": {"views": [ONE | {"name": 7}]},
    "an empty name": {"views": [ONE | {"name": " \n\0"}]},
    "a long name": {"views": [ONE | {"name": "x" * 101}]},
    "no page": {"views": [{"name": "x", "link": {}}]},
    "a scheme": {"views": [ONE | {"page": "javascript:alert(1)"}]},
    "a host": {"views": [ONE | {"page": "//example.org/jobs"}]},
    "a folder": {"views": [ONE | {"page": "../app/Home"}]},
    "a page of a table": {"views": [ONE | {"page": {}}]},
    "a link of text": {"views": [ONE | {"link": "https://example.org"}]},
    "a parameter of numbers": {"views": [ONE | {"link": {"a": 1}}]},
    "a long link": {"views": [ONE | {"link": {"a": "x" * 20_001}}]},
    "many": {"views": [ONE] * 201},
    "large": " " * 2_000_001,
}


def written(what: str) -> str | bytes:
    found = HOSTILE[what]
    return found if isinstance(found, str | bytes) else json.dumps(found if "format" in what else {"format": 1} | found)


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_list_is_refused_in_a_sentence_and_stays_as_it_is(what, file):
    with pytest.raises(FormatError, match=r"^x\b") as refused:
        views_of(written(what), "x")
    assert len(str(refused.value)) < 250 and "\n" not in str(refused.value)
    file.parent.mkdir()
    content = written(what)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = file.read_bytes()
    for act in (saved_views.kept_views, lambda: saved_views.keep_views(lambda views: [*views, *VIEWS])):
        with pytest.raises(FormatError):
            act()
    assert file.read_bytes() == before and [path.name for path in file.parent.iterdir()] == ["views.json"]


def test_a_list_in_a_link_is_refused_if_it_is_damaged_or_a_bomb():
    def link_of_bytes(found: bytes) -> str:
        return base64.urlsafe_b64encode(zlib.compress(found, 9)).decode()

    bomb = link_of_bytes(b'["' + b" " * 50_000_000 + b'"]')
    assert len(bomb) < 100_000
    others = [b"", b"{}", b"[1]", b'[["x","jobs"]]', b'[["x","http://x",{}]]', b"[" * 99_999]
    for text in ("x", "%%%", "é", link_text(VIEWS)[:-9], bomb, *map(link_of_bytes, others)):
        with pytest.raises(FormatError, match="list of views in the link"):
            views_in_link(text)


def test_what_no_page_could_be_sent_is_left_out_of_names_and_links():
    view = saved_view(" a\x00b\ud800 \n c\x7f", "jobs", {"run\x01": "\udfff1"})
    assert view == ("ab c", "jobs", {"run": "1"})


# -- the file ----------------------------------------------------------------------------------------------------------


def test_changes_keep_the_other_views(file):
    assert saved_views.kept_views() == []
    saved_views.keep_views(lambda views: saved_views.with_views(views, VIEWS))
    assert saved_views.kept_views() == VIEWS == saved_views.with_views(VIEWS, VIEWS[1:])
    assert [view.name for view in saved_views.with_move(VIEWS, 0, 1)] == ["The jobs", VIEWS[0].name, "All"]
    assert saved_views.with_move(VIEWS, 0, -1) == VIEWS == saved_views.with_move(VIEWS, 2, 9)
    assert saved_views.with_name(VIEWS, 1, " x  y ")[1] == ("x y", "jobs", {})
    assert saved_views.without(VIEWS, 1) == [VIEWS[0], VIEWS[2]]
    with pytest.raises(FormatError, match="200 views at most"):
        saved_views.with_views(VIEWS, [saved_view(str(k), "jobs", {}) for k in range(198)])


def test_a_list_that_another_tab_changed_is_not_overwritten(file):
    stamp = saved_views.list_stamp(saved_views.keep_views(lambda _: VIEWS))
    saved_views.keep_views(lambda views: saved_views.without(views, 0), stamp)
    with pytest.raises(FormatError, match="changed elsewhere"):
        saved_views.keep_views(lambda views: saved_views.without(views, 0), stamp)
    assert saved_views.kept_views() == VIEWS[1:]


def test_a_folder_in_its_place_is_left_alone(file):
    file.mkdir(parents=True)
    with pytest.raises((FormatError, InUse, OSError)):
        saved_views.keep_views(lambda _: VIEWS)
    assert file.is_dir() and not any(file.iterdir())


# -- what the panel asks for -------------------------------------------------------------------------------------------


def page_that_acts(acts: list[dict]) -> None:
    """Does what the panel would ask for, one after the other, and shows the state."""
    import streamlit as st

    from app.ui import page, saved_views

    page.set_page("jobs")
    state = saved_views.ViewsState()
    for number, act in enumerate(acts, start=1):
        views, _ = saved_views._read(state)
        page.STORE[saved_views._KEY] = {
            "act": {"number": number, "stamp": saved_views.saved_views.list_stamp(views)} | act
        }
        saved_views._acted()
        saved_views._acted()  # told again
    views, problem = saved_views._read(state)
    place = page.STORE.get(page.Slot.PLACE)
    st.json({"views": [view.name for view in views], "problem": state.problem or problem, "place": place,
             "carried": bool(state.carried), "undo": state.before.words if state.before else ""})  # fmt: skip


def after(*acts: dict, **link) -> dict:
    at = AppTest.from_function(page_that_acts, kwargs={"acts": list(acts)}, default_timeout=240)
    for name, value in link.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return json.loads(at.json[0].value)


def save(name: str, **link) -> dict:
    return {"what": "save", "name": name, "link": link}


def test_a_view_is_saved_once_moved_renamed_deleted_and_brought_back(file):
    new = [save("a"), save("b", run="x"), save("c", run="y")]
    change = [{"what": "move", "view": 2, "by": -1}, {"what": "rename", "view": 0, "name": "A"}]
    found = after(*new, *change, {"what": "delete", "view": 1})
    assert found["views"] == ["A", "b"] and not found["problem"] and found["undo"] == "View deleted"
    assert [view.name for view in saved_views.kept_views()] == ["A", "b"]
    found = after({"what": "delete", "view": 0}, {"what": "undo"}, {"what": "view", "view": 1})
    assert found["views"] == ["A", "b"] and found["place"] == ["jobs", {"run": "x"}]


@pytest.mark.parametrize(
    "act",
    [save(""), save("x" * 101), {"what": "save", "name": "x"}, {"what": "import", "text": "{"},
     {"what": "rename", "view": 0, "name": ""}, {"what": "delete", "view": 0, "stamp": "another"},
     {"what": "view", "view": 7}, {"what": "delete", "view": "x"}],
)  # fmt: skip
def test_what_cannot_be_done_is_said_and_changes_nothing(act, file):
    saved_views.keep_views(lambda _: VIEWS)
    found = after(act)
    assert found["problem"].endswith(".") and found["views"] == [view.name for view in VIEWS] and not found["place"]


def test_a_click_in_a_list_that_is_no_more_changes_nothing(file):
    twice = [{"what": "delete", "view": 0, "stamp": saved_views.list_stamp(VIEWS)}] * 2
    for kept, link in ((VIEWS, {}), ([], {"views": link_text(VIEWS)})):
        saved_views.keep_views(lambda _, kept=kept: kept)
        found = after(*twice, **link)
        assert found["views"] == ["The jobs", "All"] and "changed elsewhere" in found["problem"]


def test_a_list_of_a_link_is_apart_from_the_users_until_it_is_added(file):
    saved_views.keep_views(lambda _: VIEWS[:1])
    found = after(save("mine"), views=link_text(VIEWS[1:]))
    assert found["views"] == ["The jobs", "All", "mine"] and saved_views.kept_views() == VIEWS[:1]
    found = after({"what": "adopt"}, views=link_text(VIEWS))
    assert found["views"] == [view.name for view in VIEWS] and not found["carried"]
    assert saved_views.kept_views() == VIEWS
    assert after({"what": "close"}, {"what": "undo"}, views=link_text(VIEWS[1:]))["carried"]


def test_visitors_write_nothing_and_see_no_list_but_their_own(file, monkeypatch):
    saved_views.keep_views(lambda _: VIEWS)
    before = file.read_bytes()
    monkeypatch.setenv(visitors.VARIABLE, "1")
    assert after()["views"] == [] and after(save("x"))["views"] == ["x"]
    found = after({"what": "adopt"}, views=link_text(VIEWS[:1]))
    assert found["problem"] == visitors.REFUSED and found["views"] == [VIEWS[0].name]
    assert after(save("x"), {"what": "delete", "view": 0}, {"what": "undo"})["views"] == ["x"]
    assert file.read_bytes() == before


# -- pages -------------------------------------------------------------------------------------------------------------


def test_a_link_with_a_list_begins_with_the_view_it_names(root):  # noqa: F811
    at = open_page(views=link_text(VIEWS), present="2")
    assert not at.exception and not at.warning
    assert told(at)["page"] == "jobs" and told(at)["present"] == 2 and told(at)["carried"]
    assert link_of(at)["present"] == "2" and link_of(at)["views"] == link_text(VIEWS)
    at = open_page("jobs", views=link_text(VIEWS), present="9")
    assert told(at)["present"] == 3 and [view["name"] for view in told(at)["views"]] == [view.name for view in VIEWS]


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ({"views": "x"}, "is damaged or cut off"),
        ({"present": "x"}, "is no number"),
        ({"present": "1"}, "no view to present"),
    ],
)
def test_a_link_that_names_no_list_is_told(link, words, root):  # noqa: F811
    at = open_page("jobs", **link)
    assert not at.exception and words in said(at.warning) and told(at)["present"] == 0 and not told(at)["carried"]


def test_visitors_are_not_led_to_what_they_do_not_see(root, monkeypatch):  # noqa: F811
    monkeypatch.setenv(visitors.VARIABLE, "1")
    at = open_page(views=link_text(VIEWS[1:2]), present="1")
    assert not at.exception and told(at)["page"] == "home" and "is not shown here" in said(at.warning)


def test_pairs_that_were_left_can_be_gone_back_to(folders):  # noqa: F811
    at = open_page("networks")
    before = link_of(at)
    names = [at.selectbox[k].options for k in range(2)]
    at.selectbox[0].set_value(names[0][2]).run()
    assert told(at)["pairs"][0]["a"] == before["a"] and told(at)["pairs"][0]["b"] == before["b"]
    assert link_of(at)["a"] != before["a"]
    at.run()
    assert [pair["a"] for pair in told(at)["pairs"]] == [link_of(at)["a"], before["a"]]
