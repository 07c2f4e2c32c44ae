"""The sidebar: the space and the zoo that a page shows, kept for the session and in the link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from app.backend import catalogue
from app.backend.catalogue import Found, Loaded
from app.backend.visitors import REFUSED, is_visitor
from app.backend.words import plain, sentence
from app.tasks import APP_TASKS, AppTask, tasks_of_page
from app.ui import page
from app.ui.page import PageField, PageState

CHOICES = {
    "space": "A trained encoder and decoder. The encoder reads a network's weights, or its answers at fixed inputs.",
    "zoo": "A folder of trained networks.",
}


@dataclass(frozen=True)
class Subject:
    """The networks that a page is about."""

    what: str
    """in words; empty for networks of any kind"""
    tasks: tuple[AppTask, ...]

    @classmethod
    def of_page(cls, page: str) -> Subject:
        """The kinds of network that a page in pages/ shows."""
        tasks = tasks_of_page(page)
        return cls(" or ".join(task.networks for task in tasks), tasks)

    @property
    def commands(self) -> str:
        """Commands that make a zoo and a space of them."""
        return self.tasks[0].commands

    def suits(self, found: Found) -> bool:
        """Whether a folder is offered; unreadable ones are, so that the page says what is wrong with them."""
        return not found.data or found.task in {task.name for task in self.tasks}


ANY_NETWORKS = Subject("", tuple(APP_TASKS.values()))


# -- what is offered ---------------------------------------------------------------------------------------------------

Offers = dict[str, dict[str, Found]]
"""Spaces and zoos by id."""


def offers(subject: Subject) -> Offers:
    """Return what suits a page: folders that can be read first, by kind of networks; of images those of digits."""
    order = {task: k for k, task in enumerate(APP_TASKS)}
    found = sorted(catalogue.find(), key=lambda f: (order.get(f.task, len(order)), f.data != "digits"))
    return {kind: {f.id: f for f in found if f.kind == kind and subject.suits(f)} for kind in CHOICES}


def partner(one: Found | None, others: dict[str, Found]) -> str | None:
    """Return the id of a zoo for a space, or the reverse: of those that fit, the one beside it, else the first."""
    fitting = [other for other in others.values() if one and one.fits(other)]
    if fitting:
        return min(fitting, key=lambda other: other.folder.parent != one.folder.parent).id
    return next(iter(others), None)


class ChoiceState(PageState):
    """The ids of the chosen space and zoo; None if there is none to choose."""

    key = "choice"

    def __init__(self, subject: Subject) -> None:
        self.subject, self.offered = subject, offers(subject)
        super().__init__()

    def used(self) -> tuple[str | None, str | None]:
        """The space and the zoo of this kind that were shown last, else the first that are offered."""
        for space, zoo in self.history:
            if space in self.offered["space"] and zoo in self.offered["zoo"]:
                return space, zoo
        space = next(iter(self.offered["space"]), None)
        return space, partner(self.offered["space"].get(space), self.offered["zoo"])

    def usual_space(self) -> str | None:
        zoo = self.offered["zoo"].get(self.zoo or page.in_link("zoo"))
        return partner(zoo, self.offered["space"]) if zoo else self.used()[0]

    def usual_zoo(self) -> str | None:
        space, zoo = self.used()
        return zoo if space == self.space else partner(self.offered["space"].get(self.space), self.offered["zoo"])

    def check(self, kind: str, id: str) -> str:
        if id in self.offered[kind]:
            return id
        here = any(f.id == id and f.kind == kind for f in catalogue.find())
        why = f"holds no {self.subject.what}" if here else "is not here"
        raise ValueError(f"The link names the {kind} “{id}”, which {why}; showing another.")

    def follow(self, kind: str) -> None:
        """Have the other of space and zoo follow the one that was chosen, if the two do not fit together."""
        (other,) = CHOICES.keys() - {kind}
        offered = offers(self.subject)
        chosen, beside = offered[kind].get(getattr(self, kind)), offered[other].get(getattr(self, other))
        if chosen and not (beside and chosen.fits(beside)):
            setattr(self, other, partner(chosen, offered[other]))

    history = PageField[tuple[tuple[str, str], ...]](())
    """pairs of space and zoo, the last used first"""
    space = PageField[str | None](usual_space, link="space", check=lambda state, id: state.check("space", id))
    zoo = PageField[str | None](usual_zoo, link="zoo", check=lambda state, id: state.check("zoo", id))

    @property
    def chosen(self) -> dict[str, Found | None]:
        return {kind: self.offered[kind].get(getattr(self, kind)) for kind in CHOICES}


def choose_zoo(id: str) -> None:
    """Choose a zoo from elsewhere than the sidebar; shown from the next run on."""
    ChoiceState.kept().zoo = id


# -- the sidebar -------------------------------------------------------------------------------------------------------


def without_choice() -> None:
    """Begin a page that is about no space and no zoo."""
    page.begin_run()
    with st.sidebar:
        _device()


def choose(subject: Subject, without_zoo: Callable[[Found], None] | None = None) -> Loaded:
    """Begin a page: return the space and the zoo that are chosen, or end the page with what is wrong with them.

    Args:
        without_zoo: called with a space that no zoo fits, to offer what can be done.
    """
    page.begin_run()
    state = ChoiceState(subject)
    with st.sidebar:
        for kind, help in CHOICES.items():
            _choice(state, kind, help)
        st.divider()
        _device()
    now = (state.space, state.zoo)
    state.history = (now, *(pair for pair in state.history if pair != now))
    return _load(state, without_zoo)


def last_used(subject: Subject) -> Loaded | None:
    """The space and the zoo of another subject that were shown last; None if they cannot be loaded."""
    state = ChoiceState.kept()
    state.subject, state.offered = subject, offers(subject)
    chosen = {kind: state.offered[kind].get(id) for kind, id in zip(CHOICES, state.used(), strict=True)}
    try:
        return catalogue.load(**chosen) if all(chosen.values()) else None
    except ValueError:
        return None


def choice_link(loaded: Loaded) -> dict[str, str]:
    """What the link holds of the choice."""
    return {"space": loaded.space_info.id, "zoo": loaded.zoo_info.id}


def _choice(state: ChoiceState, kind: str, help: str) -> None:
    options, chosen = state.offered[kind], state.chosen[kind]
    st.selectbox(
        kind.capitalize(), list(options), format_func=lambda id: options[id].title, help=help,
        placeholder="none found", **state.widget(kind, then=lambda: state.follow(kind)),
    )  # fmt: skip
    if chosen:
        st.caption(plain(chosen.note))


def _device() -> None:
    st.caption(f"Running on {catalogue.device_name()}")
    if is_visitor():
        st.caption(REFUSED)


def _load(state: ChoiceState, without_zoo: Callable[[Found], None] | None) -> Loaded:
    chosen, subject = state.chosen, state.subject
    space = chosen["space"]
    if without_zoo and space and space.family and not any(map(space.fits, state.offered["zoo"].values())):
        page.show_notices()
        st.info(f"No zoo here fits the space {plain(space.title)}.", icon=":material/scatter_plot:")
        without_zoo(space)
        st.stop()
    missing = [kind for kind, folder in chosen.items() if folder is None]
    if missing:
        page.show_notices()
        holds = f" that holds {subject.what}" if subject.what else ""
        st.info(
            f"No {missing[0]}{holds} was found in assets/ or runs/, nor in the folders named in NETSPACE_FOLDERS."
            + ("" if is_visitor() else " Make one:")
        )
        page.show_command(subject.commands)
        st.stop()
    try:
        loaded = catalogue.load(**chosen)
        if catalogue.zoo_problem(loaded):
            st.sidebar.warning(plain(sentence(catalogue.zoo_problem(loaded))))
        return loaded
    except ValueError as error:
        page.show_notices()
        st.error(f"{plain(sentence(error))} Choose another space or zoo in the sidebar.")
        st.stop()
