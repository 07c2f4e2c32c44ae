"""Who looks: the user of this machine, or visitors, for whom nothing is started, stopped or written and no path shown.

NETSPACE_VISITORS=1 makes everybody a visitor, 0 nobody. Otherwise those are who come from elsewhere: the app listens
on more than this machine, or is asked under a name that is not this machine's, or by way of a proxy that says so.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

import pandas as pd
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from netspace import folders

Given = ParamSpec("Given")
Told = TypeVar("Told")

VARIABLE = "NETSPACE_VISITORS"
REFUSED = "Visitors of this app look at what is here; nothing is started, stopped or saved for them."
PROXIES = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
"""headers by which a proxy tells that it stands between"""


class RefusedToVisitors(ValueError):
    """Something that is not done for visitors."""

    def __init__(self) -> None:
        super().__init__(REFUSED)


_marked: ContextVar[bool | None] = ContextVar("visitor", default=None)
"""for whom a thread works that is no session's; None in those of sessions"""


def is_visitor() -> bool:
    """Return whether the session that asks, or for which this thread works, is a visitor's."""
    marked = _marked.get()
    if marked is not None:
        return marked
    session = get_script_run_ctx(suppress_warning=True)
    headers = {name.lower(): value for name, value in st.context.headers.items()} if session else {}
    return comes_from_elsewhere(os.environ.get(VARIABLE, ""), st.config.get_option("server.address"), headers)


@contextmanager
def working_for(visitor: bool) -> Iterator[None]:
    """Inside, this thread works for a visitor, or not."""
    before = _marked.set(visitor)
    try:
        yield
    finally:
        _marked.reset(before)


def comes_from_elsewhere(setting: str, address: str | None, headers: Mapping[str, str]) -> bool:
    """Return whether a session is a visitor's.

    Args:
        setting: value of NETSPACE_VISITORS; empty if it is not set.
        address: on which the app listens; None: on all.
        headers: of the request, by names in lower case; empty where no browser is served, as in tests of pages.
    """
    if setting:
        return setting.strip().lower() not in ("0", "no", "off", "false")
    if not headers:
        return False
    return (
        not _is_this_machine(address or "")
        or not _is_this_machine(urlsplit(f"//{headers.get('host', '')}").hostname or "")
        or any(name in headers for name in PROXIES)
    )


def _is_this_machine(name: str) -> bool:
    """Whether a host's name or address is that of this machine for itself."""
    name = name.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def not_for_visitors(function: Callable[Given, Told]) -> Callable[Given, Told]:
    """Decorate what starts, stops or writes something: for visitors it raises RefusedToVisitors before it does."""

    @functools.wraps(function)
    def guarded(*args: Given.args, **kwargs: Given.kwargs) -> Told:
        if is_visitor():
            raise RefusedToVisitors
        return function(*args, **kwargs)

    return guarded


# -- what visitors read ----------------------------------------------------------------------------------------------

_WORD = r"[^\s'\"“”,;:()\[\]]"
PATH_IN_TEXT = re.compile(
    rf"(?<![\w.:/\\~)-])(?:~?/(?=[^\s/])|[A-Za-z]:[\\/]|\\\\){_WORD}*(?:(?: (?!/){_WORD}+?){{1,4}}[/\\]{_WORD}*)*"
)
"""a path of this machine in a text, with names that hold blanks if another slash follows"""
INSTEAD = "…"


def seen(words: str) -> str:
    """Return a text as whoever asks may read it: for visitors without paths of this machine."""
    return _without_paths(words) if is_visitor() else words


def seen_data(data: Told) -> Told:
    """Return rows, tables or what a view is told as whoever asks may read it."""
    return _each(data) if is_visitor() else data


def _each(data: Any) -> Any:
    if isinstance(data, str):
        return _without_paths(data)
    if isinstance(data, pd.DataFrame):
        return data.apply(lambda column: column.map(_each) if column.dtype.kind not in "biufcmM" else column)
    if isinstance(data, Mapping):
        return {name: _each(value) for name, value in data.items()}
    if isinstance(data, list | tuple) and not (data and isinstance(data[0], int | float)):
        found = [_each(value) for value in data]
        return type(data)(*found) if hasattr(data, "_fields") else type(data)(found)
    return data


def _without_paths(words: str) -> str:
    for place in _places():
        words = words.replace(f"{place}{os.sep}", INSTEAD).replace(place, INSTEAD)
    return PATH_IN_TEXT.sub(INSTEAD, words)


@functools.cache
def _places() -> tuple[str, ...]:
    """Folders whose paths may hold blanks, the longest first."""
    named = os.environ.get("NETSPACE_FOLDERS", "").split(os.pathsep)
    found = {str(p) for p in (folders.HOME, folders.ASSETS, folders.CODE, Path.home(), *map(Path, filter(None, named)))}
    return tuple(sorted((place for place in found if len(place) > 1), key=len, reverse=True))
