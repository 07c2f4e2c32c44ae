"""Zoos made by a real Ray cluster of two nodes on this machine: `make test-scale`."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import ROOT, TINY_FIT

from netspace import Zoo
from netspace.jobs.records import read_job
from netspace.train import Ray, chair_sources, fit_sdf_zoo

cluster_utils = pytest.importorskip("ray.cluster_utils", reason="Ray is not installed: make test-scale")
pytestmark = [pytest.mark.scale, pytest.mark.long]

CHAIRS, FIT = chair_sources(6), replace(TINY_FIT, steps=200)
WORDS = [
    "zoo", "fit-sdf", "--chairs", "6", "--arch", FIT.arch, "--steps", "200", "--batch", "512", "--samples", "4000",
    "--heldout-every", "3", "--hidden-dtype", "float32",
]  # fmt: skip
"""the same on the command line"""


@pytest.fixture(scope="module")
def here(tmp_path_factory) -> Zoo:
    folder = tmp_path_factory.mktemp("here") / "zoo"
    list(fit_sdf_zoo(folder, CHAIRS, FIT, executor="here"))
    return Zoo.load(folder)


@pytest.fixture
def cluster() -> Iterator:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    made = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    yield made
    for node in (*made.worker_nodes, made.head_node):
        if node:
            node.kill_all_processes(check_alive=False, allow_graceful=False)


def assert_equal(one: Zoo, two: Zoo) -> None:
    assert torch.equal(one.preps(range(len(one))), two.preps(range(len(two))))
    assert one.records.drop(columns="seconds").equals(two.records.drop(columns="seconds"))


def busy_workers() -> list[int]:
    """Processes of Ray that make networks at this moment, which Ray names after their task."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(b"ray::_do") and path.stat().st_uid == os.getuid():
                found.append(int(path.parent.name))
        except OSError:  # it ended meanwhile
            continue
    return found


def test_a_killed_worker_and_a_lost_node_change_nothing(cluster, here, tmp_path):
    second = cluster.add_node(num_cpus=1)
    shared = tmp_path / "shared"
    killed = []
    for line in fit_sdf_zoo(tmp_path / "zoo", CHAIRS, FIT, executor=Ray(cluster.address, shared)):
        if line.done == 1:
            killed = busy_workers()[:1]
            os.kill(killed[0], signal.SIGKILL)
        elif line.done == 3:
            cluster.remove_node(second, allow_graceful=False)
    assert killed and not shared.exists()
    assert_equal(here, Zoo.load(tmp_path / "zoo"))


def test_a_lost_head_node_is_told_and_the_zoo_goes_on_without_it(cluster, here, tmp_path):
    out = tmp_path / "zoo"
    start = [sys.executable, "-m", "netspace", *WORDS, "--out", str(out), "--executor", "ray"]
    job = subprocess.Popen(
        [*start, "--address", cluster.address], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for line in job.stdout:
        if line.startswith("1/6"):
            break
    for process in cluster.head_node.all_processes["gcs_server"]:
        process.process.kill()
    stopped = busy_workers()  # else what is under way may be all that is left
    for worker in stopped:
        os.kill(worker, signal.SIGSTOP)
    try:
        _, said = job.communicate(timeout=600)
    finally:
        for worker in stopped:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
    assert job.returncode == 2, said
    assert f"netspace: the head node of the Ray cluster, {cluster.address}, does not answer any more" in said
    assert read_job(out).state == "failed" and len(Zoo.load(out)) < 6
    begun = time.monotonic()
    gone = subprocess.run(
        [*start, "--resume", "--address", cluster.address], cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    assert gone.returncode == 2 and "no Ray cluster answers at" in gone.stderr and time.monotonic() - begun < 60
    list(fit_sdf_zoo(out, CHAIRS, FIT, resume=True, executor="here"))
    assert_equal(here, Zoo.load(out))
