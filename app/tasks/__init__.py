"""The kinds of network as the app shows them, one module each: the counterpart of `netspace.tasks`.

Part of the backend's layer: it may import the library, and knows neither Streamlit nor the front end.
"""

from __future__ import annotations

from app.backend.catalogue import Found, Loaded

from .classification import ClassificationInApp
from .image_field import ImageFieldInApp
from .sdf import SdfInApp
from .task import AppTask

APP_TASKS: dict[str, AppTask] = {task.name: task for task in (SdfInApp(), ClassificationInApp(), ImageFieldInApp())}
"""by name, as `netspace.tasks.TASKS` has it; in the order in which lists show them"""


def app_task(of: Loaded | Found) -> AppTask:
    """Return the kind of network that a space or a zoo, or both, hold."""
    return APP_TASKS[of.space.family.archs[0].task if isinstance(of, Loaded) else of.task]


def pages_of_kinds() -> dict[str, AppTask]:
    """Return by page a kind of network that it shows, which gives the page its title, icon and invitation."""
    found: dict[str, AppTask] = {}
    for task in APP_TASKS.values():
        found.setdefault(task.page, task)
    return found


def tasks_of_page(page: str) -> tuple[AppTask, ...]:
    """Return the kinds of network that a page shows."""
    return tuple(task for task in APP_TASKS.values() if task.page == page)
