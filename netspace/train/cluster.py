"""Groups of networks made on the machines of a Ray cluster: one task per group.

A task gets recipe, items with their seeds, and device; it writes the networks to a folder that all machines share, and
returns the file's name and digest, so no weights pass Ray's object store. Ray repeats tasks whose worker or node died:
seeds decide what they make. Before the work, every node must see a file that this process wrote to the shared folder,
and have the same version of this program.
"""

from __future__ import annotations

import functools
import math
import os
import platform
import secrets
import shutil
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from filelock import FileLock

from .. import __version__
from ..errors import FormatError, NetSpaceError, UsageError, message_of, one_line, required_for
from ..jobs.locks import is_held
from ..threads import held_threads
from .parts import PartFile, read_part, write_part

if TYPE_CHECKING:
    from .executors import Arriving, JobFunction

CONNECT_SECONDS = 18.0
"""for which a cluster may take to answer"""
NODE_SECONDS = 600.0
"""for which a node may take to start its first worker: it imports torch, and Ray makes workers nice (15), so on a busy
machine it takes minutes"""
HEAD_SECONDS = 10.0
"""without an answer of the head node, after which it counts as lost"""
RETRIES = 4
"""of a task whose worker or node died, or whose file cannot be read"""
SESSION = "parts-"
"""beginning of the name of a folder of parts; one per run"""
NONCE, READER_LOCK = "nonce", ".lock"
"""files of such a folder: what every node must see, and the lock of the process that reads the parts"""


@dataclass(frozen=True)
class Resources:
    """What a group of networks takes of a node."""

    cpus: float = 1.0
    gpus: float = 0.0

    def slots(self, node: dict) -> int:
        """Return how many groups a node takes at the same time, of `ray.nodes()`."""
        has = node.get("Resources", {})
        asked = [(has.get("CPU", 0.0), self.cpus), (has.get("GPU", 0.0), self.gpus)]
        return min((int(there / each) for there, each in asked if each), default=1)


class TaskContext(NamedTuple):
    """What every task is told of the process that reads its part."""

    folder: str
    """the folder of parts, absolute"""
    nonce: str
    version: str
    directory: str
    """its working directory, to which paths may be relative"""
    data: str
    """its NETSPACE_DATA"""


class Answer(NamedTuple):
    """What a task returns."""

    part: PartFile | None
    problem: str
    """why there is no part, in a sentence that names the node"""


@dataclass(frozen=True)
class Ray:
    """Run jobs, whose results are lists of `Made`, as tasks of a Ray cluster; an executor."""

    address: str = ""
    """HOST:PORT of the head node, or "auto": that of the cluster which this machine is part of. Empty: as RAY_ADDRESS
    says, else Ray is started on this machine for as long as the work takes"""
    shared: Path | None = None
    """a folder that every node sees under the same name; None if Ray is started here: a temporary one"""
    resources: Resources = Resources()

    def __call__(self, work: JobFunction, jobs: Sequence[Any], workers: int) -> Arriving:
        """Run all jobs, `workers` at the same time if Ray is started here, else as many as the cluster has room for.

        Raises:
            MissingPackage: Ray is not installed.
            UsageError: the cluster does not answer, or a node lacks the shared folder or this program's version.
            NetSpaceError: a job failed, its worker died again and again, or the head node was lost.
        """
        if not jobs:
            return
        with required_for("--executor ray"):
            import ray
        where = self.address or os.environ.get("RAY_ADDRESS", "")
        if where.startswith("ray://"):
            raise UsageError(f"--address {where} is a Ray client's; name the head node, HOST:PORT")
        with _folder_of_parts(self.shared, bool(where)) as folder:
            slots = max(1, math.ceil(workers * self.resources.cpus))
            with _connected(ray, where, slots):
                told = TaskContext(
                    str(folder), folder.name, __version__, str(Path.cwd()), os.environ.get("NETSPACE_DATA", "")
                )
                (folder / NONCE).write_text(told.nonce)
                room = _check_nodes(ray, told, self.resources)
                yield from _results(ray, work, jobs, told, self.resources, max(64, 4 * room))


# -- on the nodes ----------------------------------------------------------------------------------------------------


