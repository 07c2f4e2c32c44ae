"""What all pages have at their top: a link to copy, pairs to go back to, saved views, and a way through them.

The list of views is the one that came with the link, else that of the user of this machine, who has it in a file;
visitors have none but in their link.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from app import frontend
from app.backend import saved_views
from app.backend.saved_views import SavedView, Views
from app.backend.visitors import is_visitor
from app.backend.words import sentence
from app.ui import links, page
from app.ui.page import PageField, PageState, sent
from app.ui.pair import PairHistory, SeenPair

STYLE = Path(__file__).with_name("style.css")
_KEY = "saved-views"
_TOO_LONG = "the list is too long for a link; export it instead"


class Before(NamedTuple):
    """What a change can be undone to."""

    words: str
    """what was done"""
    carried: str
    kept: Views
    """the list in the file"""
    stamp: str
    """of the list in the file after the change; empty if that did not change"""


def usable(state: ViewsState, text: str) -> str:
    """Return the list of a link; ValueError if it is none."""
    saved_views.views_in_link(text)
    return text


class ViewsState(PageState):
    """The list that came with the link, and what was done to the one that is shown."""

    key = "views"

    carried = PageField("", link="views", check=lambda state, text: usable(state, text) if text else "", terse=True)
    present = PageField(0, link="present", parse=links.place_in_list, terse=True)
    """the place in the list, from 1, of the view that is presented; 0 for none"""
    opened = PageField(False)
    """whether the session has begun"""
    answered = PageField(0)
    """number of what the panel asked for last"""
    problem = PageField("")
    """a sentence for the panel"""
    before = PageField[Before | None](None)

    def views(self) -> Views:
        """The list that is shown; raises ValueError or OSError if the file holds none."""
        return saved_views.views_in_link(self.carried) if self.carried else saved_views.kept_views()

    def edit(self, change: Callable[[Views], Views], words: str, expected: str = "") -> None:
        """Change the list that is shown: the link's, or that in the file; `words` say what can be undone."""
        carried, kept, stamp = self.carried, self.views(), ""
        if expected and expected != saved_views.list_stamp(kept):
            raise ValueError(saved_views.CHANGED)
        if carried or is_visitor():
            self.carry(change(kept))
        else:
            stamp = saved_views.list_stamp(saved_views.keep_views(change, expected))
        self.before = Before(words, carried, kept, stamp) if words else None

    def carry(self, views: Views) -> None:
        """Have the link hold a list."""
        text = saved_views.link_text(views)
        if len(text) > saved_views.MOST_PACKED:
            raise ValueError(_TOO_LONG)
        self.carried = text

    def undo(self) -> None:
        before, self.before = self.before, None
        if before:
            if before.stamp:
                saved_views.keep_views(lambda _: before.kept, before.stamp)
            self.carried = before.carried

    def adopt(self) -> None:
        """Add the list of the link to that in the file, and show that."""
        kept, carried = saved_views.kept_views(), self.carried
        after = saved_views.keep_views(lambda views: saved_views.with_views(views, self.views()))
        self.carried = ""
        self.before = Before("Added to your views", carried, kept, saved_views.list_stamp(after))

    def settle_presentation(self) -> None:
        """Have the place be one of the list; a link that holds nothing else begins there."""
        views, _ = _read(self)
        if self.present and not views:
            page.notice("There is no view to present; save some first.")
        self.present = min(self.present, len(views))
        if self.present and not self.opened and page.names_in_link() <= set(saved_views.NOT_OF_A_VIEW):
            self.show(self.present)
        self.opened = True

    def show(self, k: int) -> None:
        """Go to a view, by its place from 1."""
        page.go(self.views()[k - 1].page, self.views()[k - 1].link)

    def close(self) -> None:
        """Show the list of the link no more."""
        self.before, self.carried = Before("List closed", self.carried, [], ""), ""


# -- what the panel asks for -------------------------------------------------------------------------------------------

Asked = Mapping[str, Any]
"""what was clicked, and its particulars"""


def _save(state: ViewsState, asked: Asked) -> None:
    view = saved_views.saved_view(asked.get("name"), page.page_shown(), asked.get("link"))
    if view in state.views():
        raise ValueError("This view is in the list already")
    state.edit(lambda views: saved_views.with_views(views, [view]), "")


def _import(state: ViewsState, asked: Asked) -> None:
    more = saved_views.views_of(str(asked.get("text")), "The file")
    state.edit(lambda views: saved_views.with_views(views, more), "Imported")


def _rename(state: ViewsState, asked: Asked) -> None:
    state.edit(
        lambda views: saved_views.with_name(views, *_numbers(asked, "view"), asked.get("name")), "", _stamp(asked)
    )


