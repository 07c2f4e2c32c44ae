"""What all pages share: the sidebar with what is loaded, the state that links hold, and how problems are told."""

from __future__ import annotations

import itertools
import logging
import math
import mimetypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app import frontend as components
from app.backend import catalogue, classifiers, take_away
from app.backend.catalogue import Found, Loaded
from app.backend.classifiers import ClassifierWork
from app.backend.path import NetworkPath, absent_words, several, sides_between
from app.backend.preps import PrepPath
from app.backend.words import code, plain, sentence  # noqa: F401  (for the pages)

STYLE = """
<style>
.stMainBlockContainer { padding: 3.4rem 2.2rem 3rem; max-width: 1500px; }
[class*="st-key-feeds"] { display: none; }
h5 { padding: 0 0 1rem !important; }
@media (max-width: 1100px) { h1 { font-size: 2.1rem !important; } }
</style>
"""

SIDES = ("latent", "weights")
"""the methods that the pages compare, where both lead from A to B"""

KINDS = {
    "space": "A trained encoder and decoder. The encoder reads a network's weights, or its answers at fixed inputs.",
    "zoo": "A folder of trained networks.",
}


@dataclass(frozen=True)
class Shows:
    """What a page is about."""

    what: str
    """in a word; empty for networks of any kind"""
    accepts: Callable[[str], bool]
    """whether networks trained on this data are shown"""
    commands: str
    """what to run where there are none"""

    def suits(self, found: Found) -> bool:
        """Folders that cannot be read are offered everywhere: so that the page says what is wrong with them."""
        return not found.data or (found.task in catalogue.SHOWN and self.accepts(found.data))


SHAPES = Shows(
    "shapes",
    lambda data: data == "sdf",
    "python -m netspace zoo fit-sdf --chairs 64 --out runs/my/zoo\n"
    "python -m netspace train --zoo runs/my/zoo --out runs/my/space",
)
IMAGES = Shows(
    "image classifiers",
    lambda data: data != "sdf",
    "python -m netspace zoo fit-cnn --recipe digits-zoo --out runs/digits/zoo\n"
    "python -m netspace train --recipe digits-space --zoo runs/digits/zoo --out runs/digits/space",
)
ANYTHING = Shows("", lambda data: True, SHAPES.commands)


def linked(key: str, name: str, fallback: Any, accept: Callable[[Any], Any]) -> Any:
    """A value kept in the session under `key`; in a new session the link's parameter `name`.

    `accept` returns the value to keep, or raises ValueError with a sentence for the page; then `fallback` is kept. The
    sentence is shown where the link asked; what the session kept of another space or zoo is dropped without a word.
    """
    state = st.session_state
    state.setdefault("linked", set()).add(key)
    by_link = key not in state
    asked = st.query_params.get(name) if by_link else state[key]
    if asked is not None:
        try:
            state[key] = accept(asked)
            return state[key]
        except ValueError as problem:
            if by_link:
                notice(str(problem))
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
    sentences = st.session_state.pop("notices", [])
    st.session_state["noticed"] = [*st.session_state.get("noticed", []), *sentences]
    for words in sentences:
        st.warning(plain(words))


def rerun() -> None:
    """Lay the page out anew from within a part of it that is laid out alone.

    What asks for it may have left the browser before the newest link had come there: it is no way back.
    """
    acted()
    st.rerun()


def again() -> None:
    """As `rerun`, for what has become known in the background: what `notices` has shown stays."""
    state = st.session_state
    state["notices"] = list(dict.fromkeys([*state.get("noticed", []), *state.get("notices", [])]))
    rerun()


def has_notices() -> bool:
    """Whether there is anything for `notices` to show."""
    return bool(st.session_state.get("notices"))


def position(asked: str | float) -> float:
    """For `linked`: a gamma between 0 and 1."""
    try:
        gamma = float(asked)
        if math.isnan(gamma):
            raise ValueError
        return min(max(gamma, 0.0), 1.0)
    except ValueError:
        raise ValueError(f"The link's gamma “{asked}” is not a number; showing the middle of the path.") from None


def linked_path(key: str, loaded: Loaded, pair: tuple[int, int], gamma: float = 0.5) -> tuple[int, int]:
    """Ids of A and B as session and link have them, else those given; gamma and method are kept likewise."""
    names = loaded.names
    known = one_of(names, f"There is no network {{}} in the zoo {loaded.zoo_info.id}; showing another.")
    a, b = (names.index(linked(f"{key}_{end}", end, names[i], known)) for end, i in zip("ab", pair, strict=True))
    linked(f"{key}_gamma", "gamma", gamma, position)
    linked(f"{key}_method", "method", SIDES[0], method_between(loaded, a, b))
    return a, b


