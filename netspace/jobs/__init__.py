"""Long jobs: a job is the folder it writes to and a process, whether a terminal or the app started it.

    job.json       format, kind, argv, directory, command, created: what it is; paths in argv are absolute, or relative
                   to the checkout, where jobs run if there is one
    status.json    state, message, done, total, seconds_left, started, updated, pid: how far it is
    metrics.jsonl  the curves, a line a step: step, terms, measures
    log.txt        every line it said
    STOP           asks it to stop
    .lock          held as long as the process lives

The kernel releases a lock at any death, so no process id has to be trusted: what says that it is running while its lock
is free has crashed. Two jobs run at a time on a machine, which are two further locks; those started to queue wait.
"""

from .command import Command
from .control import resume_job, start_job, stop_job
from .records import Job, find_jobs, log_tail, read_curves, read_job

__all__ = [
    "Command",
    "Job",
    "find_jobs",
    "log_tail",
    "read_curves",
    "read_job",
    "resume_job",
    "start_job",
    "stop_job",
]
