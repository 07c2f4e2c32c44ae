"""What a kind of network is, as a value: `Task` carries whatever the rest of the library would else branch on.

An objective says what a space of such networks is trained on, a goal what one network is optimised for in latent space.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from ..errors import UsageError
from ..nets.archs import Arch, Family
from ..nets.network import Network
from ..space.space import Decoded, NetSpace
from ..zoo.store import Zoo


class TrainSettings(Protocol):
    """The settings of a training run that objectives read."""

    points: int
    queries: int
    noise: float
    copies: int
    stretch: float
    temperature: float
    alpha: float
    build: str
    hidden_dtype: str
    seed: int


class GoalSettings(Protocol):
    """The settings of a latent space optimisation that goals read."""

    loss: str
    points: int
    queries: int
    temperature: float
    alpha: float
    hidden_dtype: str
    seed: int


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

    def terms(self, space: NetSpace, ids: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        """Return the loss terms of a step by name; their sum is minimised."""

    def measure(self, space: NetSpace, ids: Sequence[int]) -> dict[str, float]:
        """Return measures by name, on inputs that no step has used."""


class Goal(Protocol):
    """What a network is optimised for in latent space."""

    score: str
    """the measure, at least 0, of which more is better"""
    made_of: str
    """differs if teacher, data or target do: a run resumes with what it was started with"""
    notes: Sequence[str]
    """what the user should know of the target, as sentences"""

    def terms(self, network: Network, generator: torch.Generator) -> dict[str, Tensor]:
        """Return the loss terms of a step by name; their sum is minimised."""

    def validate(self, network: Network) -> float:
        """Return the score by which the best network is selected."""

    def test(self, network: Network) -> float:
        """Return the score that is reported, on data that nothing was selected by."""


class Compared(Protocol):
    """A network of a zoo against what a space decodes from its embedding: a NamedTuple, one row of a table."""

    name: str
    split: str
    problem: str
    """why nothing was measured; empty if it was"""


class Task:
    """A kind of network. Its instances, one per kind, stand in `tasks.TASKS`."""

    name: str
    """as `Arch.task` has it"""
    networks: str
    """plural, for sentences: "image classifiers" """
    score: str
    """what a network is selected and compared by: iou, accuracy"""
    columns: Mapping[str, Callable[[Network, int], float]] = {}
    """columns of a zoo's table that can be measured of any network, on a grid of so many cells along an axis; NaN if
    it has no such value"""

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

    # -- evaluation

    def reconstruct(self, space: NetSpace, zoo: Zoo, i: int, data: Any = None, resolution: int = 64) -> Compared | None:
        """Embed and decode network i of a zoo and compare the two; None if that takes data, and there are none.

        Args:
            data: what `data` returned.
            resolution: cells of a grid along an axis, for kinds that are measured on one.
        """
        raise NotImplementedError

    def summarise(self, rows: Iterable[Compared]) -> dict[str, dict]:
        """Return figures by split, from the rows that `reconstruct` returned."""
        raise NotImplementedError

    def error(self, row: Compared) -> float:
        """Return how far a decode is from its original, from 0 to 1; not a number if it was not measured."""
        raise NotImplementedError

    def doubts(self, row: Compared) -> list[str]:
        """Return, in a few words each, why a decode does not count as its original; empty if it does."""
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


def refuse_several(task: Task, family: Family) -> None:
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
    space: NetSpace, prepared: Tensor, noise: float, dtype: torch.dtype, generator: torch.Generator
) -> Tensor:
    """Return embeddings (b, E) of what the encoder reads, with noise on them if asked."""
    with torch.autocast(prepared.device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
        z = space.encoder.read(prepared)  # (b, E)
        if noise:
            size = z.detach().square().mean().sqrt()
            z = z + noise * size * torch.randn(z.shape, device=z.device, generator=generator)
        return z


def decoded(space: NetSpace, z: Tensor, dtype: torch.dtype, class_ids: Tensor | None = None) -> Decoded:
    """Return what embeddings (b, E) decode to, PReps and logits in float32."""
    with torch.autocast(z.device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
        preps, logits, class_ids = space.decode(z, class_ids)
        return Decoded(preps.float(), None if logits is None else logits.float(), class_ids)
