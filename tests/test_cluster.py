"""What `--executor ray` does beside Ray: order, retries, digests and the nodes it refuses, with an imitation of Ray.

`test_ray.py` has the real one.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import TINY_FIT

from netspace import Zoo, __version__
from netspace.cli.main import main
from netspace.errors import FormatError, NetSpaceError, UsageError
from netspace.train import EXECUTORS, Made, Ray, Resources, fit_sdf_zoo
from netspace.train.fit_image import ImageConfig, fit_image_zoo
from netspace.train.fit_sdf import ShapeSource
from netspace.train.parts import read_part, write_part

EIGHT = ImageConfig(count=8, steps=5, validation=2, heldout=2)
"""in groups of two"""


class Gone(Exception):
    """As ray.exceptions.RayError."""


class Imitation(ModuleType):
    """Ray, as far as it is used: everything runs here, when it is waited for, and the last task first."""

    def __init__(self) -> None:
        super().__init__("ray")
        self.exceptions = SimpleNamespace(RayError=Gone)
        self.hosts = ["one", "two"]
        self.told = {}
        """node -> what looking at it finds, in place of the truth"""
        self.again = False
        """tasks are done twice, as if the first worker had died before it could answer"""
        self.asked: list[dict] = []
        self.after: Callable[[int, object], object] = lambda count, answer: answer
        """(tasks done, answer of one) -> what is answered"""
        self.done = 0

    def is_initialized(self) -> bool:
        return True

    def nodes(self) -> list[dict]:
        usual = {"Alive": True, "Resources": {"CPU": 2.0}, "NodeManagerAddress": "10.0.0.1"}
        return [usual | {"NodeID": f"{host}0000000", "NodeManagerHostname": host} for host in self.hosts]

    def put(self, value: object) -> object:
        return value

    def remote(self, function: Callable) -> SimpleNamespace:
        def options(**asked) -> SimpleNamespace:
            self.asked.append(asked)
            return SimpleNamespace(remote=lambda *words: Task(self, function, words, asked))

        return SimpleNamespace(options=options)

    def wait(self, tasks: list, num_returns: int, timeout: float) -> tuple[list, list]:
        return tasks[-num_returns:], tasks[:-num_returns]

    def get(self, task: "Task") -> object:
        if "max_retries" not in task.asked:
            node = task.asked["scheduling_strategy"].node
            return self.told.get(node[:3], task.run())
        if self.again:
            task.run()
        self.done += 1
        return self.after(self.done, task.run())

    def cancel(self, task: "Task", force: bool) -> None: ...


class Task:
    def __init__(self, ray: Imitation, function: Callable, words: tuple, asked: dict) -> None:
        self.ray, self.function, self.words, self.asked = ray, function, words, asked

    def run(self) -> object:
        return self.function(*self.words)


@pytest.fixture
def ray(monkeypatch) -> Imitation:
    found = Imitation()
    strategies = ModuleType("ray.util.scheduling_strategies")
    strategies.NodeAffinitySchedulingStrategy = lambda node, soft: SimpleNamespace(node=node)
    for name, module in (("ray", found), ("ray.util", ModuleType("ray.util")), (strategies.__name__, strategies)):
        monkeypatch.setitem(sys.modules, name, module)
    return found


@pytest.fixture
def here(tmp_path) -> Zoo:
    list(fit_image_zoo(tmp_path / "here", EIGHT, group=2, executor="here"))
    return Zoo.load(tmp_path / "here")


def made_by(executor: Ray, folder: Path, **options) -> Zoo:
    list(fit_image_zoo(folder, EIGHT, group=2, executor=executor, **options))
    return Zoo.load(folder)


def assert_equal(one: Zoo, two: Zoo) -> None:
    """The same networks in the same order, bit for bit, and the same table but for the time it took."""
    assert torch.equal(one.preps(range(len(one))), two.preps(range(len(two))))
    assert one.records.drop(columns="seconds").equals(two.records.drop(columns="seconds"))


def test_the_zoo_is_the_one_made_here_though_tasks_answer_last_first_and_some_twice(ray, here, tmp_path):
    ray.again = True
    shared = tmp_path / "shared"
    assert_equal(here, made_by(Ray(shared=shared, resources=Resources(2, 0)), tmp_path / "there"))
    assert ray.asked[-1]["num_cpus"] == 2 and ray.asked[-1]["max_retries"] > 0
    assert not shared.exists(), "parts are left"


def test_a_part_that_is_damaged_or_lost_is_made_again(ray, here, tmp_path):
    def damage(count: int, answer):
        path = next((tmp_path / "shared").glob("parts-*")) / answer.part.file
        if count == 1:
            path.write_bytes(path.read_bytes()[:-1] + b"!")
        elif count == 2:
            path.unlink()
        return answer

    ray.after = damage
    assert_equal(here, made_by(Ray(shared=tmp_path / "shared"), tmp_path / "there"))
    assert ray.done == 6

    ray.after = lambda count, answer: damage(2, answer)
    with pytest.raises(FormatError, match="cannot be read"):
        made_by(Ray(shared=tmp_path / "shared"), tmp_path / "never")


def test_a_run_that_ended_early_goes_on(ray, here, tmp_path):
    """What it had finished is kept, what it left in the shared folder is removed, what is not its own stays."""
    shared = tmp_path / "shared"
    (shared / "parts-of-others").mkdir(parents=True)

    def lost(count: int, answer):
        if count == 4:
            raise Gone("the worker died")
        return answer

    lines, ray.after = [], lost
    ray.wait = lambda tasks, num_returns, timeout: (tasks[:num_returns], tasks[num_returns:])
    with pytest.raises(NetSpaceError, match=r"group 4 of 4 was lost 5 times .* \(the worker died\)"):
        for line in fit_image_zoo(tmp_path / "zoo", EIGHT, group=2, executor=Ray(shared=shared)):
            lines.append(line)
    assert len(lines) == 6
    left = shared / "parts-killed"
    left.mkdir()
    (left / ".lock").touch()
    ray.after = lambda count, answer: answer
    assert_equal(here, made_by(Ray(shared=shared), tmp_path / "zoo", resume=True))
    assert ray.done == 5 and [path.name for path in shared.iterdir()] == ["parts-of-others"]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"nonce": "", "version": __version__}, "does not see .*shared: name by --shared a folder"),
        ({"nonce": "another", "version": __version__}, "does not see "),
        ({"nonce": "", "version": "0.0.9"}, f"has version 0.0.9 of netspace, this process {__version__}"),
        ({"nonce": "", "version": ""}, "cannot import netspace"),
    ],
)
def test_a_node_that_cannot_be_used_is_named(found, words, ray, tmp_path):
    ray.told["two"] = found
    with pytest.raises(UsageError, match=rf"node two \(10.0.0.1, two00000\) {words}"):
        made_by(Ray(shared=tmp_path / "shared"), tmp_path / "zoo")
    assert not (tmp_path / "zoo").exists() and not (tmp_path / "shared").exists()


def test_resources_that_no_node_has_are_refused(ray, tmp_path):
    with pytest.raises(UsageError, match="no node of the cluster has the 1 CPUs and 1 GPUs that a group takes"):
        made_by(Ray(shared=tmp_path / "shared", resources=Resources(1, 1)), tmp_path / "zoo")


def test_what_goes_wrong_in_a_task_is_told_with_its_node(ray, tmp_path):
    """Meshes that a node does not have are not taken for many broken files."""
    sources = [ShapeSource("a", str(tmp_path / "nowhere" / "a.obj"), 0, 0)]
    with pytest.raises(NetSpaceError, match=r"^on node .*: there is no folder .*nowhere, in which a.obj should be"):
        list(fit_sdf_zoo(tmp_path / "zoo", sources, TINY_FIT, executor=Ray(shared=tmp_path / "shared")))


def test_parts_hold_all_that_networks_have(tmp_path):
    """Of every kind of record that zoos of fields have, too."""
    numbers = np.arange(6, dtype=np.float16).reshape(2, 3).T  # not contiguous
    record = {"a": 0.1, "b": 3, "c": "ä", "d": True, "e": None, "f": float("inf"), "g": np.float64(0.3)}
    group = [Made("one", {"w": numbers, "b": np.float32([1.5])}, record, ""), Made.skipped("two", "no inside")]
    one, two = read_part(tmp_path, write_part(tmp_path, group))
    assert one.record == record and list(one.record) == list(record) and two == group[1]
    assert [type(value) for value in one.record.values()] == [float, int, str, bool, type(None), float, float]
    assert all(np.array_equal(one.params[n], p) and one.params[n].dtype == p.dtype for n, p in group[0].params.items())


def test_bad_options_are_one_sentence(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)  # not installed
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    start = ["zoo", "fit-sdf", "--chairs", "1", "--out", str(tmp_path / "zoo")]
    for words, said in {
        ("--address", "auto"): "--address is for --executor ray",
        ("--executor", "ray", "--cpus", "-1"): "--cpus is -1.0, it must be at least 0",
        ("--executor", "ray"): "--executor ray needs the package ray: pip install 'netspace[ray]'",
    }.items():
        assert main([*start, *words]) == 2
        assert capsys.readouterr().err == f"netspace: {said}\n"
    assert not (tmp_path / "zoo").exists() and "ray" in EXECUTORS
