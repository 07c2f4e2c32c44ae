"""The state of a page: its fields, the link that holds them, and what it has to say on its next run.

This is the only module of the app that touches the session's state. A page declares its fields once, as attributes of a
subclass of `PageState`; everything else reads and changes them through an instance of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, ClassVar, Generic, Self, TypeVar, overload

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.state.session_state_proxy import get_session_state

from app.backend.visitors import is_visitor
from app.backend.words import plain, sentence

T = TypeVar("T")


class Slot(StrEnum):
    """Where the session keeps what all pages share."""

    LINKED = "page.linked"
    """keys of the values that the link holds"""
    LINK = "page.link"
    """the link as it was written last"""
    CLICKED = "page.clicked"
    """the button that was clicked last, and when, until a run has reached it"""
    VERSION = "page.version"
    """of the state, for the views"""
    NOTICES = "page.notices"
    """sentences that wait to be shown"""
    SHOWN = "page.shown"
    """sentences that were shown in this run"""
    FAILED = "page.failed"
    """what went wrong with files that were asked for, by the key of their button"""
    PAGE = "page.page"
    """the file in pages/ that is shown, without its suffix"""
    COMMON = "page.common"
    """what the links of all pages hold beside their own parameters"""
    PLACE = "page.place"
    """a page and a link to go to at the beginning of the next run"""


class Store(MutableMapping[str, Any]):
    """What a session keeps: as `st.session_state`, but a run never ends where it is read or written.

    Streamlit would end it there if another run is asked for meanwhile, also in the midst of a callback: what a click
    asked for would be done by half or not at all. Like this a run ends where it draws something.
    """

    def __getitem__(self, key: str) -> Any:
        kept = get_session_state()
        with kept._lock:
            return kept._state[key]

    def __setitem__(self, key: str, value: Any) -> None:
        kept = get_session_state()
        with kept._lock:
            kept._state[key] = value

    def __delitem__(self, key: str) -> None:
        kept = get_session_state()
        with kept._lock:
            del kept._state[key]

    def __iter__(self) -> Iterator[str]:
        return iter(get_session_state().filtered_state)

    def __len__(self) -> int:
        return len(get_session_state().filtered_state)


STORE = Store()


class PageField(Generic[T]):
    """A value that lasts as long as the session, and its parameter in the link.

    Args:
        default: the value to begin with, or a function of the state that returns it.
        link: name of the parameter, or a function of the state that returns it; None keeps the field out of the link.
        parse: turns the link's text into a value; raises ValueError with a sentence for the page.
        check: takes the state and a value from the link or an earlier run, and returns the value to use; raises
            ValueError with a sentence where it is not allowed here.
        write: turns a value into the link's text; None leaves the parameter out.
        terse: leave the parameter out while the field has its default.

    A link's value that is refused is told on the page. A kept value that is refused, say the network of another zoo,
    is silently replaced by the default, as is None.
    """

    def __init__(
        self,
        default: T | Callable[[Any], T],
        *,
        link: str | Callable[[Any], str] | None = None,
        parse: Callable[[str], T] | None = None,
        check: Callable[[Any, T], T] | None = None,
        write: Callable[[T], str | None] = str,
        terse: bool = False,
    ) -> None:
        self.default, self.parse, self.check, self.write, self.terse = default, parse, check, write, terse
        self._link, self.name = link, ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, state: None, owner: type) -> PageField[T]: ...
    @overload
    def __get__(self, state: PageState, owner: type) -> T: ...
    def __get__(self, state, owner):
        if state is None:
            return self
        unsettled = None if callable(self.default) else self.default
        return STORE.get(self.key(state), unsettled)

    def __set__(self, state: PageState, value: T) -> None:
        STORE[self.key(state)] = value
        if self.link(state) is not None:
            STORE.setdefault(Slot.LINKED, set()).add(self.key(state))

    def key(self, state: PageState) -> str:
        """Where the session keeps it."""
        return f"{state.key}.{self.name}"

    def link(self, state: PageState) -> str | None:
        return self._link(state) if callable(self._link) else self._link

    def usual(self, state: PageState) -> T:
        """Its default on this page."""
        return self.default(state) if callable(self.default) else self.default

    def settle(self, state: PageState) -> None:
        """Take the value from the session, else from the link, else the default."""
        new = self.key(state) not in STORE
        try:
            value = self._asked(state) if new else self.__get__(state, type(state))
            if value is not None and self.check:
                value = self.check(state, value)
        except ValueError as problem:
            value = None
            if new:
                notice(str(problem))
        self.__set__(state, self.usual(state) if value is None else value)

    def text(self, state: PageState) -> str | None:
        """What the link holds of it; None for nothing."""
        value = self.__get__(state, type(state))
        if value is None or (self.terse and value == self.usual(state)):
            return None
        return self.write(value)

    def _asked(self, state: PageState) -> T | None:
        link = self.link(state)
        text = None if link is None else in_link(link)
        return text if text is None or self.parse is None else self.parse(text)


class PageState:
    """The fields of a page or of a part of it, settled in the order in which they are declared.

    Subclasses that need something to check their fields by, say the networks of a zoo, set it before they call
    `__init__`. States with the same key share their values, also across pages; a class that has one key
    names it as `key`.
    """

    fields: ClassVar[dict[str, PageField]] = {}
    key = ""

    def __init_subclass__(cls, **given) -> None:
        super().__init_subclass__(**given)
        declared = [vars(base) for base in reversed(cls.__mro__)]
        cls.fields = {
            name: field for names in declared for name, field in names.items() if isinstance(field, PageField)
        }

    def __init__(self, key: str = "") -> None:
        self.key = key or self.key
        for field in self.fields.values():
            field.settle(self)

    @classmethod
    def kept(cls, key: str = "") -> Self:
        """The state as earlier runs left it, to write to before a page knows what to check its fields by."""
        state = cls.__new__(cls)
        state.key = key or cls.key
        return state

    @classmethod
    def ignore_link(cls, key: str) -> None:
        """Have fields that no run has settled yet begin with their defaults, although the link names them.

        Its parameters are those of a state with another key.
        """
        state = cls.kept(key)
        for name in cls.fields:
            setattr(state, name, getattr(state, name))

    def change(self, **values: object) -> None:
        """Set fields by name, as callbacks do."""
        for name, value in values.items():
            if not hasattr(type(self), name):
                raise AttributeError(f"{type(self).__name__} has no field {name}")
            setattr(self, name, value)

    def link(self) -> dict[str, str]:
        """What the link holds of these fields, by parameter."""
        texts = {field.link(self): field.text(self) for field in self.fields.values() if field.link(self) is not None}
        return {name: text for name, text in texts.items() if text is not None}

    def once(self, name: str) -> Any:
        """Return the value of a field that is to be used once: it has its default from now on."""
        value, field = getattr(self, name), self.fields[name]
        setattr(self, name, field.usual(self))
        return value

    def widget(
        self, name: str, item: Any = None, shown: Any = None, then: Callable[[], None] | None = None, lazy: bool = False
    ) -> dict[str, Any]:
        """Return the arguments `key` and `on_change` of a widget that shows a field and changes it.

        The field outlives the widget, which Streamlit forgets as soon as a run does not reach it.

        Args:
            item: index or key of the item of the field that the widget is about, if not about all of it.
            shown: what the widget shows, if not the field as it is.
            then: called after a change.
            lazy: whether the browser lays it out once it is opened, as all in a popover: it has heard of the last run
                alone, and is told the value by every one.
        """
        key, value = self._widget_key(name, item), getattr(self, name)
        now = shown if shown is not None else value if item is None else value[item]
        # what is set is sent, and would replace what is typed meanwhile
        if lazy or key not in STORE or STORE[key] != now:
            STORE[key] = now

        def changed() -> None:
            value = self.typed(name, item) if key in STORE else None
            if value is None:  # the chosen one of a row of buttons was clicked again, or the page was left meanwhile
                return
            self.change(**{name: value if item is None else with_item(getattr(self, name), item, value)})
            if then:
                then()

        return {"key": key, "on_change": changed}

    def typed(self, name: str, item: Any = None) -> Any:
        """What a widget shows by now; for a button whose click may come before the change of the widget is noted."""
        return STORE[self._widget_key(name, item)]

    def _widget_key(self, name: str, item: Any) -> str:
        return ".".join((self.key, name, *([] if item is None else [str(item)]), "widget"))


def with_item(items: Any, item: Any, value: Any) -> Any:
    """Return a list or a dictionary with another value at an index or a key."""
    changed = items.copy()
    changed[item] = value
    return changed


def sent(view: str) -> Mapping[str, Any]:
    """What a view of the front end has sent since it was mounted, by the name of its trigger; for callbacks."""
    return STORE.get(view) or {}


CLICK_LASTS = 60.0
"""seconds after which a click that no run has reached is forgotten"""


def button(words: str, key: str, place: Any = st, **looks: Any) -> bool:
    """A button; whether it was clicked. Unlike that of `st.button` the click is kept until a run has reached it.

    Streamlit drops it with the run that it asked for, if another run interrupts that one before it gets to the button.

    Args:
        place: a column or container.
        looks: arguments of `st.button`.
    """
    store = STORE
    place.button(words, key=key, on_click=_note_click, args=(key,), **looks)
    clicked, since = store.get(Slot.CLICKED, ("", 0.0))
    if clicked != key:
        return False
    del store[Slot.CLICKED]
    return time.monotonic() - since < CLICK_LASTS and not looks.get("disabled")


def _note_click(key: str) -> None:
    STORE[Slot.CLICKED] = (key, time.monotonic())


# -- links -----------------------------------------------------------------------------------------------------------


def in_link(name: str) -> str | None:
    """The text of a parameter of the link as the browser has it; None if it has none."""
    return st.query_params.get(name)


def went_back() -> bool:
    """Whether the browser asked for this run because its user went back or forward in its history.

    A link that differs from the one that was written last does not say so: the browser may not have heard of that yet.
    """
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def follow_link() -> None:
    """If the browser went back or forward to another link of this session, drop the state that the link holds."""
    store, link = STORE, st.query_params.to_dict()
    if went_back() and link and link != store.get(Slot.LINK, link):
        store[Slot.LINK] = link
        _drop_linked()


def _drop_linked() -> None:
    """Drop the state that the link holds: it is settled anew."""
    store = STORE
    for key in store.get(Slot.LINKED, ()):
        store.pop(key, None)
    adopt()


def write_link(link: dict[str, str]) -> None:
    """Make the address bar hold this link, and what those of all pages hold."""
    link = link | STORE.get(Slot.COMMON, {})
    STORE[Slot.LINK] = link
    if st.query_params.to_dict() != link:
        st.query_params.from_dict(link)


def set_common_link(link: dict[str, str]) -> None:
    """Have the links of all pages hold these parameters from now on."""
    STORE[Slot.COMMON] = link


def names_in_link() -> set[str]:
    """Names of the link's parameters as the browser has them."""
    return set(st.query_params)


