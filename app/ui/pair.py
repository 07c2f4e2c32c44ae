"""Two networks of a zoo and the path between them: what pages keep of it, and how A and B are chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

import streamlit as st

from app.backend import catalogue
from app.backend.catalogue import Loaded
from app.backend.path import STEPS, absent_words, gamma_at, method_names, several, sides_between, step_at
from app.backend.words import plain
from app.tasks import app_task
from app.ui import links, page, sidebar
from app.ui.page import PageField, PageState, sent

MOST_PAIRS = 12
"""that a session remembers"""


class SeenPair(NamedTuple):
    """A pair that a page has shown, and how it was left."""

    page: str
    link: dict[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """What it is recognised by: page, space, zoo, A and B."""
        return (self.page, *(self.link.get(name, "") for name in ("space", "zoo", "a", "b")))


class PairHistory(PageState):
    """The pairs that this session has looked at, the last first."""

    key = "pairs"
    seen = PageField[tuple[SeenPair, ...]](())

    def note(self, pair: SeenPair) -> None:
        others = [other for other in self.seen if other.names != pair.names]
        self.seen = (pair, *others)[:MOST_PAIRS]


class PairState(PageState):
    """Networks A and B by name, a method that leads from one to the other, and a position on the path."""

    steps = STEPS
    """networks along the path"""

    def __init__(self, key: str, loaded: Loaded, pair: Callable[[Loaded], tuple[int, int]], gamma: float = 0.5) -> None:
        """`pair` returns the pair that the page opens with, at `gamma`, unless session or link say otherwise."""
        self.loaded, self.names, self.usual_gamma = loaded, loaded.names, gamma
        self._pair = pair
        super().__init__(key)

    @cached_property
    def usual(self) -> tuple[int, int]:
        """Ids of the pair that the page opens with."""
        return self._pair(self.loaded)

    def known(self, name: str) -> str:
        if name not in self.names:
            raise ValueError(f"There is no network “{name}” in the zoo {self.loaded.zoo_info.id}; showing another.")
        return name

    def leads(self, method: str) -> str:
        if method in self.methods:
            return method
        if method not in method_names():
            raise ValueError(f"There is no method “{method}”; the latent path is chosen.")
        raise ValueError(f"{' '.join(self.reasons)} The latent path is chosen.")

    a = PageField[str](lambda state: state.names[state.usual[0]], link="a", check=known)
    b = PageField[str](lambda state: state.names[state.usual[1]], link="b", check=known)
    gamma = PageField[float](lambda state: state.usual_gamma, link="gamma", parse=links.gamma, write="{:.5g}".format)
    method = PageField[str](lambda state: state.methods[0], link="method", check=leads)

    @property
    def ids(self) -> tuple[int, int]:
        """A and B as the backend knows them.

        A part of the page may be laid out alone after the state became another zoo's, and before the page has been laid
        out for that: then all of it is.
        """
        if not {self.a, self.b} <= set(self.names):
            page.refresh()
        return self.names.index(self.a), self.names.index(self.b)

    @property
    def ends(self) -> tuple[str, str]:
        """Names of A and B."""
        return self.a, self.b

    @ends.setter
    def ends(self, names: tuple[str, str]) -> None:
        self.a, self.b = names

    @property
    def frame_number(self) -> int:
        """The step of the path that is nearest to gamma."""
        return step_at(self.gamma, self.steps)

    @frame_number.setter
    def frame_number(self, step: int) -> None:
        self.gamma = gamma_at(step, self.steps)

    @property
    def shown_gamma(self) -> float:
        """Gamma of that step."""
        return gamma_at(self.frame_number, self.steps)

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that lead from A to B."""
        return sides_between(self.loaded, *self.ids)

    @property
    def absent(self) -> list[dict[str, str]]:
        """Methods that do not lead from A to B, and why."""
        return absent_words(self.loaded, *self.ids)

    @property
    def reasons(self) -> list[str]:
        """Why methods are absent, each reason once."""
        return list(dict.fromkeys(absent["help"] for absent in self.absent))

    @property
    def remarks(self) -> str:
        """Why a method is missing, and why the path may look broken; empty if there is nothing to say."""
        doubts = app_task(self.loaded).doubt(self.loaded, *self.ids), catalogue.broken(self.loaded, *self.ids)
        return " ".join(filter(None, [*self.reasons, *doubts]))

    def link(self) -> dict[str, str]:
        return sidebar.choice_link(self.loaded) | super().link()

    def write_link(self) -> None:
        """Write the link of a page that is about this pair, and remember the pair."""
        page.write_link(self.link())
        PairHistory.kept().note(SeenPair(page.page_shown(), self.link()))

    def swap(self) -> None:
        """Exchange A and B; the network in view stays the same."""
        self.change(a=self.b, b=self.a, gamma=1 - self.gamma)
        page.adopt()

    def draw(self) -> None:
        """Choose two networks at random."""
        a, b = catalogue.random_pair(self.loaded)
        self.change(a=self.names[a], b=self.names[b])

    def take_view(self, view: str, *fields: str) -> None:
        """Keep where the slider of a view was released, and the fields that it sends beside."""
        released = sent(view).get("view")
        if released:  # else the view was mounted anew
            self.change(frame_number=released["frame"], **{name: released[name] for name in fields})

    def take_method(self, view: str) -> None:
        """Keep the method that was clicked in a view."""
        self.change(method=sent(view).get("method") or self.method)


def shared_key(loaded: Loaded) -> str:
    """Key of the pair that the Map shares with the page of the networks' kind."""
    return app_task(loaded).pair_key


def choose_ends(state: PairState, order: Sequence[int]) -> None:
    """Choose A and B from lists of all networks, given by their ids in the order to show."""
    cards, family = catalogue.cards(state.loaded), several(state.loaded)
    options = {cards[i].name: cards[i] for i in order}

    def words(name: str) -> str:
        card = options[name]
        accuracy = "" if card.accuracy is None else f"{card.accuracy:.3f}"
        return " · ".join(filter(None, (name, card.arch if family else "", accuracy, card.split)))

    def choose(end: str) -> None:
        st.selectbox(
            f"Network {end.upper()}", list(options), label_visibility="collapsed",
            format_func=lambda name: f"{end.upper()}  {words(name)}", **state.widget(end),
        )  # fmt: skip

    with st.container(horizontal=True, vertical_alignment="bottom"):
        choose("a")
        st.button(":material/swap_horiz:", help="Swap A and B", on_click=state.swap)
        choose("b")
        st.button("Random pair", help="Two training networks, drawn at random", on_click=state.draw)


def show_remarks(state: PairState) -> None:
    if state.remarks:
        st.caption(plain(state.remarks))
