"""Small data that the tests share: made once a session, with seeds, on one core."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import asdict, fields
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from browsing import address, browser, import_name, page  # noqa: F401 (fixtures)
from filelock import FileLock
from two_methods import ABOUT_METHODS, OTHERS

from app.backend import projections
from netspace.latent.paths import METHODS
from netspace.latent.projection import UmapMap
from netspace.tasks.distillation import best_of
from netspace.train.fit_cnn import CnnConfig, fit_cnn_zoo
from netspace.train.fit_image import ImageConfig, fit_image_zoo
from netspace.train.fit_sdf import FitConfig, chair_sources, fit_sdf_zoo
from netspace.train.space import TrainConfig, train_space
from netspace.zoo.store import Zoo, join

ROOT = Path(__file__).resolve().parent.parent
TINY_FIT = FitConfig(arch="siren64", steps=120, batch=512, samples=4000, heldout_every=3, hidden_dtype="float32")
TINY_TRAIN = TrainConfig(
    embedding=16, hidden=32, steps=12, nets=2, points=64, queries=256, every=4, hidden_dtype="float32"
)

TINY_CNN = CnnConfig(
    arch="lenetlike/digits", count=8, epochs=30.0, first_epochs=1.0, lr=1e-3, validation=2, heldout=2, dtype="float32"
)
TINY_CNN_TRAIN = TrainConfig(
    embedding=16, hidden=32, steps=12, nets=2, points=16, queries=512, every=4, hidden_dtype="float32"
)

TINY_IMAGE = ImageConfig(count=24, validation=4, heldout=4)
TINY_IMAGE_TRAIN = TrainConfig(
    encoder="probe", embedding=16, hidden=32, steps=40, nets=4, points=64, queries=256, every=20, lr=3e-3,
    hidden_dtype="float32",
)  # fmt: skip

TINY_FAMILY = ("lenetlike", "vanillacnn", "resnet8")
TINY_FAMILY_TRAIN = TrainConfig(
    embedding=16, hidden=16, steps=12, nets=2, points=16, queries=64, every=4, drawing="pairs", select="validation",
    hidden_dtype="float32",
)  # fmt: skip

NOBODY = 2**22 + 1
"""no process has this number"""

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def seeded():
    """Every test starts from the same random state, in whatever process and order it runs."""
    torch.manual_seed(0)


def was_made_by(made: Mapping[str, Any], recipe: Any) -> bool:
    """Whether the settings that a card holds are a recipe's, whose fields that came later are at their defaults."""
    same = all(made[name] == value for name, value in asdict(recipe).items() if name in made)
    later = [f for f in fields(recipe) if f.name not in made]
    return same and made.keys() <= asdict(recipe).keys() and all(getattr(recipe, f.name) == f.default for f in later)


def made_once(tmp_path_factory, name: str, make: Callable[[Path], Iterable]) -> Path:
    """A folder, called `name` below all tests', that the first of all processes makes, step by step; others wait."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder, state = root / name, root / name.replace("/", "-")
    done = state.with_suffix(".done")
    with FileLock(state.with_suffix(".lock")):
        if not done.exists():
            deque(make(folder), maxlen=0)  # all steps, of which nothing is kept
            done.touch()
    return folder


@pytest.fixture(autouse=True)
def usual_methods(request, monkeypatch) -> None:
    """Two methods, but for tests that are about methods."""
    if request.module.__name__ not in ABOUT_METHODS and not request.node.get_closest_marker("all_methods"):
        for name in OTHERS:
            monkeypatch.delitem(METHODS, name)


@pytest.fixture(scope="session", autouse=True)
def apart(tmp_path_factory) -> Iterator[None]:
    """What the tests queue, cache and name is kept apart from the user's; the cache is one for all processes."""
    own = tmp_path_factory.mktemp("own")
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with pytest.MonkeyPatch.context() as patch:
        for name, folder in (("SLOTS", own / "slots"), ("STATE", own / "state"), ("CACHE", shared / "cache")):
            patch.setenv(f"NETSPACE_{name}", str(folder))
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_maps() -> Iterator[None]:
    """In this process, two columns of the embeddings are the map by UMAP, which would compile for 16 s.

    `test_embeddings.py` makes maps by UMAP itself, and so do the apps that the browser tests open.
    """

    class NotKept(UmapMap):
        """The cache is one with the browser tests' apps, where a map by UMAP has to be one."""

        def write_kept(self, _folder: Path) -> None:
            """Leave the cache as it is."""

    code = "from app.backend import umap_worker as w; w.places = lambda ask: ask.z[:, :2]; w.serve()"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(projections.Mapper, "worker", (sys.executable, "-c", code))
        patch.setattr(projections, "UmapMap", NotKept)
        yield


@pytest.fixture
def kept_maps(monkeypatch) -> None:
    """Maps are kept after all: for a test with a cache of its own."""
    monkeypatch.setattr(projections, "UmapMap", UmapMap)


