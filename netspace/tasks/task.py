"""What a kind of network is, as a value: `Task` carries whatever the rest of the library would else branch on.

An objective says what a space of such networks is trained on, a goal what one network is optimised for in latent space.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from ..errors import UsageError
from ..io import write_tensors
from ..latent.paths import METHODS, PATH_STEPS, gammas
from ..nets.archs import Arch, Family
from ..nets.network import Network
from ..share import WHOLE, Share
from ..space.space import Decoded, NetSpace
from ..zoo.store import TRAIN, Zoo


class TrainSettings(Protocol):
    """The settings of a training run that objectives read."""

    @property
    def points(self) -> int: ...
    @property
    def queries(self) -> int: ...
    @property
    def noise(self) -> float: ...
    @property
    def copies(self) -> int: ...
    @property
    def stretch(self) -> float: ...
    @property
    def temperature(self) -> float: ...
    @property
    def alpha(self) -> float: ...
    @property
    def build(self) -> str: ...
    @property
    def hidden_dtype(self) -> str: ...
    @property
    def seed(self) -> int: ...


class GoalSettings(Protocol):
    """The settings of a latent space optimisation that goals read."""

    @property
    def loss(self) -> str: ...
    @property
    def points(self) -> int: ...
    @property
    def queries(self) -> int: ...
    @property
    def temperature(self) -> float: ...
    @property
    def alpha(self) -> float: ...
    @property
    def hidden_dtype(self) -> str: ...
    @property
    def seed(self) -> int: ...


class Objective(Protocol):
    """What a space is trained on: loss terms of a step, and measures that select the best space.

    It computes once what can be computed once: what the encoder reads of a network, what targets and teachers answer.
    """

    score: str
    """the measure, in [0, 1], whose highest value on the selecting split marks the best space"""
    points: int
    """inputs per network and step; may be lowered while training"""

    def calibrate(self, space: NetSpace, ids: Sequence[int]) -> None:
        """Adapt the encoder to these networks, once before training."""

    def terms(
        self, space: NetSpace, ids: Sequence[int], generator: torch.Generator, share: Share = WHOLE
    ) -> dict[str, Tensor]:
        """Return the loss terms of a step by name; their sum is minimised.

        Args:
            ids: all networks of the step, whose random numbers are drawn whatever the share.
            share: the part to compute; terms, and their gradients, of all parts add up to those of the whole.
        """

    def measure(self, space: NetSpace, ids: Sequence[int]) -> dict[str, float]:
        """Return measures by name, on inputs that no step has used."""


class Goal(Protocol):
    """What a network is optimised for in latent space."""

    @property
    def score(self) -> str:
        """the measure, at least 0, of which more is better"""

    @property
    def made_of(self) -> str:
        """differs if teacher, data or target do: a run resumes with what it was started with"""

    @property
    def notes(self) -> Sequence[str]:
        """what the user should know of the target, as sentences"""

    def terms(self, network: Network, generator: torch.Generator) -> dict[str, Tensor]:
        """Return the loss terms of a step by name; their sum is minimised."""

    def validate(self, network: Network) -> float:
        """Return the score by which the best network is selected."""

    def test(self, network: Network) -> float:
        """Return the score that is reported, on data that nothing was selected by."""


class PathStep(NamedTuple):
    """A network of a path, measured."""

    row: dict[str, Any]
    """columns of a table"""
    words: str
    """the same for a terminal"""
    shown: Any
    """what is drawn of it: a mesh, a picture; None if it holds nothing, or is not drawn"""


class Compared(Protocol):
    """A network of a zoo against what a space decodes from its embedding: a NamedTuple, one row of a table."""

    @property
    def name(self) -> str: ...
    @property
    def split(self) -> str: ...
    @property
    def problem(self) -> str: ...

    """why nothing was measured; empty if it was"""


class ScoreColumn(NamedTuple):
    """A measure of a scorecard or an audit."""

    title: str
    """heading of its column"""
    better: str
    """"higher" or "lower"; empty if neither is"""
    words: str
    """what it is, in a sentence"""


class Resemblance(NamedTuple):
    """What a network has of the networks that a space was trained on."""

    nearest: tuple[int, ...]
    """places of those that it is most like, by what both do; several if they are alike"""
    likeness: float
    """to that one, as `Task.likeness` has it; not a number if it was not defined"""
    qualities: dict[str, float]
    """as `Task.qualities` has them"""


Row = TypeVar("Row", bound=Compared)


class Task(Generic[Row]):
    """A kind of network. Its instances, one per kind, stand in `tasks.TASKS`."""

    name: str
    """as `Arch.task` has it"""
    networks: str
    """plural, for sentences: "image classifiers" """
    score: str
    """what a network is selected and compared by: iou, accuracy"""
    reaches: float = 1.0
    """how far a direction moves such networks at most, in units of its `reach`; moved further, they fall apart"""
    columns: Mapping[str, Callable[[Network, int], float]] = {}
    """columns of a zoo's table that can be measured of any network, on a grid of so many cells along an axis; NaN if
    it has no such value"""

    file: tuple[str, str] = ("network", "networks")
    """what is written of each network of a path, as a column and in words"""
    files_compared: tuple[str, ...] = ()
    """suffixes of files that hold what such a network may"""
    lacking = ""
    """what a network of a path may lack to be written"""
    goal_score: str
    """what latent space optimisation of such networks is judged by, in words"""
    goal_terms: Mapping[str, tuple[str, str]] = {}
    """terms of its goals: name -> title, and what it is"""

    # -- data

    def data(self, arch: Arch, split: str = "test", folder: Path | None = None) -> Any:
        """Load the data on which networks are measured; None if they need none.

        Raises:
            DataError: it is not there, or it cannot be read.
            UsageError: it does not fit the architecture.
        """
        return None

    def data_here(self, arch: Arch, split: str = "test", folder: Path | None = None) -> Any:
        """Load the same without checking that it fits; None if it is not there and no folder is named."""
        return None

    def inputs(self, arch: Arch, data: Any = None) -> Tensor:
        """Return real inputs (n, ...) on which two networks are compared; noise if they need data and have none."""
        raise NotImplementedError

    # -- training and latent space optimisation

    def objective(
        self, space: NetSpace, zoo: Zoo, ids: Sequence[int], config: TrainSettings, data: Path | None = None,
        teacher: Network | None = None,
    ) -> Objective:  # fmt: skip
        """Return what a space is trained on, for networks `ids` of a zoo of one architecture or several.

        Args:
            data: folder of the images that networks are asked about; None: looked for.
            teacher: N* of Eqs. 3 and 8, for several architectures.

        Raises:
            UsageError: there is no objective for this family, or a teacher is missing or not wanted.
        """
        raise NotImplementedError

    def goal(
        self, space: NetSpace, config: GoalSettings, *, data: Path | None = None, teacher: Network | None = None,
        target: str | None = None,
    ) -> Goal:  # fmt: skip
        """Return what a network of this space is optimised for.

        Args:
            data: folder of images; None: looked for.
            teacher: a network whose answers are imitated.
            target: what the network should hold, for kinds that hold something.

        Raises:
            UsageError: something is missing, or does not belong to this kind.
        """
        raise NotImplementedError

    def lso_recipe(self, data: str) -> str:
        """Return the name of the recipe that a latent space optimisation starts from; empty if there is none.

        Args:
            data: what the networks were trained on, as `Arch.data` has it.
        """
        return ""

    # -- evaluation

    def reconstruct(self, space: NetSpace, zoo: Zoo, i: int, data: Any = None, resolution: int = 64) -> Row | None:
        """Embed and decode network i of a zoo and compare the two; None if that takes data, and there are none.

        Args:
            data: what `data` returned.
            resolution: cells of a grid along an axis, for kinds that are measured on one.
        """
        raise NotImplementedError

    def summarise(self, rows: Iterable[Row]) -> dict[str, dict]:
        """Return figures by split, from the rows that `reconstruct` returned."""
        raise NotImplementedError

    def error(self, row: Row) -> float:
        """Return how far a decode is from its original, from 0 to 1; not a number if it was not measured."""
        raise NotImplementedError

    def doubts(self, row: Row) -> list[str]:
        """Return, in a few words each, why a decode does not count as its original; empty if it does."""
        raise NotImplementedError

    # -- along a path

    def outputs_of_file(self, path: Path, arch: Arch) -> Tensor:
        """Return what a network that held the content of a file would answer, as `outputs` has it.

        Args:
            path: with one of the suffixes `files_compared`.
            arch: of the networks that it is compared with.

        Raises:
            UsageError, MeshError, DataError: it cannot be read, or networks of this kind hold no such thing.
        """
        raise UsageError(f"{self.networks} hold nothing that a file could")

    def measuring(
        self, a: Network | None, b: Network | None, data: Any = None, resolution: int = 64
    ) -> Callable[[Network], PathStep]:
        """Return what measures the networks of a path between two originals, which are prepared once.

        Args:
            a, b: the originals, if networks are to be compared with them.
            data, resolution: as `reconstruct` has them.
        """
        raise NotImplementedError

    def write(self, measured: PathStep, network: Network, path: Path, suffix: str) -> str:
        """Write a network of a path, and return the name of the file; empty if there is nothing to write.

        Args:
            path: without a suffix.
            suffix: of mesh files: one of `geometry.mesh.MESH_KINDS`.
        """
        name = path.with_suffix(".safetensors")
        write_params(network, name)
        return name.name

    def artist(self, size: int, colour: str) -> Callable[[Any], np.ndarray | None] | None:
        """Return what draws `PathStep.shown` as (size, size, 4) uint8; None if this kind has no picture."""
        return None

    def show(self, network: Network, resolution: int = 64) -> Any:
        """Return what is drawn of a network, quickly; None if it holds nothing."""
        return None

    def scale(self, data: Any) -> tuple[str, float]:
        """Return what the score was measured on, in words, and the score of a guess.

        Empty words for kinds whose networks have no score along a path, but a picture.
        """
        return "", 0.0

    def survey(
        self, space: NetSpace, zoo: Zoo, count: int, data: Any = None, resolution: int = 64, keep: Path | None = None,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> dict[str, dict]:  # fmt: skip
        """Measure what becomes of networks along paths between `count` pairs; figures by method.

        Here between random pairs of training networks.

        Args:
            data, resolution: as `reconstruct` has them.
            keep: folder in which what was measured at every step is kept, for kinds that do.
            progress: called with the paths done, and all.

        Raises:
            UsageError: the zoo has no pair of networks.
        """
        broken, draw = set(zoo.not_finite), random.Random(0)
        ids = [i for i in zoo.ids(TRAIN) if i not in broken]
        if len(ids) < 2:
            raise UsageError(f"--pairs needs two training networks, {zoo.folder} has {len(ids)}")
        pairs = [draw.sample(ids, 2) for _ in range(count)]
        measure = self.measuring(None, None, data, resolution)

        def walk(job: tuple[str, list[int]]) -> list[PathStep]:
            method, ends = job
            a, b = (zoo[i].to(space.device) for i in ends)
            path = METHODS[method].path_between(space, a, b)
            return [measure(network)._replace(shown=None) for network in path.networks(gammas(PATH_STEPS))]

        methods = [name for name, method in METHODS.items() if not method.applies(*(zoo[i] for i in pairs[0]))]
        jobs, found = [(method, pair) for method in methods for pair in pairs], []
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for path in pool.map(walk, jobs):
                found.append(path)
                progress(len(found), len(jobs))
        return {method: self.summarise_paths(found[k * count :][:count]) for k, method in enumerate(methods)}

    def summarise_paths(self, paths: Sequence[Sequence[PathStep]]) -> dict[str, float | int | None]:
        """Return figures of equally long paths between random pairs of networks."""
        raise NotImplementedError

    # -- scorecard and audit

    strengths: tuple[str, ...] = ()
    """columns of a zoo's table that say how good a network is, more being better; the first that a zoo has counts"""
    score_columns: Mapping[str, ScoreColumn] = {}
    """what `scoring` measures of a path, by name"""
    likeness: ScoreColumn
    """to the nearest training network; its `better` says which way networks are newer"""
    qualities: Mapping[str, ScoreColumn] = {}
    """of a network that holds something new, and so can be compared with no original, by name"""

    def score_data(self, arch: Arch, folder: Path | None = None, most: int = 0) -> Any:
        """Load what `scoring` and `auditing` measure on; raises as `data`.

        Args:
            most: examples at most, drawn with a fixed seed; 0: all.
        """
        return self.data(arch, "test", folder)

    def outputs_data(self, data: Any) -> Any:
        """Return the part of what `score_data` loaded on which `outputs` compares networks."""
        return data

    def data_words(self, data: Any) -> str:
        """Return what `score_data` loaded, in words; empty if nothing is measured on it."""
        return ""

    def scoring(
        self, a: Network, b: Network, data: Any = None, resolution: int = 64
    ) -> Callable[[Sequence[Network]], dict[str, float | None]]:
        """Return what measures the networks of a whole path from A to B; the originals are prepared once.

        It returns the measures of `score_columns`; None or a number that is not finite if one is not defined.

        Args:
            data: what `score_data` returned.
            resolution: as `reconstruct` has it.
        """
        raise NotImplementedError

    def auditing(
        self, known: Sequence[Network], data: Any = None, resolution: int = 64
    ) -> Callable[[Network, int | None], Resemblance]:
        """Return what finds, for a network, the most alike of the known ones, which are prepared once.

        Its second argument is the place of a known network that does not count: for one of these itself.

        Args:
            data: what `score_data` returned.
            resolution: as `reconstruct` has it.
        """
        raise NotImplementedError

    # -- behaviour

    def outputs(self, network: Network, data: Any = None) -> Tensor:
        """Return what networks are compared by, (n, ...), whatever their architecture.

        Raises:
            UsageError: networks are compared on data, and none is given.
        """
        raise NotImplementedError

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Return how far outputs (*b, n, ...) of networks lie apart, (*b), from 0 to 1."""
        raise NotImplementedError


def write_params(network: Network, path: Path) -> None:
    """Write a network's parameters as a safetensors file."""
    write_tensors(path, network.params)


