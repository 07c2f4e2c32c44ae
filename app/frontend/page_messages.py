"""What Python and the browser tell each other of what all pages share, as `messages` does of views."""

from typing import NotRequired, TypedDict


class SeenPairItem(TypedDict):
    """A pair that was looked at in this session: page and parameters of its link, and words about it."""

    page: str
    space: str
    zoo: str
    a: str
    b: str
    about: str


class SavedData(TypedDict):
    """The top of every page: links to copy and places to go to."""

    id: str
    page: str
    """the file in pages/ that is shown"""
    pairs: list[SeenPairItem]
    """the last first"""


class GoItem(TypedDict):
    """A place to go to."""

    pair: NotRequired[list[str]]
    """page, space, zoo, A and B"""


class SavedSays(TypedDict):
    go: GoItem