def set_page(name: str) -> None:
    """Note which file in pages/ is shown."""
    STORE[Slot.PAGE] = name


def page_shown() -> str:
    """The file in pages/ that is shown, without its suffix."""
    return STORE.get(Slot.PAGE, "")


def go(name: str, link: Mapping[str, str]) -> None:
    """Have the next run begin with another page, or the same, as a link without the common parameters has it."""
    STORE[Slot.PLACE] = (name, dict(link))


def follow_place(pages: Mapping[str, Any]) -> None:
    """Go where `go` said, if it did: that ends the run. Back in the browser leads to where it was before.

    Args:
        pages: those of the app as Streamlit knows them, by file; other places are told as a notice.
    """
    name, link = STORE.pop(Slot.PLACE, ("", {}))
    if not name:
        return
    if name not in pages:
        notice(f"The page “{name}” is not shown here.")
        return
    _drop_linked()
    st.switch_page(pages[name], query_params=link | STORE.get(Slot.COMMON, {}))


def state_version() -> int:
    """Version of the state, which a view adopts whenever it is a new one."""
    return STORE.setdefault(Slot.VERSION, 0)


def adopt() -> None:
    """Have the views adopt the state, which something else than they has changed."""
    STORE[Slot.VERSION] = state_version() + 1


# -- runs ------------------------------------------------------------------------------------------------------------