def refuse_several(task: Task[Any], family: Family) -> None:
    """Raise UsageError if a family has several architectures, for kinds whose objective is for one alone."""
    if len(family.archs) > 1:
        raise UsageError(
            f"no objective for {task.name}, several architectures ({', '.join(family.names)}): "
            "Eqs. 3 to 12 are for classifiers"
        )


def refuse_teacher(teacher: Network | None) -> None:
    """Raise UsageError if a teacher is given and every network learns from its own target."""
    if teacher is not None:
        raise UsageError("a space of one architecture learns from the zoo's own networks (Eqs. 1 and 2): no --teacher")


def noisy_embeddings(
    space: NetSpace,
    prepared: Tensor,
    noise: float,
    dtype: torch.dtype,
    generator: torch.Generator,
    share: Share = WHOLE,
) -> Tensor:
    """Return embeddings (b, E) of a share of what the encoder reads (b, ...), with noise on them if asked."""
    mine = share.of(len(prepared))
    with torch.autocast(prepared.device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
        z = space.encoder.read(prepared[mine])  # (b, E), of the share
        if noise:
            with torch.no_grad():  # the noise is relative to all of them
                everyone = z.detach() if share.size == 1 else space.encoder.read(prepared)  # (b, E)
            size = everyone.square().mean().sqrt()
            z = z + noise * size * torch.randn(everyone.shape, device=z.device, generator=generator)[mine]
        return z


def decoded(space: NetSpace, z: Tensor, dtype: torch.dtype, class_ids: Tensor | None = None) -> Decoded:
    """Return what embeddings (b, E) decode to, PReps and logits in float32."""
    with torch.autocast(z.device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
        preps, logits, class_ids = space.decode(z, class_ids)
        return Decoded(preps.float(), None if logits is None else logits.float(), class_ids)
