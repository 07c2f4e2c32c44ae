"""Image classifiers: the task itself, and what one is optimised for (Eqs. 3 to 5)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor

from ..data.images import Images, available, load_images
from ..data.transforms import normalise
from ..errors import UsageError
from ..io import atomic_write, content_hash
from ..latent.paths import METHODS, PATH_STEPS
from ..nets.archs import Arch
from ..nets.network import Network, run_many
from ..space.losses import classifier_distillation, task_loss
from ..space.space import NetSpace
from ..zoo.store import Zoo
from .curves import (
    WALK_STEPS,
    Curve,
    Pair,
    accuracy_curve,
    curve_pairs,
    summarise_curves,
    summarise_walks,
)
from .distillation import ClassifierObjective, FamilyObjective, Teacher, TrainingImages, check_classes
from .measures import accuracy, classify, count_true, wilson
from .recognition import Recognition, recognise, summarise_recognition
from .score_classifiers import (
    CLASSIFIER_COLUMNS,
    CLASSIFIER_QUALITIES,
    ERRORS_OVERLAP,
    MOST_FITTING,
    PathOfClassifiers,
    ScoringImages,
    drawn,
    errors_audit,
)
from .task import GoalSettings, Objective, PathStep, Resemblance, Task, TrainSettings


def accuracy_words(share: float, low: float, high: float, count: int, arch: str = "") -> str:
    """Say an accuracy with its confidence interval, on so many images; of a family also the architecture."""
    return f"accuracy {share:.3f} ({low:.3f} to {high:.3f}), {count:,} images{f', {arch}' if arch else ''}"


class ImagesGoal:
    """Recognise images, as a teacher does (Eqs. 3 to 5)."""

    score = "accuracy"
    notes = ()
    VALIDATION = 2048
    """validation images at most"""

    def __init__(
        self, space: NetSpace, config: GoalSettings, data: Path | None = None, teacher: Network | None = None
    ) -> None:
        """Loads the images, from `data` or where they are found, and asks the teacher once.

        Raises:
            ValueError: the loss wants a teacher and there is none, or it tells other classes apart.
        """
        name, device = space.family.archs[0].data, space.device
        loss = ("kd" if teacher else "task") if config.loss == "auto" else config.loss
        if loss == "mse":
            raise UsageError("--loss mse is for shapes; image classifiers have kd, kl and task")
        if loss != "task" and teacher is None:
            raise UsageError(f"--loss {loss} learns from a teacher: name a zoo that holds one by --teacher")
        if loss == "task" and teacher is not None:
            raise UsageError("--loss task learns from labels alone: no --teacher")
        train, held, self.images = (load_images(name, s, data).to(device) for s in ("train", "validation", "test"))
        check_classes(space.family.archs[0], train)
        generator = torch.Generator(device).manual_seed(config.seed)
        some = torch.randperm(len(held), device=device, generator=generator)[: self.VALIDATION]
        self.held = held.take(some)
        self.inputs = TrainingImages(train, config.queries, generator)
        self.teacher = None if loss == "task" else Teacher(teacher, self.inputs, name)
        taught_by: list[str | Tensor] = [] if teacher is None else [teacher.arch.name, teacher.prep]
        self.made_of = content_hash(name, loss, self.inputs.source.labels, self.images.labels, *taught_by)
        self.points, self.temperature = config.points, config.temperature
        self.dtype = getattr(torch, config.hidden_dtype)
        self.alpha = {"kd": config.alpha, "kl": 1.0, "task": 0.0}[loss]

    def terms(self, network: Network, generator: torch.Generator) -> dict[str, Tensor]:
        """Both parts of Eq. 5, weighted, as far as they are asked for."""
        batch = self.inputs.draw(self.points, generator)
        predicted = run_many(network.arch, network.prep, batch.x, self.dtype)  # (n, C)
        terms = {}
        if self.alpha > 0:
            answers = self.teacher.answers(batch)
            terms["pred"] = self.alpha * classifier_distillation(predicted, answers, self.temperature)
        if self.alpha < 1:
            terms["task"] = (1 - self.alpha) * task_loss(predicted, batch.labels)
        return terms

    def validate(self, network: Network) -> float:
        """Accuracy on validation images."""
        return accuracy(classify(network, self.held), self.held.labels)

    def test(self, network: Network) -> float:
        """Accuracy on all test images."""
        return accuracy(classify(network, self.images), self.images.labels)


OFF_SAME, OFF_ACCURACY = 0.5, 0.1
"""A decode that gives fewer of its original's answers, or whose accuracy differs more, does not count as it."""
INPUTS = 256
"""images on which two networks are compared"""


