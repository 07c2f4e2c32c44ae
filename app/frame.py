"""What all pages share: the sidebar with what is loaded, the state that links hold, and how problems are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from app import session
from app.session import Found, Loaded

STYLE = """
<style>
.stMainBlockContainer { padding: 3.4rem 2.2rem 3rem; max-width: 1500px; }
[class*="st-key-feeds"] { display: none; }
h5 { padding: 0 0 1rem !important; }
@media (max-width: 1100px) { h1 { font-size: 2.1rem !important; } }
</style>
"""

KINDS = {
    "space": "A trained encoder and decoder. One that reads weights knows the networks it was trained on; one that "
    "reads answers also understands networks it has never seen.",
    "zoo": "A folder of trained networks.",
}


def linked(key: str, name: str, fallback: Any, accept: Callable[[Any], Any]) -> Any:
    """A value kept in the session under `key`; in a new session the link's parameter `name`.

    `accept` returns the value to keep, or raises ValueError with a sentence for the page; then `fallback` is kept.
    """
    state = st.session_state
    state.setdefault("linked", set()).add(key)
    asked = state.get(key, st.query_params.get(name))
    if asked is not None:
        try:
            state[key] = accept(asked)
            return state[key]
        except ValueError as problem:
            state.setdefault("notices", []).append(str(problem))
    state[key] = fallback
    return fallback


def acted() -> None:
    """Called where a user changed the state: the link follows the state, not the other way round."""
    st.session_state["acted"] = True


def token() -> int:
    """Changes when the state was set by something else than the viewer, which then shows that state."""
    return st.session_state.setdefault("token", 0)


def retold() -> None:
    """The viewer is to show the session's state."""
    st.session_state["token"] = token() + 1


def follow_link() -> None:
    """Where the browser went back or forward to another link of this session, take the state from that link."""
    state, link = st.session_state, st.query_params.to_dict()
    if not state.pop("acted", False) and link and link != state.get("link", link):
        for key in state["linked"]:
            state.pop(key, None)
        retold()


def write_link(link: dict[str, str]) -> None:
    """Make the address bar hold the state."""
    st.session_state["link"] = link
    st.session_state.pop("acted", None)  # a fragment ran alone: the next run may be the browser going back
    if st.query_params.to_dict() != link:
        st.query_params.from_dict(link)


def notices() -> None:
    """Show, once, what could not be done as the link or the session asked."""
    for sentence in st.session_state.pop("notices", []):
        st.warning(sentence)


def one_of(options: list[str], sentence: str) -> Callable[[str], str]:
    """For `linked`: accepts these options; the sentence says what is wrong with another, which it names as {}."""

    def accept(asked: str) -> str:
        if asked not in options:
            raise ValueError(sentence.format(f"“{asked}”"))
        return asked

    return accept


def sidebar() -> None:
    """Choose space and zoo; the choice is kept while the session lasts and stands in the link."""
    st.html(STYLE)
    follow_link()
    found = session.find()
    with st.sidebar:
        for kind, words in KINDS.items():
            options = {f.id: f for f in found if f.kind == kind}
            ids = list(options)
            sentence = f"The link names the {kind} {{}}, which is not here; showing another."
            linked(f"{kind}_id", kind, ids[0] if ids else None, one_of(ids, sentence))
            st.session_state[f"{kind}_box"] = st.session_state[f"{kind}_id"]
            st.selectbox(
                kind.capitalize(), ids, key=f"{kind}_box", format_func=lambda i, o=options: o[i].title, help=words,
                placeholder="none found", on_change=_choose, args=(kind,),
            )  # fmt: skip
            if st.session_state[f"{kind}_id"]:
                st.caption(options[st.session_state[f"{kind}_id"]].note)
        st.divider()
        st.caption(f"Running on {session.device_name()}")


def _choose(kind: str) -> None:
    st.session_state[f"{kind}_id"] = st.session_state[f"{kind}_box"]
    acted()


def loaded() -> Loaded:
    """The chosen space and zoo; where they cannot be loaded, the page says why and ends here."""
    found: dict[tuple[str, str], Found] = {(f.kind, f.id): f for f in session.find()}
    chosen = {kind: found.get((kind, st.session_state.get(f"{kind}_id"))) for kind in KINDS}
    missing = [kind for kind, folder in chosen.items() if folder is None]
    if missing:
        notices()
        st.info(
            f"No {missing[0]} was found in assets/ or runs/, nor in the folders named in NETSPACE_FOLDERS. Make one:"
        )
        st.code(
            "python -m netspace zoo fit-sdf --chairs 64 --out runs/my/zoo\n"
            "python -m netspace train --zoo runs/my/zoo --out runs/my/space",
            language="bash",
        )
        st.stop()
    try:
        return session.load(**chosen)
    except ValueError as error:
        notices()
        st.error(f"{str(error)[0].upper()}{str(error)[1:]}. Choose another space or zoo in the sidebar.")
        st.stop()
