"""The family of a zoo's networks, as zoo.json has it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import FormatError, UsageError
from ..io import check_format, check_types
from ..nets.archs import KINDS_OF_NETWORK, Family, arch_named
from ..nets.prep import PrepSize


def family_to_json(family: Family) -> dict:
    return {"archs": family.names, "size": list(family.size), "task": family.archs[0].task}


def family_from_json(data: dict) -> Family:
    """Return the family that `family_to_json` wrote; ValueError, KeyError or TypeError if it describes none."""
    for key in ("archs", "size"):
        if key not in data:
            raise UsageError(f"its family has no {key!r}")
    names, size, task = data["archs"], data["size"], data.get("task")
    if task is not None and task not in KINDS_OF_NETWORK:
        raise UsageError(
            f"its networks are of the kind {task!r}, which this version does not know (it knows "
            f"{', '.join(KINDS_OF_NETWORK)}): a newer version wrote it"
        )
    if not (isinstance(names, list) and names and all(isinstance(name, str) for name in names)):
        raise UsageError(f"a family lists the names of its architectures, got {names!r}")
    if len(set(names)) < len(names):
        raise UsageError(f"a family lists each architecture once, got {', '.join(names)}")
    if not (isinstance(size, list) and len(size) == 2 and all(type(n) is int for n in size)):
        raise UsageError(f"the size of a PRep is two whole numbers, got {size!r}")
    return Family(tuple(arch_named(name) for name in names), PrepSize(*size))


def family_in(about: dict, folder: Path) -> Family:
    """Return the family that the zoo.json of a folder tells of; FormatError if this program cannot read such a zoo."""
    check_format(about, "zoo", folder)
    check_types(about, folder / "zoo.json", {"family": dict})
    try:
        return family_from_json(about["family"])
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"{folder / 'zoo.json'}: {error}") from error


def joint_family(families: Sequence[Family]) -> Family:
    """The family of all architectures of some families; ValueError where they are for different data."""
    if all(family == families[0] for family in families):
        return families[0]
    names = list(dict.fromkeys(name for family in families for name in family.names))
    data = {arch_named(name).data for name in names}
    if len(data) > 1:
        raise UsageError(f"architectures for different data make no family: {', '.join(sorted(data))}")
    return Family.of(*names, width=families[0].size.width)