class Classification(Task[Recognition]):
    """Image classifiers, of one architecture or of a family."""

    name = "classification"
    networks = "image classifiers"
    score = "accuracy"
    goal_score = "accuracy"
    goal_terms = {  # noqa: RUF012  (never changed)
        "pred": ("teacher", "Divergence from the teacher's answers (Eq. 3), weighted as the loss has it"),
        "task": ("labels", "Cross-entropy with the labels (Eq. 4), weighted as the loss has it"),
        "class": ("architecture", "Cross-entropy of the predicted architecture with the wanted one (Eq. 6)"),
    }
    reaches = 2.0  # further along a direction, they still become better or worse

    def lso_recipe(self, data: str) -> str:
        """That of digits for digits, else that of CIFAR-10."""
        return "digits-lso" if data == "digits" else "cifar10-lso"

    def data(self, arch: Arch, split: str = "test", folder: Path | None = None) -> Images:
        """Images of the data set that the architecture is for."""
        images = load_images(arch.data, split, folder)
        check_classes(arch, images)
        return images

    def data_here(self, arch: Arch, split: str = "test", folder: Path | None = None) -> Images | None:
        """The same without a check; None if the data set is not here and no folder is named."""
        return load_images(arch.data, split, folder) if folder or available(arch.data) else None

    def inputs(self, arch: Arch, data: Images | None = None) -> Tensor:
        """Test images (n, 3, S, S) as networks read them, or noise."""
        if data is not None:
            return normalise(data.pixels[:INPUTS].cpu())
        size = arch.skeleton.size
        return torch.randn(INPUTS, 3, size, size, generator=torch.Generator().manual_seed(0))

    def objective(
        self, space: NetSpace, zoo: Zoo, ids: Sequence[int], config: TrainSettings, data: Path | None = None,
        teacher: Network | None = None,
    ) -> Objective:  # fmt: skip
        """Eq. 1 for one architecture, Eqs. 3 to 12 for several."""
        made = ClassifierObjective if len(space.family.archs) == 1 else FamilyObjective
        return made(space, zoo, ids, config, data, teacher)

    def goal(
        self, space: NetSpace, config: GoalSettings, *, data: Path | None = None, teacher: Network | None = None,
        target: str | None = None,
    ) -> ImagesGoal:  # fmt: skip
        """Recognise images, as a teacher does or as they are labelled."""
        if target is not None:
            raise UsageError("--target is for SDFs; image classifiers learn from images")
        return ImagesGoal(space, config, data, teacher)

    def reconstruct(
        self, space: NetSpace, zoo: Zoo, i: int, data: Images | None = None, resolution: int = 64
    ) -> Recognition | None:
        """Compare accuracies and answers on the same images."""
        return None if data is None else recognise(space, zoo, i, data)

    def summarise(self, rows: Iterable[Recognition]) -> dict[str, dict]:
        """How far accuracies are apart, and how they correlate, by split."""
        return summarise_recognition(rows)

    def error(self, row: Recognition) -> float:
        """The share of different answers."""
        return 1 - row.same_answer

    def doubts(self, row: Recognition) -> list[str]:
        """Another architecture, other answers, another accuracy."""
        found = []
        if row.predicted_arch and row.arch != row.predicted_arch:
            found.append(f"decoded as {row.predicted_arch}")
        if row.same_answer < OFF_SAME:
            found.append(f"its decode gives {row.same_answer:.0%} of its answers")
        if abs(row.target_accuracy - row.predicted_accuracy) > OFF_ACCURACY:
            found.append(f"accuracy {row.target_accuracy:.2f}, decoded {row.predicted_accuracy:.2f}")
        return found

    def measuring(
        self, a: Network | None, b: Network | None, data: Images | None = None, resolution: int = 64
    ) -> Callable[[Network], PathStep]:
        """Accuracy, with its confidence interval."""
        several = a is not None and b is not None and a.arch != b.arch

        def of(network: Network) -> PathStep:
            share = accuracy(classify(network, data), data.labels)
            low, high = wilson(round(share * len(data)), len(data))
            words = accuracy_words(share, low, high, len(data), network.arch.name if several else "")
            return PathStep({"accuracy": share, "low": low, "high": high, "arch": network.arch.name}, words, None)

        return of

    def survey(
        self, space: NetSpace, zoo: Zoo, count: int, data: Images | None = None, resolution: int = 64,
        keep: Path | None = None, progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> dict[str, dict]:  # fmt: skip
        """How accuracy goes between pairs chosen by it; figures by kind of pair and method."""
        import pandas as pd

        pairs = curve_pairs(zoo, count)
        if not pairs:
            raise UsageError(f"--pairs needs two networks of a split, {zoo.folder} has {len(zoo)} in all")
        several = len(space.family.archs) > 1
        ends = (zoo[pairs[0].a], zoo[pairs[0].b])
        methods = [name for name, method in METHODS.items() if not method.applies(*ends)]
        jobs = [(pair, method) for pair in pairs for method in (("latent",) if several else methods)]

        def walk(job: tuple[Pair, str]) -> Curve:
            return accuracy_curve(space, zoo, *job, data, WALK_STEPS if several else PATH_STEPS)

        found = []
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for curve in pool.map(walk, jobs):
                found.append(curve)
                progress(len(found), len(jobs))
        if keep:
            with atomic_write(keep / "curves.parquet") as path:
                pd.DataFrame([row for curve in found for row in curve.rows(len(data))]).to_parquet(path, index=False)
        return summarise_walks(zoo, found) if several else summarise_curves(found)

    def scale(self, data: Images) -> tuple[str, float]:
        """The test images, and one out of their classes."""
        return f"accuracy on the {len(data)} test images of {data.name}", 1 / len(data.classes)

    strengths = ("val_accuracy", "test_accuracy")
    score_columns, likeness, qualities = CLASSIFIER_COLUMNS, ERRORS_OVERLAP, CLASSIFIER_QUALITIES

    def score_data(self, arch: Arch, folder: Path | None = None, most: int = 0) -> ScoringImages:
        """Test images, and training images for temperatures."""
        tested, fitting = (self.data(arch, split, folder) for split in ("test", "train"))
        return ScoringImages(drawn(tested, most), drawn(fitting, MOST_FITTING))

    def outputs_data(self, data: ScoringImages) -> Images:
        """The test images."""
        return data.tested

    def data_words(self, data: ScoringImages) -> str:
        """How many images of which data set."""
        tested, fitting = data
        return f"{len(tested)} test images of {tested.name}, temperatures on {len(fitting)} training images"

    def scoring(
        self, a: Network, b: Network, data: ScoringImages | None = None, resolution: int = 64
    ) -> PathOfClassifiers:
        """Accuracy, barrier and calibration."""
        return PathOfClassifiers(a, b, data)

    def auditing(
        self, known: Sequence[Network], data: ScoringImages | None = None, resolution: int = 64
    ) -> Callable[[Network, int | None], Resemblance]:
        """By the overlap of wrong answers."""
        return errors_audit(known, data)

    def outputs(self, network: Network, data: Images | None = None) -> Tensor:
        """The classes (n) int16 that images are put into."""
        if data is None:
            raise UsageError("image classifiers are compared on images, and none are given")
        return classify(network, data).argmax(dim=1).short()

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """The share of images (*b, n) put into different classes."""
        return count_true(a != b) / max(a.shape[-1], b.shape[-1])
