"""What the app exports."""

from app.backend import take_away
from netspace.export import EXPORTS


def taken(name: str, work, side: str, i: int, about: dict) -> bytes:
    """The network of a side of a path at a step, by a name of EXPORTS."""
    return EXPORTS[name].write(take_away.network_subject(work.network(side, i), about))
