"""What Python and the browser tell each other of what all pages share, as `messages` does of views."""

from typing import Literal, NotRequired, TypedDict


class SeenPairItem(TypedDict):
    """A pair that was looked at in this session: page and parameters of its link, and words about it."""

    page: str
    space: str
    zoo: str
    a: str
    b: str
    about: str


class SavedViewItem(TypedDict):
    name: str
    about: str
    """page and networks"""


class SavedData(TypedDict):
    """The top of every page: a link to copy, pairs and views to go to."""

    id: str
    page: str
    """the file in pages/ that is shown"""
    title: str
    """of that page"""
    answered: int
    """number of what was asked for last"""
    present: int
    """place in the list, from 1, of the view that is presented; 0 for none"""
    pairs: list[SeenPairItem]
    """the last first"""
    views: list[SavedViewItem]
    stamp: str
    """of the list of views"""
    carried: bool
    """whether the list is the one that came with the link"""
    visitor: bool
    problem: str
    undo: str
    """what was done that can be undone; empty for nothing"""
    packed: str
    """the list as a parameter of a link; empty if there is none, or if it is too long"""
    text: str
    """the list as JSON"""


class ActItem(TypedDict):
    """What was clicked: a place to go to, or a change of the list."""

    what: Literal["pair", "view", "present", "save", "import", "rename", "move", "delete", "undo", "adopt", "close"]
    number: int
    """what is not answered is told again: a message is lost while the page is laid out"""
    pair: NotRequired[list[str]]
    """page, space, zoo, A and B"""
    view: NotRequired[int]
    """its place in the list; to present it, from 1, and 0 to end"""
    stamp: NotRequired[str]
    """of the list that was clicked in"""
    by: NotRequired[int]
    """places further down"""
    name: NotRequired[str]
    link: NotRequired[dict[str, str]]
    """parameters of the page that is shown"""
    text: NotRequired[str]
    """of a file"""


class SavedSays(TypedDict):
    act: ActItem
