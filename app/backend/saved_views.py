"""Saved views: pages of this app by their names and the parameters of their links, in a file, a link or a download.

A list is read as data of strangers: what is not as `text_of` writes it is refused as a whole, in a sentence.
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
import zlib
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Any, NamedTuple

from netspace import folders
from netspace.errors import FormatError
from netspace.io import FORMATS, atomic_write, check_format, content_hash, open_regular
from netspace.outputs import check_file

from .catalogue import ROOT
from .visitors import is_visitor, not_for_visitors

FILE = ROOT / "runs" / "views.json"
"""the list of the user of this machine"""
MOST_VIEWS, MOST_NAME = 200, 100
MOST_LINK = 20_000
"""characters of all parameters of a view: a lasso on the map has hundreds of numbers"""
MOST_LIST_BYTES = 2_000_000
"""of a list as text"""
MOST_PACKED = 7500
"""characters of a list in a link: proxies and mail programs cut longer ones"""
CHANGED = "the list was changed elsewhere meanwhile; it is shown as it is now, try again"
NOT_OF_A_VIEW = ("present", "views", "embed", "embed_options")
"""parameters of the app as a whole, and of Streamlit"""


class SavedView(NamedTuple):
    """A page as its link has it, and its name."""

    name: str
    page: str
    """a file in pages/, without its suffix"""
    link: dict[str, str]
    """parameters"""


Views = list[SavedView]


def saved_view(name: object, page: object, link: object) -> SavedView:
    """Return a view, of values from elsewhere.

    Raises:
        FormatError: one of them is not usable.
    """
    words = " ".join(_text(name, "name").split())
    if not words:
        raise FormatError("a view has no name")
    if len(words) > MOST_NAME:
        raise FormatError(f"a view's name has {len(words)} characters, {MOST_NAME} at most are kept: {words[:40]} ...")
    if not isinstance(page, str) or page not in page_names():
        raise FormatError(f"the view “{words}” leads to {str(page)[:80]!r}, which is no page of this app")
    if not isinstance(link, Mapping):
        raise FormatError(f"the link of the view “{words}” is not a table of parameters")
    parameters = {_text(key, "parameter"): _text(value, "parameter") for key, value in link.items()}
    if sum(map(len, (*parameters, *parameters.values()))) > MOST_LINK:
        raise FormatError(f"the link of the view “{words}” is longer than {MOST_LINK} characters")
    return SavedView(words, page, {k: v for k, v in parameters.items() if k not in NOT_OF_A_VIEW})


def _text(value: object, what: str) -> str:
    """A text without control characters and halves of characters, which no page could be sent."""
    if not isinstance(value, str):
        raise FormatError(f"a view has a {what} that is no text: {str(value)[:40]}")
    return "".join(c for c in value if c >= " " and c != "\x7f").encode(errors="ignore").decode()


@cache
def page_names() -> frozenset[str]:
    """Return the names of all pages of the app."""
    return frozenset(path.stem for path in (folders.APP / "pages").glob("*.py"))


# -- as text -----------------------------------------------------------------------------------------------------------


def text_of(views: Collection[SavedView]) -> str:
    """Return a list as JSON: its format, and name, page and parameters of each view."""
    about = {"format": FORMATS["views"], "views": [view._asdict() for view in views]}
    return json.dumps(about, ensure_ascii=False, indent=1) + "\n"


def views_of(text: str | bytes, where: str) -> Views:
    """Read a list from JSON.

    Args:
        where: what it is, for sentences.

    Raises:
        FormatError: it is not as `text_of` writes it, or too long.
    """
    if len(text) > MOST_LIST_BYTES:
        raise FormatError(f"{where} is larger than {MOST_LIST_BYTES // 1_000_000} MB, which is no list of views")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{where} is not valid JSON ({str(error)[:80]})") from error
    if not isinstance(found, dict) or not isinstance(found.get("views"), list):
        raise FormatError(f"{where} holds no list of views")
    check_format(found, "views", where)
    if len(found["views"]) > MOST_VIEWS:
        raise FormatError(f"{where} holds {len(found['views'])} views, {MOST_VIEWS} at most are read")
    return [_read(view, where) for view in found["views"]]


def _read(view: Any, where: str) -> SavedView:
    if not isinstance(view, dict):
        raise FormatError(f"{where} holds something that is no view: {str(view)[:40]}")
    try:
        return saved_view(*(view.get(name) for name in SavedView._fields))
    except FormatError as error:
        raise FormatError(f"{where}: {error}") from error


def link_text(views: Collection[SavedView]) -> str:
    """Return a list as the parameter of a link; empty for no views."""
    if not views:
        return ""
    pages = json.dumps([list(view) for view in views], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(zlib.compress(pages.encode(), 9)).decode().rstrip("=")


def views_in_link(text: str) -> Views:
    """Read a list from the parameter of a link.

    Raises:
        FormatError: it is not as `link_text` writes it, or too long.
    """
    where = "The list of views in the link"
    try:
        whole = zlib.decompressobj()
        bytes_ = whole.decompress(
            base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True), MOST_LIST_BYTES
        )
        if not whole.eof:
            raise ValueError("its end is missing")
        found = json.loads(bytes_)
    except (ValueError, RecursionError, binascii.Error, zlib.error) as error:
        raise FormatError(f"{where} is damaged or cut off; it is left out") from error
    if not isinstance(found, list) or not all(isinstance(view, list) and len(view) == 3 for view in found):
        raise FormatError(f"{where} holds no views; it is left out")
    if len(found) > MOST_VIEWS:
        raise FormatError(f"{where} holds {len(found)} views, {MOST_VIEWS} at most are read")
    return [_read(dict(zip(SavedView._fields, view, strict=True)), where) for view in found]


def list_stamp(views: Collection[SavedView]) -> str:
    """Return what differs between two lists that are not the same."""
    return content_hash(text_of(views))


# -- changes -----------------------------------------------------------------------------------------------------------


def with_views(views: Views, more: Collection[SavedView]) -> Views:
    """Return a list with further views at its end, but for those that it holds already."""
    joined = [*views, *(view for view in more if view not in views)]
    if len(joined) > MOST_VIEWS:
        raise FormatError(f"a list holds {MOST_VIEWS} views at most; delete some first")
    return joined


def with_name(views: Views, k: int, name: str) -> Views:
    """Return a list whose k-th view has another name."""
    return [saved_view(name, view.page, view.link) if i == k else view for i, view in enumerate(views)]


def with_move(views: Views, k: int, by: int) -> Views:
    """Return a list whose k-th view stands `by` places further down."""
    rest = without(views, k)
    at = min(max(k + by, 0), len(rest))
    return [*rest[:at], *views[k : k + 1], *rest[at:]]


def without(views: Views, k: int) -> Views:
    """Return a list without its k-th view."""
    return [view for i, view in enumerate(views) if i != k]


# -- the file ----------------------------------------------------------------------------------------------------------

_changing = threading.Lock()


def kept_views() -> Views:
    """Return the list in the file; visitors have none.

    Raises:
        FormatError: what is there is no such list.
        OSError: it cannot be read.
    """
    if is_visitor() or not FILE.exists():
        return []
    with open_regular(FILE) as file:
        return views_of(file.read(MOST_LIST_BYTES + 1), _named())


@not_for_visitors
def keep_views(change: Callable[[Views], Views], expected: str = "") -> Views:
    """Change the list in the file, in one step; return it. A file that cannot be read as one is left as it is.

    Args:
        change: takes the list as the file has it.
        expected: stamp of the list that whoever asks has seen; empty for any.

    Raises:
        FormatError: what is there is no such list, or another one than expected.
        OSError: it cannot be read or written.
    """
    with _changing:
        before = kept_views()
        if expected and expected != list_stamp(before):
            raise FormatError(CHANGED)
        views = change(before)
        check_file(FILE, (".json",))
        with atomic_write(FILE) as temporary:
            temporary.write_text(text_of(views), encoding="utf-8")
        return views


def _named() -> str:
    return FILE.relative_to(ROOT).as_posix() if FILE.is_relative_to(ROOT) else FILE.name