def _looker():
    """A function that says what a node sees; it needs nothing of this package, which a node may lack."""

    def look(nonce: str) -> dict[str, str]:
        from contextlib import suppress
        from importlib import import_module
        from pathlib import Path

        found = {"version": "", "nonce": ""}
        with suppress(ImportError, OSError, ValueError):
            found["version"] = import_module("netspace").__version__
            read_text = import_module("netspace.io").read_text
            found["nonce"] = read_text(Path(nonce))
        return found

    return look


def _unfit(told: TaskContext, found: dict[str, str]) -> str:
    """Why a node cannot be used, as the end of a sentence; empty if it can."""
    if not found["version"]:
        return f"cannot import netspace: install version {told.version} there"
    if found["version"] != told.version:
        return f"has version {found['version']} of netspace, this process {told.version}: install the same"
    if found["nonce"] != told.nonce:
        return f"does not see {Path(told.folder).parent}: name by --shared a folder that all nodes see by this name"
    return ""


def _do(work: JobFunction, job: Any, told: TaskContext) -> Answer:
    """Do one job on a node."""
    node = platform.node()
    unfit = _unfit(told, _looker()(str(Path(told.folder) / NONCE)))
    if unfit:  # a node that joined later
        return Answer(None, f"node {node} {unfit}")
    with suppress(OSError):
        os.chdir(told.directory)
    if told.data:
        os.environ["NETSPACE_DATA"] = told.data
    try:
        with held_threads():
            made = work(job)
        return Answer(write_part(Path(told.folder), made), "")
    except Exception as error:  # whatever it is, it is told where the work was asked for
        kind = "" if isinstance(error, NetSpaceError | OSError) else f"{type(error).__name__}: "
        return Answer(None, f"on node {node}: {kind}{message_of(error)}")


# -- where the work is asked for ---------------------------------------------------------------------------------------


@contextmanager
def _folder_of_parts(shared: Path | None, cluster: bool) -> Iterator[Path]:
    """A fresh folder, which is removed; so are those in `shared` that killed processes left."""
    if shared is None:
        if cluster:
            raise UsageError("a Ray cluster needs --shared, a folder that every node sees under the same name")
        with TemporaryDirectory(prefix="netspace-") as temporary:
            yield Path(temporary).resolve()
        return
    shared = shared.absolute()
    ours = not shared.exists()
    shared.mkdir(parents=True, exist_ok=True)
    for left in shared.glob(f"{SESSION}*"):
        if not left.is_symlink() and (left / READER_LOCK).is_file() and not is_held(left / READER_LOCK):
            shutil.rmtree(left, ignore_errors=True)
            ours = True
    folder = shared / f"{SESSION}{secrets.token_hex(8)}"
    new = folder.with_name(f".{folder.name}")
    new.mkdir()
    lock = FileLock(new / READER_LOCK)
    lock.acquire()  # before it has the name by which others find it
    new.rename(folder)
    try:
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)
        if ours:
            with suppress(OSError):  # unless it holds something else
                shared.rmdir()


@contextmanager
def _connected(ray: Any, where: str, slots: int) -> Iterator[None]:
    """Inside, this process is connected to Ray; as before if it was already."""
    if ray.is_initialized():
        yield
        return
    for name, value in {
        "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent anywhere
        "RAY_BACKEND_LOG_LEVEL": "error",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    }.items():
        os.environ.setdefault(name, value)
    options: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    if not where:
        with _own_signals():
            ray.init(address="local", num_cpus=slots, include_dashboard=False, **options)
    else:
        words = f"no Ray cluster answers {'here' if where == 'auto' else f'at {where}'}"
        if where != "auto" and not _answers(where, CONNECT_SECONDS / 3):
            raise UsageError(f"{words}; `ray start --head` says the address of one")
        words += ", or it asks for another RAY_AUTH_TOKEN"
        _within(CONNECT_SECONDS * 2 / 3, words, functools.partial(ray.init, address=where, **options))
    try:
        yield
    finally:
        with suppress(NetSpaceError):  # if the head node is lost it may wait for it
            _within(HEAD_SECONDS, "", ray.shutdown)


