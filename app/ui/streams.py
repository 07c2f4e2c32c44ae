"""What is computed in the background, sent to a view of the front end as it becomes ready."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import streamlit as st

from app import frontend
from app.ui import page


class Streamed(Protocol):
    """Background work whose results are sent as packets."""

    @property
    def done(self) -> bool: ...

    def first_ready(self) -> None:
        """Wait until there is something to see where the slider is."""

    def feeds(self, view: str) -> Iterator[tuple[str, bytes | None]]:
        """Names and contents of all packets; None for those that are not ready yet."""


def stream(work: Streamed, view: str, after: Callable[[], None] = lambda: None, wait: bool = True) -> None:
    """Send a view everything that is ready, once a second until all is; `after` is called after each time.

    With `wait` the run waits for the first results, so that the view is not empty; without it the page answers clicks
    meanwhile.
    """
    done = work.done

    def send() -> None:
        if wait:
            work.first_ready()
        with st.container(key="feeds", gap=None):
            for name, content in work.feeds(view):
                if content:
                    frontend.feed(f"{view}-{name}", content)
        after()
        if work.done and not done:
            page.refresh()  # a whole run ends the polling; packets sent again by this fragment would not travel twice

    st.fragment(send, run_every=None if done else 1)()