@pytest.fixture(scope="session", autouse=True)
def manifests() -> Iterator[None]:
    """Streamlit looks for components through all that is installed, at the start of every app: once is enough."""
    from streamlit.components.v2 import manifest_scanner

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="session")
def submitted() -> Iterator[list[Future]]:
    """What the app's engines were asked to do."""
    from app.backend.engine import Engine

    asked, submit = [], Engine.submit

    def remembered(*words) -> Future:
        asked.append(submit(*words))
        return asked[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "submit", remembered)
        yield asked


@pytest.fixture(autouse=True)
def idle(submitted) -> Iterator[None]:
    """What a test asked for and nobody waits for any more is not done beside the next."""
    yield
    for future in submitted:
        future.cancel()
    submitted.clear()


@pytest.fixture(scope="session")
def tiny_zoo_folder(tmp_path_factory) -> Path:
    """Six chairs, two of them held out, in small SIRENs."""
    return made_once(
        tmp_path_factory, "tiny/zoo", lambda folder: fit_sdf_zoo(folder, chair_sources(6), TINY_FIT, workers=0)
    )


@pytest.fixture(scope="session")
def tiny_zoo(tiny_zoo_folder) -> Zoo:
    return Zoo.load(tiny_zoo_folder)


@pytest.fixture(scope="session")
def tiny_space_folder(tiny_zoo, tmp_path_factory) -> Path:
    """A space of the tiny zoo, hardly trained."""
    return made_once(tmp_path_factory, "tiny-fitted/space", lambda folder: train_space(tiny_zoo, TINY_TRAIN, folder))


@pytest.fixture(scope="session")
def tiny_image_zoo_folder(tmp_path_factory) -> Path:
    """Twenty-four digits as image fields: sixteen to train on, four for validation, four held out."""
    return made_once(tmp_path_factory, "tiny-image/zoo", lambda folder: fit_image_zoo(folder, TINY_IMAGE, workers=0))


@pytest.fixture(scope="session")
def tiny_image_zoo(tiny_image_zoo_folder) -> Zoo:
    return Zoo.load(tiny_image_zoo_folder)


@pytest.fixture(scope="session")
def tiny_image_space_folder(tiny_image_zoo, tmp_path_factory) -> Path:
    """A space of them, hardly trained."""
    return made_once(
        tmp_path_factory, "tiny-image/space", lambda folder: train_space(tiny_image_zoo, TINY_IMAGE_TRAIN, folder)
    )


@pytest.fixture(scope="session")
def tiny_cnn_zoo_folder(tmp_path_factory) -> Path:
    """Eight LeNetLike on digits, from guessing to good: four to train on, two for validation, two held out."""
    return made_once(tmp_path_factory, "tiny-cnn/zoo", lambda folder: fit_cnn_zoo(folder, TINY_CNN, workers=0))


@pytest.fixture(scope="session")
def tiny_cnn_zoo(tiny_cnn_zoo_folder) -> Zoo:
    return Zoo.load(tiny_cnn_zoo_folder)


@pytest.fixture(scope="session")
def tiny_cnn_space_folder(tiny_cnn_zoo, tmp_path_factory) -> Path:
    """A space of the tiny zoo of classifiers, hardly trained."""
    return made_once(
        tmp_path_factory, "tiny-cnn-fitted/space", lambda folder: train_space(tiny_cnn_zoo, TINY_CNN_TRAIN, folder)
    )


@pytest.fixture(scope="session")
def tiny_family_zoo_folder(tmp_path_factory) -> Path:
    """Of LeNetLike, VanillaCNN and ResNet8 on digits four networks each, two of them for training."""

    def make(folder: Path) -> Iterator:
        parts = []
        for base in TINY_FAMILY:
            config = CnnConfig(
                arch=f"{base}/digits", count=4, schedule="multi", lr=0.05, epochs=3.0, batch=64, validation=1,
                heldout=1, dtype="float32", limit=256,
            )  # fmt: skip
            yield from fit_cnn_zoo(folder.parent / base, config, workers=0)
            parts.append(Zoo.load(folder.parent / base))
        join([(part, range(len(part))) for part in parts], folder, {"made_by": "zoo join"})

    return made_once(tmp_path_factory, "tiny-family/zoo", make)


@pytest.fixture(scope="session")
def tiny_family_zoo(tiny_family_zoo_folder) -> Zoo:
    return Zoo.load(tiny_family_zoo_folder)


@pytest.fixture(scope="session")
def tiny_family_space_folder(tiny_family_zoo, tmp_path_factory) -> Path:
    """A space of the tiny family, hardly trained."""
    teacher = best_of(tiny_family_zoo)
    return made_once(
        tmp_path_factory,
        "tiny-family-fitted/space",
        lambda folder: train_space(tiny_family_zoo, TINY_FAMILY_TRAIN, folder, teacher=teacher),
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first: at the end one process would be left alone with it."""
    items.sort(key=lambda item: [item.get_closest_marker(name) is None for name in ("browser", "long")])