def method_between(loaded: Loaded, a: int, b: int) -> Callable[[str], str]:
    """For `linked`: accepts the methods that lead from A to B."""

    def accept(asked: str) -> str:
        if asked not in SIDES:
            raise ValueError(f"There is no method “{asked}”; the latent path is chosen.")
        if asked not in sides_between(loaded, a, b):
            (absent,) = absent_words(loaded, a, b)
            raise ValueError(f"{absent['help']} The latent path is chosen.")
        return asked

    return accept


def remarks(loaded: Loaded, a: int, b: int) -> str:
    """Why a side is missing, and why a path may look broken that is not; empty where there is no such reason."""
    reasons = [*(absent["help"] for absent in absent_words(loaded, a, b)), catalogue.doubt(loaded, a, b)]
    reasons.append(catalogue.broken(loaded, a, b))
    return " ".join(filter(None, reasons))


def path_link(key: str, loaded: Loaded) -> dict[str, str]:
    """What the link holds of a path."""
    state = st.session_state
    return {
        "space": loaded.space_info.id,
        "zoo": loaded.zoo_info.id,
        "a": state[f"{key}_a"],
        "b": state[f"{key}_b"],
        "gamma": f"{state[f'{key}_gamma']:.5g}",
        "method": state[f"{key}_method"],
    }


def swap(key: str) -> None:
    """B in the place of A; the same network stays in view."""
    state = st.session_state
    state[f"{key}_a"], state[f"{key}_b"] = state[f"{key}_b"], state[f"{key}_a"]
    state[f"{key}_gamma"] = 1 - state[f"{key}_gamma"]
    acted()
    retold()


def random_pair(key: str, loaded: Loaded) -> None:
    """Two other networks, drawn at random."""
    for end, i in zip("ab", catalogue.random_pair(loaded), strict=True):
        st.session_state[f"{key}_{end}"] = loaded.names[i]
    acted()


def take(key: str, end: str, name: str) -> None:
    """A network as A or as B."""
    st.session_state[f"{key}_{end}"] = name
    acted()


def choose_pair(key: str, loaded: Loaded, order: Sequence[int]) -> None:
    """A and B from lists of all networks in this order."""
    state, names, cards = st.session_state, loaded.names, catalogue.cards(loaded)

    family = several(loaded)

    def words(i: int) -> str:
        card = cards[i]
        accuracy = "" if card.accuracy is None else f"{card.accuracy:.3f}"
        return " · ".join(filter(None, (names[i], card.arch if family else "", accuracy, card.split)))

    columns = st.columns([10, 1.6, 10, 4], vertical_alignment="bottom")
    for column, end in ((columns[0], "a"), (columns[2], "b")):
        state[f"{key}_{end}_box"] = names.index(state[f"{key}_{end}"])
        column.selectbox(
            f"Network {end.upper()}",
            order,
            key=f"{key}_{end}_box",
            format_func=lambda i, end=end: f"{end.upper()}  {words(i)}",
            label_visibility="collapsed",
            on_change=lambda end=end: take(key, end, names[state[f"{key}_{end}_box"]]),
        )
    columns[1].button(":material/swap_horiz:", help="Swap A and B", on_click=swap, args=(key,), width="stretch")
    columns[3].button(
        "Random pair", help="Two networks of the training set, drawn at random", on_click=random_pair,
        args=(key, loaded), width="stretch",
    )  # fmt: skip


def notice(words: str) -> None:
    """Have a sentence shown by `notices`, as text: it may name what a link or a file says."""
    st.session_state.setdefault("notices", []).append(words)


def one_of(options: list[str], words: str) -> Callable[[str], str]:
    """For `linked`: accepts these options; the words say what is wrong with another, which they name as {}."""

    def accept(asked: str) -> str:
        if asked not in options:
            raise ValueError(words.format(f"“{asked}”"))
        return asked

    return accept


def offers(shows: Shows) -> dict[str, dict[str, Found]]:
    """Spaces and zoos that suit a page, by id: those that can be read first, shapes, digits, other images."""
    found = sorted(catalogue.find(), key=lambda f: (not f.data, f.data != "sdf", f.data != "digits"))
    return {kind: {f.id: f for f in found if f.kind == kind and shows.suits(f)} for kind in KINDS}