def refresh() -> None:
    """Rerun the whole page for something that became known in the background: notices that are shown stay."""
    store = STORE
    store[Slot.NOTICES] = list(dict.fromkeys([*store.get(Slot.SHOWN, []), *store.get(Slot.NOTICES, [])]))
    st.rerun()


def notice(words: str) -> None:
    """Keep a sentence for the page to show on this run or the next, as text: links and files may be quoted in it."""
    STORE.setdefault(Slot.NOTICES, []).append(words)


@contextmanager
def problems_noticed() -> Iterator[None]:
    """Around what a click does: what is wrong with it is told on the next run."""
    try:
        yield
    except (ValueError, OSError) as problem:
        notice(sentence(problem))


def failed_files() -> dict[str, str]:
    """Return what went wrong with files that were asked for, by the key of their button; threads may write to it."""
    return STORE.setdefault(Slot.FAILED, {})


def has_notices() -> bool:
    """Whether a sentence waits to be shown."""
    return bool(STORE.get(Slot.NOTICES))


def show_notices() -> None:
    """Show the sentences that wait, once."""
    store = STORE
    sentences = store.pop(Slot.NOTICES, [])
    store[Slot.SHOWN] = [*store.get(Slot.SHOWN, []), *sentences]
    for words in sentences:
        st.warning(plain(words))


def show_command(words: str, caption: str = "", place: Any = st) -> None:
    """Show a command to be typed where the app runs, under a caption; visitors have no use for it, and see neither."""
    if not is_visitor():
        if caption:
            place.caption(caption)
        place.code(words, language="bash", wrap_lines=True)


def begin_run() -> None:
    """Called once a run, before the page's fields are settled."""
    follow_link()
    STORE[Slot.SHOWN] = []