@contextmanager
def _own_signals() -> Iterator[None]:
    """Afterwards SIGTERM is handled as before: by it jobs are stopped, and Ray takes it over."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _within(seconds: float, otherwise: str, work: Any) -> None:
    """Do something in so many seconds; UsageError, which begins with `otherwise`, if it fails or takes longer.

    It is done in a thread, since Ray's own waits can be neither shortened nor interrupted.
    """
    problem: list[BaseException] = []

    def attempt() -> None:
        try:
            work()
        except BaseException as error:  # SystemExit too, after which Ray gives up
            problem.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise UsageError(f"{otherwise}: nothing happened for {seconds:.0f} seconds")
    if problem:
        raise UsageError(f"{otherwise} ({one_line(problem[0])})") from problem[0]


def _answers(address: str, seconds: float) -> bool:
    """Whether something listens at HOST:PORT."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=seconds):
            return True
    except (OSError, ValueError, OverflowError):
        return False


def _name(node: dict) -> str:
    """A node in words."""
    return f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']}, {node['NodeID'][:8]})"


def _check_nodes(ray: Any, told: TaskContext, resources: Resources) -> int:
    """Return how many groups the cluster takes at once; UsageError, naming a node, unless all of those can be used."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    nodes = [node for node in ray.nodes() if node["Alive"] and resources.slots(node)]
    if not nodes:
        raise UsageError(
            f"no node of the cluster has the {resources.cpus:g} CPUs and {resources.gpus:g} GPUs that a group takes"
        )
    look = ray.remote(_looker())
    asked = {}
    for node in nodes:
        there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        asked[look.options(num_cpus=0, scheduling_strategy=there).remote(str(Path(told.folder) / NONCE))] = node
    done, late = ray.wait(list(asked), num_returns=len(asked), timeout=NODE_SECONDS)
    for ref in done:
        try:
            unfit = _unfit(told, ray.get(ref))
        except ray.exceptions.RayError as error:
            unfit = f"cannot be used ({one_line(error)})"
        if unfit:
            raise UsageError(f"node {_name(asked[ref])} {unfit}")
    if late:
        raise UsageError(f"node {_name(asked[late[0]])} started no worker in {NODE_SECONDS:.0f} seconds")
    return sum(map(resources.slots, nodes))


def _results(
    ray: Any, work: JobFunction, jobs: Sequence[Any], told: TaskContext, resources: Resources, most: int
) -> Arriving:
    """Submit jobs, at most so many at the same time, and yield what they made as it arrives."""
    task = ray.remote(_do).options(
        num_cpus=resources.cpus, num_gpus=resources.gpus, max_retries=RETRIES, scheduling_strategy="SPREAD"
    )
    folder, sent = Path(told.folder), ray.put(work)
    pending: dict[Any, int] = {}
    failures: Counter[int] = Counter()
    following, silent_since = 0, None
    try:
        while pending or following < len(jobs):
            oldest = min(pending.values(), default=following)
            while following < len(jobs) and len(pending) < most and following < oldest + 8 * most:
                pending[task.remote(sent, jobs[following], told)] = following
                following += 1
            done, _ = ray.wait(list(pending), num_returns=1, timeout=1.0)
            silent_since = None if done else _check_head(ray, silent_since)
            for ref in done:
                index = pending.pop(ref)
                part = _part_of(ray, ref, f"group {index + 1} of {len(jobs)}")
                try:
                    made = read_part(folder, part)
                except FormatError:
                    failures[index] += 1
                    if failures[index] > RETRIES:
                        raise
                    pending[task.remote(sent, jobs[index], told)] = index
                    continue
                (folder / part.file).unlink(missing_ok=True)
                yield index, made
    finally:
        with suppress(Exception):  # the cluster may be gone
            for ref in pending:
                ray.cancel(ref, force=True)


def _part_of(ray: Any, ref: Any, what: str) -> PartFile:
    """The part that a task wrote; NetSpaceError if it wrote none."""
    try:
        answer = ray.get(ref)
    except ray.exceptions.RayError as error:
        raise NetSpaceError(
            f"{what} was lost {RETRIES + 1} times with its worker or node ({one_line(error)}); --resume goes on"
        ) from error
    if answer.part is None:
        raise NetSpaceError(answer.problem)
    return answer.part


def _check_head(ray: Any, since: float | None) -> float | None:
    """Return since when the head node has not answered, None if it does; NetSpaceError if that is too long ago."""
    address = ray.get_runtime_context().gcs_address
    if _answers(address, HEAD_SECONDS / 4):
        return None
    now = time.monotonic()
    if since is not None and now - since > HEAD_SECONDS:
        raise NetSpaceError(
            f"the head node of the Ray cluster, {address}, does not answer any more; what was finished is kept, "
            "--resume goes on with another"
        )
    return now if since is None else since