def _move(state: ViewsState, asked: Asked) -> None:
    state.edit(lambda views: saved_views.with_move(views, *_numbers(asked, "view", "by")), "", _stamp(asked))


def _delete(state: ViewsState, asked: Asked) -> None:
    state.edit(lambda views: saved_views.without(views, *_numbers(asked, "view")), "View deleted", _stamp(asked))


def _numbers(asked: Asked, *names: str) -> list[int]:
    return [int(str(asked.get(name))) for name in names]


def _stamp(asked: Asked) -> str:
    return str(asked.get("stamp"))


def _go_to_pair(state: ViewsState, asked: Asked) -> None:
    names = tuple(map(str, asked.get("pair", ())))
    for pair in PairHistory.kept().seen:
        if pair.names == names:
            page.go(pair.page, pair.link)


def _go_to_view(state: ViewsState, asked: Asked) -> None:
    views, (k,) = state.views(), _numbers(asked, "view")
    if saved_views.list_stamp(views) != _stamp(asked):
        raise ValueError(saved_views.CHANGED)
    page.go(views[k].page, views[k].link)


def _present(state: ViewsState, asked: Asked) -> None:
    (k,) = _numbers(asked, "view")
    state.present = min(max(k, 0), len(state.views()))
    if state.present:
        state.show(state.present)


_ACTS: dict[str, Callable[[ViewsState, Asked], None]] = {
    "pair": _go_to_pair,
    "view": _go_to_view,
    "present": _present,
    "save": _save,
    "import": _import,
    "rename": _rename,
    "move": _move,
    "delete": _delete,
    "undo": lambda state, _: state.undo(),
    "adopt": lambda state, _: state.adopt(),
    "close": lambda state, _: state.close(),
}


def _acted() -> None:
    """Do what was clicked, once however often it is told; what is wrong with it is told in the panel."""
    asked, state = sent(_KEY).get("act") or {}, ViewsState.kept()
    act, number = _ACTS.get(asked.get("what", "")), asked.get("number")
    if act is None or not isinstance(number, int) or number <= state.answered:
        return
    state.change(answered=number, problem="")
    try:
        act(state, asked)
    except (ValueError, OSError, IndexError) as problem:
        state.problem = sentence(problem)


# -- at the top of a page ----------------------------------------------------------------------------------------------


def begin_page(name: str, pages: dict[str, st.Page], titles: dict[str, str]) -> None:
    """Begin a run of the app: follow where it was asked to go, and show what all pages share.

    Args:
        name: of the page that is shown, a file in pages/.
        pages: those that whoever asks may see, by file.
        titles: of all of them, by file.
    """
    page.set_page(name)
    page.follow_link()
    state = ViewsState()
    state.settle_presentation()
    page.set_common_link(state.link())
    page.follow_place(pages)
    data = {"page": name, "pairs": [pair_item(pair, titles) for pair in PairHistory.kept().seen]}
    st.html(STYLE)
    with st.container(key="common"):
        frontend.saved(_KEY, data | _list_data(state, titles), _acted)


def pair_item(pair: SeenPair, titles: Mapping[str, str]) -> dict[str, str]:
    """Return what the front end is told of a pair."""
    name, space, zoo, a, b = pair.names
    return {"page": name, "space": space, "zoo": zoo, "a": a, "b": b, "about": f"{titles.get(name, name)} · {zoo}"}


def _list_data(state: ViewsState, titles: Mapping[str, str]) -> dict[str, Any]:
    """What the front end is told of the list."""
    (views, problem), before = _read(state), state.before
    text = saved_views.link_text(views)
    return {
        "answered": state.answered,
        "present": state.present,
        "title": titles[page.page_shown()],
        "views": [{"name": view.name, "about": _about(view, titles)} for view in views],
        "stamp": saved_views.list_stamp(views),
        "carried": bool(state.carried),
        "visitor": is_visitor(),
        "problem": state.problem or problem,
        "undo": before.words if before else "",
        "packed": text if len(text) <= saved_views.MOST_PACKED else "",
        "text": saved_views.text_of(views),
    }


def _about(view: SavedView, titles: Mapping[str, str]) -> str:
    ends = [view.link[end] for end in ("a", "b") if end in view.link]
    return " · ".join([titles.get(view.page, view.page), *([" → ".join(ends)] if len(ends) == 2 else [])])


def _read(state: ViewsState) -> tuple[Views, str]:
    """The list that is shown, and why there is none if it cannot be read."""
    try:
        return state.views(), ""
    except (ValueError, OSError) as problem:
        return [], sentence(problem)
