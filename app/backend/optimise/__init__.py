"""Latent space optimisation for its page: what is launched, which runs there are, and what is read of their folders."""

from .best import best_data, best_feeds, is_drawn
from .embedding_map import embedded, map_feed, no_map, start_place
from .keeping import best_subject, has_best, keep, run_command, zoo_to_keep_in
from .progress import brief, progress_data
from .runs import LsoRun, find_runs, read_lso, resume_run, stop_run
from .setup import (
    LOSSES,
    Setup,
    command_of,
    defaults,
    launch,
    name_of,
    problem,
    shown_path,
    starts,
    target_words,
    teacher_words,
    teachers,
)

__all__ = [
    "LOSSES",
    "LsoRun",
    "Setup",
    "best_data",
    "best_feeds",
    "best_subject",
    "brief",
    "command_of",
    "defaults",
    "embedded",
    "find_runs",
    "has_best",
    "is_drawn",
    "keep",
    "launch",
    "map_feed",
    "name_of",
    "no_map",
    "problem",
    "progress_data",
    "read_lso",
    "resume_run",
    "run_command",
    "shown_path",
    "start_place",
    "starts",
    "stop_run",
    "target_words",
    "teacher_words",
    "teachers",
    "zoo_to_keep_in",
]
