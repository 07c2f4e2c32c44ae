"""Image classifiers in the app: accuracy along the path, and what every network answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from app.backend import classifiers, pictures
from app.backend.catalogue import Loaded, cards
from app.backend.engine import Engine
from app.backend.path import Route
from netspace.data.images import Images
from netspace.export.table import CurveSubject
from netspace.nets.archs import arch_title
from netspace.nets.network import Network
from netspace.tasks.measures import accuracy, classify
from netspace.tasks.task import PathStep
from netspace.zoo.store import TRAIN

from .task import AppTask, EndAnswers, Question, Score, Scores


class ClassificationInApp(AppTask[classifiers.ClassifierWork]):
    """Networks (3 x S x S -> classes)."""

    name = "classification"
    networks = "image classifiers"
    commands = (
        "python -m netspace zoo fit-cnn --recipe digits-zoo --out runs/digits/zoo\n"
        "python -m netspace train --recipe digits-space --zoo runs/digits/zoo --out runs/digits/space"
    )
    page, page_title, icon = "classifiers", "Classifiers", ":material/label:"
    invitation = "Slide between classifiers"
    page_about = "One image classifier turned into another: accuracy and predictions of the networks in between."
    page_hint = "Drag the slider or the chart, or press ← and →; click a method for its predictions. ? lists the keys."
    pair_key = "class"
    view = "classifier"
    pad_value = "accuracy"
    scores = Scores(
        {
            "accuracy error": Score("accuracy_mae", 3),
            "correlation of accuracies": Score("pearson", 3),
            "same answer": Score("same_answer", 3),
        },
        "Decoded against original, on all test images: mean absolute difference of the two accuracies, Pearson "
        "correlation of the two over networks, and the share of images that both put into the same class.",
        "not defined",
    )
    columns = {"test_accuracy": "test accuracy", "epochs": "epochs", "seed": "seed"}  # noqa: RUF012  (never changed)
    sort_by = "test_accuracy"
    function_words = "test images put into different classes"
    decodes_differ = "decodes by {:.1%} (at most {:.1%}) of their answers"
    questions = (
        Question(
            "activation", "Activation", "relu, leaky_relu, ...",
            "The paper's networks have leaky_relu, most others relu",
        ),
        Question(
            "mean", "Normalised by", "imagenet, half, 0.5,0.5,0.5", "Mean of pixels in [0, 1], or a usual pair's name"
        ),
        Question("std", "and by", "0.5,0.5,0.5", "Standard deviation, if the mean is given in numbers"),
        Question("norm_eps", "Epsilon of batch norm", "1e-5", "PyTorch's is 1e-5, TensorFlow's 1e-3"),
        Question("shortcut", "Shortcuts without parameters", "pad-both or pad-end", "Of ResNets of option A"),
        Question("classes", "Order of classes", "sorted or wnids", "Of Tiny-ImageNet: ImageFolder sorts them"),
    )  # fmt: skip
    import_words = "A state dict holds no activation, and not what its images were normalised by."
    asks_data = True
    drawings = ()
    map_colour = "test_accuracy"
    score_title, asked_inputs = "accuracy", "images"
    tile = (20, 40)

    def default_pair(self, loaded: Loaded) -> tuple[int, int]:
        """The weakest and the strongest training network; of a family, the strongest of its smallest and its largest.

        If there are not two, of all networks.
        """
        known, train = cards(loaded), loaded.zoo.ids(TRAIN)
        ids = train if len(train) > 1 else range(len(known))
        order = sorted(ids, key=lambda i: known[i].accuracy or 0.0)
        best = {loaded.zoo.records.arch[i]: i for i in order}  # by architecture
        there = [name for name in loaded.zoo.family.names if name in best]
        return (best[there[0]], best[there[-1]]) if len(there) > 1 else (order[0], order[-1])

    def can_show(self, loaded: Loaded) -> bool:
        return classifiers.here(loaded)

    def prepare(self, loaded: Loaded) -> None:
        classifiers.all_test_images(loaded)

    def work(self, engine: Engine, loaded: Loaded, route: Route, first: int) -> classifiers.ClassifierWork:
        return classifiers.ClassifierWork(engine, loaded, route, first, classifiers.all_test_images(loaded))

    def view_data(
        self, loaded: Loaded, work: classifiers.ClassifierWork, a: int, b: int, *, frame: int, method: str
    ) -> dict:
        return classifiers.answers_data(loaded, work, (), a, b, frame=frame, method=method)

    def path_steps(self, work: classifiers.ClassifierWork, side: str) -> list[PathStep]:
        """Accuracies as far as they are known."""
        return classifiers.known_steps(work, side)

    def settled(self, work: classifiers.ClassifierWork) -> bool:
        """Once all test images were classified."""
        return work.done

    def curve_subject(self, work: classifiers.ClassifierWork, side: str, a: int, b: int) -> CurveSubject:
        """Accuracies of all sides, as far as they are known."""
        return classifiers.curve_subject(work.loaded, work.curves(), a, b)

    def chance(self, loaded: Loaded) -> float:
        return 1 / classifiers.class_count(loaded)

    def numbers(self, compared: Mapping[str, tuple[str, str]], measured: str = "") -> list:
        """None: the view shows accuracies."""
        return []

    def data_to_ask(self, loaded: Loaded) -> Images | None:
        """Some of the test images."""
        return classifiers.some_test_images(loaded)

    def classes(self, loaded: Loaded) -> tuple[str, ...]:
        return classifiers.recognised_classes(loaded)

    def can_ask(self, loaded: Loaded) -> bool:
        return classifiers.here(loaded)

    def asked_about(self, loaded: Loaded) -> str:
        return f"test images of {classifiers.data_title(loaded)}"

    def reference(self, end: Network, k: int, data: Images) -> Tensor:
        return classify(end, data).argmax(dim=1)  # (n,)

    def answers(self, network: Network, references: Sequence[Tensor], data: Images) -> EndAnswers:
        logits = classify(network, data)
        same = [(logits.argmax(dim=1) == end).float().mean().item() for end in references]
        return EndAnswers(same, accuracy(logits, data.labels))

    def reference_scores(self, references: Sequence[Tensor], data: Images) -> tuple[list[float], int]:
        return [(end == data.labels).float().mean().item() for end in references], len(data)

    def facts(self, loaded: Loaded, networks: Mapping[str, Network]) -> dict[str, Any]:
        """Accuracies of both on some test images, the share of the same answers, and pictures of the weights."""
        facts: dict[str, Any] = {"architecture": arch_title(networks["decoded"].arch.name)}
        facts["pictures"] = pictures.weight_pictures([network.prep for network in networks.values()])
        some = classifiers.some_test_images(loaded)
        if some is not None:
            logits = {side: classify(network, some) for side, network in networks.items()}
            facts["count"] = len(some)
            facts["accuracy"] = {side: accuracy(said, some.labels) for side, said in logits.items()}
            if len(logits) > 1:
                same = logits["original"].argmax(dim=1) == logits["decoded"].argmax(dim=1)
                facts["same"] = float(same.float().mean())
        return facts

    def test_count(self, loaded: Loaded) -> int:
        return len(classifiers.all_test_images(loaded)) if classifiers.here(loaded) else 0

    def tile_picture(self, network: Network) -> np.ndarray:
        """The weights, on a scale of their own."""
        return pictures.weight_tile(network.prep, *self.tile)

    def expected(self, measured: Mapping[str, Any]) -> str:
        right = measured.get("architecture_right")  # of a family
        named = "" if right is None else f" The architecture of {right:.0%} of them is predicted right."
        return (
            f"what it makes of {measured['count']} held-out networks is off by {measured['accuracy_mae']:.3f} in "
            f"accuracy on average.{named}"
        )