def partner(one: Found | None, others: dict[str, Found]) -> str | None:
    """The id of a zoo for a space, or of a space for a zoo: of those that fit, the one beside it or the first."""
    fitting = [other for other in others.values() if one and one.fits(other)]
    if fitting:
        return min(fitting, key=lambda other: other.folder.parent != one.folder.parent).id
    return next(iter(others), None)


def usual(offered: dict[str, dict[str, Found]]) -> dict[str, str | None]:
    """Ids of space and zoo where the session names none that suit: those last used, else the first."""
    for pair in st.session_state.get("history", []):
        if all(pair[kind] in offered[kind] for kind in KINDS):
            return pair
    space = next(iter(offered["space"]), None)
    return {"space": space, "zoo": partner(offered["space"].get(space), offered["zoo"])}


def sidebar(shows: Shows) -> dict[str, Found | None]:
    """Choose space and zoo; the choice is kept while the session lasts and stands in the link."""
    st.html(STYLE)
    follow_link()
    state, offered = st.session_state, offers(shows)
    state["noticed"] = []
    if "space_id" in state and state["space_id"] not in offered["space"]:  # chosen on a page of another kind
        state.update({f"{kind}_id": id for kind, id in usual(offered).items()})
    asked = offered["zoo"].get(state.get("zoo_id", st.query_params.get("zoo")))
    space = linked(
        "space_id", "space", partner(asked, offered["space"]) if asked else usual(offered)["space"],
        _suiting(shows, "space", offered["space"]),
    )  # fmt: skip
    linked(
        "zoo_id", "zoo", partner(offered["space"].get(space), offered["zoo"]), _suiting(shows, "zoo", offered["zoo"])
    )
    with st.sidebar:
        for kind, words in KINDS.items():
            options, chosen = offered[kind], state[f"{kind}_id"]
            state[f"{kind}_box"] = chosen
            st.selectbox(
                kind.capitalize(), list(options), key=f"{kind}_box", format_func=lambda i, o=options: o[i].title,
                help=words, placeholder="none found", on_change=_choose, args=(kind, shows),
            )  # fmt: skip
            if chosen:
                st.caption(plain(options[chosen].note))
        st.divider()
        st.caption(f"Running on {catalogue.device_name()}")
    now = {kind: state[f"{kind}_id"] for kind in KINDS}
    state["history"] = [now, *(pair for pair in state.get("history", []) if pair != now)]
    return {kind: offered[kind].get(now[kind]) for kind in KINDS}


def without_choice() -> None:
    """In the place of `sidebar`, for a page that is about no space and no zoo."""
    st.html(STYLE)
    follow_link()
    with st.sidebar:
        st.caption(f"Running on {catalogue.device_name()}")


def _suiting(shows: Shows, kind: str, options: dict[str, Found]) -> Callable[[str | None], str]:
    """For `linked`: accepts what the page can show."""

    def accept(asked: str | None) -> str:
        if asked not in options:
            here = next((f for f in catalogue.find() if f.id == asked and f.kind == kind), None)
            if here is None:
                why = "is not here"
            elif here.task not in catalogue.SHOWN:
                why = "holds networks of a kind that only the command line knows so far"
            else:
                why = f"holds no {shows.what}"
            raise ValueError(f"The link names the {kind} “{asked}”, which {why}; showing another.")
        return asked

    return accept


def _choose(kind: str, shows: Shows) -> None:
    """Take what was chosen; the other of space and zoo follows where the two do not fit together."""
    state, offered = st.session_state, offers(shows)
    (other,) = KINDS.keys() - {kind}
    state[f"{kind}_id"] = state[f"{kind}_box"]
    chosen, beside = offered[kind].get(state[f"{kind}_id"]), offered[other].get(state[f"{other}_id"])
    if chosen and not (beside and chosen.fits(beside)):
        state[f"{other}_id"] = partner(chosen, offered[other])
    acted()


