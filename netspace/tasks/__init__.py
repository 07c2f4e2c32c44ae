"""The kinds of network as values: what they are trained on, optimised for, measured by and compared on."""

from __future__ import annotations

from typing import Any

from ..errors import UsageError
from ..nets.archs import Arch, Family
from ..nets.network import Network
from ..space.space import NetSpace
from ..zoo.store import Zoo
from .classification import Classification
from .image_field import ImageField
from .sdf import Sdf
from .task import Task

__all__ = ["TASKS", "Task", "task_of"]

TASKS: dict[str, Task[Any]] = {task.name: task for task in (Sdf(), Classification(), ImageField())}
"""by name, as `Arch.task` has it"""


def task_of(of: Arch | Family | Network | NetSpace | Zoo) -> Task[Any]:
    """Return the kind of network that an architecture, a network, a family, a zoo or a space is of."""
    of = getattr(of, "family", of)
    arch: Any = of.archs[0] if isinstance(of, Family) else of
    arch = getattr(arch, "arch", arch)
    if arch.task not in TASKS:
        raise UsageError(f"{arch.name} is of the kind {arch.task!r}, this version knows {', '.join(TASKS)}")
    return TASKS[arch.task]