def loaded(shows: Shows, instead: Callable[[Found], None] | None = None) -> Loaded:
    """The space and the zoo chosen in the sidebar; where they cannot be loaded, the page says why and ends here.

    Args:
        instead: of a space that no zoo fits, called with it to offer what can be done.
    """
    chosen = sidebar(shows)
    space = chosen["space"]
    if instead and space and space.family and not any(map(space.fits, offers(shows)["zoo"].values())):
        notices()
        st.info(f"No zoo here fits the space {plain(space.title)}.", icon=":material/scatter_plot:")
        instead(space)
        st.stop()
    missing = [kind for kind, folder in chosen.items() if folder is None]
    if missing:
        notices()
        holds = f" that holds {shows.what}" if shows.what else ""
        st.info(
            f"No {missing[0]}{holds} was found in assets/ or runs/, nor in the folders named in NETSPACE_FOLDERS. "
            "Make one:"
        )
        st.code(shows.commands, language="bash")
        st.stop()
    try:
        return catalogue.load(**chosen)
    except ValueError as error:
        notices()
        st.error(f"{plain(sentence(error))} Choose another space or zoo in the sidebar.")
        st.stop()


def loaded_beside(shows: Shows) -> Loaded | None:
    """Of what another kind of page shows, the space and the zoo used last; None where they cannot be loaded."""
    offered = offers(shows)
    chosen = {kind: offered[kind].get(id) for kind, id in usual(offered).items()}
    try:
        return catalogue.load(**chosen) if all(chosen.values()) else None
    except ValueError:
        return None


def feeds(
    work: ClassifierWork | PrepPath, view: str, later: Callable[[], None] = lambda: None, wait: bool = True
) -> None:
    """Send what is ready of a path to its view, until all of it is; `later` is called after the first was sent.

    Without `wait` the first is sent when it is ready, and the page answers clicks meanwhile.
    """
    done = work.done

    def send() -> None:
        if wait:
            work.first_ready()
        with st.container(key="feeds", gap=None):
            for name, content in work.feeds(view):
                if content:
                    components.feed(f"{view}-{name}", content)
        later()
        if work.done and not done:
            again()  # what comes again from the same fragment travels only once

    st.fragment(send, run_every=None if done else 1)()


def keep_network(work: NetworkPath, method: str, i: int, a: str, b: str) -> None:
    """Download buttons for the network of a path at a step, and the command that writes the path."""
    st.caption("The network")
    about = take_away.about_network(work, method, i, a, b)
    kinds = [
        ("safetensors + JSON", "zip", "weights as safetensors, and where they come from as JSON"),
        ("state_dict", "pt", "torch.load(file, weights_only=True)"),
    ]
    if work.ends[0].arch.task == "classification":
        kinds.append(("ONNX", "onnx", "normalised images (n, 3, S, S) to logits; takes a few seconds"))
    for column, (title, kind, words) in zip(st.columns(len(kinds)), kinds, strict=True):
        download(
            column, title, lambda kind=kind: take_away.network_file(work, method, i, about, kind),
            f"{take_away.file_name(work, method, i, a, b)}.{kind}", words,
        )  # fmt: skip
    st.caption("The command that writes this path")
    st.code(take_away.command(work.loaded, a, b, method), language="bash", wrap_lines=True)


def offer_download(loaded: Loaded) -> None:
    """The command that fetches the images of these networks, and a button that does the same."""
    title, command = classifiers.data_title(loaded), classifiers.download_command(loaded)
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.code(command, language="bash")
    if right.button(f"Download {title}", icon=":material/download:", width="stretch"):
        try:
            with st.spinner(f"Downloading {title} …"):
                classifiers.download(loaded)
            st.rerun()
        except ValueError as error:
            st.error(plain(sentence(error)))


def download(column, title: str, make: Callable[[], bytes], file: str, words: str | None = None, **looks) -> None:
    """A button for a file that is made when it is clicked; `looks` go to `st.download_button`."""
    kind = mimetypes.guess_type(file)[0] or "application/octet-stream"
    looks = {"width": "stretch", "key": f"download-{title}"} | looks
    column.download_button(title, lambda: _held(make(), kind, file), file, kind, help=words, on_click="ignore", **looks)


FILES_HELD = 8
_turns = itertools.count()

# a file is made outside of any session's run, which Streamlit would remark on in the terminal each time
logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").addFilter(
    lambda record: "asyncio" not in record.getMessage()
)


def _held(content: bytes, kind: str, file: str) -> bytes:
    """Keep a file until others have been made: Streamlit forgets one that was made on a click when two more runs have
    ended, of whatever session, and a browser that asks for it then is told that there is none."""
    st.runtime.get_instance().media_file_mgr.add(
        content, kind, f"held-{next(_turns) % FILES_HELD}", file, is_for_static_download=True
    )
    return content
