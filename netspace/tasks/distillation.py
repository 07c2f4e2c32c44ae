"""What a space of image classifiers is trained on: one architecture (Eq. 1) or several (Eqs. 3 to 12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ..data.images import Images, load_images
from ..data.transforms import augment, normalise
from ..errors import UsageError
from ..nets.archs import Arch, Family
from ..nets.fuse import fuse
from ..nets.network import Network, run_many
from ..nets.prep import PrepSize
from ..share import WHOLE, Share
from ..space.decoders import TokensDecoder
from ..space.encoders import ImageProbeEncoder
from ..space.losses import (
    boundary_gammas,
    class_loss,
    classifier_distillation,
    interpolated_class,
    knowledge_distillation,
)
from ..space.space import NetSpace
from ..zoo.store import SPLITS, Zoo
from .measures import accuracy, classify, correlation
from .task import TrainSettings, decoded, noisy_embeddings, refuse_teacher


def _perturbed(network: Network, share: float, generator: torch.Generator) -> Network:
    """A copy of a network in which up to `share` of every parameter's values is noise of their size, at random."""

    def noisy(p: Tensor) -> Tensor:
        noise = torch.randn(p.shape, device=p.device, generator=generator)
        s = share * torch.rand(1, device=p.device, generator=generator)
        return (1 - s.square()).clamp(min=0).sqrt() * p + s * p.square().mean().sqrt() * noise

    return Network.of(
        network.arch, {n: noisy(p) for n, p in network.params.items()}, PrepSize(*network.prep.shape[-2:])
    )


class Batch(NamedTuple):
    """Images of a step."""

    x: Tensor
    """(n, 3, S, S), augmented and normalised"""
    labels: Tensor
    """(n)"""
    crops: Tensor | None
    """(n) indices, where the images are of a fixed number of augmented ones"""


class TrainingImages:
    """Augmented training images: a fixed number of them, about which networks can be asked once, or fresh ones."""

    def __init__(self, source: Images, count: int, generator: torch.Generator) -> None:
        """`count` augmented images of the source, fixed; 0: fresh ones in every batch."""
        self.source, self.crops = source, None
        if count:
            pick = torch.randint(len(source), (count,), device=source.pixels.device, generator=generator)
            crops = augment(source.pixels[pick], source.pad, source.flip, generator)
            self.crops = replace(source, pixels=crops, labels=source.labels[pick])

    def draw(self, count: int, generator: torch.Generator) -> Batch:
        """A batch, with repetition."""
        among = self.source if self.crops is None else self.crops
        pick = torch.randint(len(among), (count,), device=among.pixels.device, generator=generator)
        pixels, fixed = among.pixels[pick], self.crops is not None
        if not fixed:
            pixels = augment(pixels, among.pad, among.flip, generator)
        x = normalise(pixels).contiguous(memory_format=torch.channels_last)
        return Batch(x, among.labels[pick], pick if fixed else None)


class Teacher:
    """A network's answers to training images, computed once where these are a fixed number (N* of Eqs. 3 and 8)."""

    def __init__(self, network: Network, images: TrainingImages, data: str, dtype: torch.dtype | None = None) -> None:
        """ValueError unless the network was trained on the images of this data set."""
        check_classes(network.arch, images.source)
        if network.arch.data != data:
            raise UsageError(f"{network.arch.name} was trained on {network.arch.data}, it cannot teach {data}")
        self.network, self.dtype = network.to(images.source.pixels.device), dtype
        self.logits = None if images.crops is None else classify(self.network, images.crops, dtype).half()

    def answers(self, batch: Batch) -> Tensor:
        """Logits (n, C) for the images of a batch."""
        if self.logits is None:
            return self.network.compiled(self.dtype)(batch.x)
        return self.logits[batch.crops].float()


class ImagesObjective:
    """What training on image classifiers has in common: the images, and how accurate the targets are."""

    score = "accuracy_score"
    VALIDATION = 2048
    """validation images at most"""

    def __init__(self, space: NetSpace, zoo: Zoo, ids: Sequence[int], config: TrainSettings, data: Path | None) -> None:
        """Loads the images, from `data` or where they are found, and the networks `ids`."""
        self.points, self.noise, self.dtype = config.points, config.noise, getattr(torch, config.hidden_dtype)
        self.row = {i: k for k, i in enumerate(ids)}
        arch, device = space.family.archs[0], space.device
        source = load_images(arch.data, "train", data).to(device)
        held = load_images(arch.data, "validation", data).to(device)
        check_classes(arch, source)
        self.generator = torch.Generator(device).manual_seed(config.seed)
        some = torch.randperm(len(held), device=device, generator=self.generator)[: self.VALIDATION]
        self.held = held.take(some)
        self.inputs = TrainingImages(source, config.queries, self.generator)
        self.originals = [zoo[i].to(device) for i in ids]
        self.targets = [self._accuracy(network) for network in self.originals]

    def _accuracy(self, network: Network) -> float:
        return accuracy(classify(network, self.held), self.held.labels)


class ClassifierObjective(ImagesObjective):
    """Eq. 1 over a zoo of image classifiers of one architecture, on augmented training images."""

    def __init__(
        self, space: NetSpace, zoo: Zoo, ids: Sequence[int], config: TrainSettings, data: Path | None = None,
        teacher: Network | None = None,
    ) -> None:  # fmt: skip
        """Loads the images and asks the networks `ids` once."""
        refuse_teacher(teacher)
        super().__init__(space, zoo, ids, config, data)
        self.arch, self.temperature = space.family.archs[0], config.temperature
        generator, source = self.generator, self.inputs.source
        if isinstance(space.encoder, ImageProbeEncoder):
            count = len(space.encoder.inputs)
            if count > len(source):
                raise UsageError(f"a probe encoder asks about {count} training images, there are {len(source)}")
            pick = torch.randperm(len(source), device=space.device, generator=generator)[:count]
            space.encoder.ask_about(normalise(source.pixels[pick]))
        # N lists of copies
        self.networks = [
            [n, *(_perturbed(n, config.stretch, generator) for _ in range(1, config.copies))] for n in self.originals
        ]
        self.teachers = [[Teacher(n, self.inputs, self.arch.data, self.dtype) for n in ns] for ns in self.networks]
        with torch.no_grad():
            prepared = [space.encoder.prepare(torch.stack([n.prep for n in ns])) for ns in self.networks]
            self.prepared = torch.stack(prepared)  # (N, copies, ...)

    def calibrate(self, space: NetSpace, ids: Sequence[int]) -> None:
        """Adapt the encoder to these networks, once before training, and start decoding from the best of them."""
        rows = [self.row[i] for i in ids]
        space.encoder.calibrate(self.prepared[rows, 0])
        if isinstance(space.decoder, TokensDecoder):
            space.decoder.start_from(self.originals[max(rows, key=lambda k: self.targets[k])].prep.flatten())

    def terms(
        self, space: NetSpace, ids: Sequence[int], generator: torch.Generator, share: Share = WHOLE
    ) -> dict[str, Tensor]:
        """The loss terms of a step by name; all networks see the same images, as in the authors' code."""
        rows = torch.tensor([self.row[i] for i in ids], device=self.prepared.device)
        batch = self.inputs.draw(self.points, generator)
        copy = torch.randint(self.prepared.shape[1], (len(ids),), device=rows.device, generator=generator)
        mine = share.of(len(ids))
        chosen = zip(rows[mine].tolist(), copy[mine].tolist(), strict=True)
        target = torch.stack([self.teachers[k][c].answers(batch) for k, c in chosen])  # (b, n, C)
        z = noisy_embeddings(space, self.prepared[rows, copy], self.noise, self.dtype, generator, share)
        predicted = run_many(self.arch, decoded(space, z, self.dtype).preps, batch.x, self.dtype)  # (b, n, C)
        return {"pred": share.weigh(classifier_distillation(predicted, target, self.temperature), len(ids))}

    def measure(self, space: NetSpace, ids: Sequence[int]) -> dict[str, float]:
        """Mean absolute error and correlation of the accuracies of predicted and target networks; 1 - error scores."""
        rows = [self.row[i] for i in ids]
        networks = (space.networks(space.encoder.read(self.prepared[k, :1]))[0] for k in rows)
        target, predicted = [self.targets[k] for k in rows], [self._accuracy(network) for network in networks]
        error = sum(abs(t - p) for t, p in zip(target, predicted, strict=True)) / len(ids)
        measures = {"accuracy_score": 1 - error, "accuracy_mae": error}
        pearson = correlation(target, predicted)
        return measures | ({} if pearson is None else {"pearson": pearson})


class FamilyObjective(ImagesObjective):
    """Eqs. 3 to 12 over a zoo of good classifiers of several architectures, taught by one of high performance."""

    PAIRS = 4
    """of boundary networks, between which interpolated networks are measured"""

    def __init__(
        self, space: NetSpace, zoo: Zoo, ids: Sequence[int], config: TrainSettings, data: Path | None = None,
        teacher: Network | None = None,
    ) -> None:  # fmt: skip
        """Loads the images, asks the teacher once about them, and has the networks `ids` read."""
        if teacher is None:
            raise UsageError(
                f"a space of several architectures ({', '.join(space.family.names)}) learns from a teacher: "
                "name a zoo that holds one by --teacher"
            )
        super().__init__(space, zoo, ids, config, data)
        self.alpha, self.temperature, self.build = config.alpha, config.temperature, config.build
        self.stretch = config.stretch if config.copies > 1 else 0.0
        self.teacher = Teacher(teacher, self.inputs, space.family.archs[0].data)
        names = space.family.names
        self.class_ids = torch.tensor([names.index(zoo.records.arch[i]) for i in ids], device=space.device)  # (N)
        with torch.no_grad():
            self.prepared = torch.cat([space.encoder.prepare(n.prep.unsqueeze(0)) for n in self.originals])  # (N, ...)

    def calibrate(self, space: NetSpace, ids: Sequence[int]) -> None:
        """Adapt the encoder to these networks, once before training, and start decoding from the best of them.

        An architecture that none of them has starts from a fresh network whose batch norms have seen images.
        """
        rows = [self.row[i] for i in ids]
        space.encoder.calibrate(self.prepared[rows])
        if isinstance(space.decoder, TokensDecoder):
            for class_id, arch in enumerate(space.family.archs):
                mine = [k for k in rows if self.class_ids[k] == class_id]
                if mine:
                    start = self.originals[max(mine, key=lambda k: self.targets[k])].prep.flatten()
                else:
                    start = _acquainted(arch, self.inputs.source)
                space.decoder.start_from(start, class_id)

    def terms(
        self, space: NetSpace, ids: Sequence[int], generator: torch.Generator, share: Share = WHOLE
    ) -> dict[str, Tensor]:
        """The loss terms of a step by name, summed over its networks and pairs as the paper says after Eq. 12.

        All networks are embedded whatever the share, as pairs may be of any two of them; a share of what they decode to
        is computed.
        """
        rows = torch.tensor([self.row[i] for i in ids], device=self.prepared.device)
        batch = self.inputs.draw(self.points, generator)
        answers, class_ids = self.teacher.answers(batch), self.class_ids[rows]
        prepared = self.prepared[rows]
        if self.stretch:  # fresh copies: the teacher's answers stay what they are
            copies = [_perturbed(self.originals[k], self.stretch, generator) for k in rows.tolist()]
            prepared = space.encoder.prepare(torch.stack([copy.prep for copy in copies]))
        z = noisy_embeddings(space, prepared, self.noise, self.dtype, generator)
        terms = dict(zip(("kd", "class"), self._taught(space, z, class_ids, batch, answers, share), strict=True))
        between, wanted = self._between(space.family, z, class_ids)
        if len(between):  # Eq. 11
            taught = self._taught(space, between, wanted, batch, answers, share)
            terms |= dict(zip(("kd_gamma", "class_gamma"), taught, strict=True))
        return terms

    def _taught(
        self, space: NetSpace, z: Tensor, class_ids: Tensor, batch: Batch, answers: Tensor, share: Share
    ) -> tuple[Tensor, Tensor]:
        """Eqs. 5 and 6 (10 and 7 for interpolated embeddings), summed over a share of embeddings (b, E)."""
        mine = share.of(len(z))
        z, class_ids = z[mine], class_ids[mine]
        if not len(z):
            return z.sum(), z.sum()
        preps, logits, built = decoded(space, z, self.dtype, class_ids if self.build == "target" else None)
        distilled = [
            knowledge_distillation(
                run_many(space.family.archs[k], prep, batch.x, self.dtype), answers, batch.labels, self.alpha,
                self.temperature,
            )
            for k, prep in zip(built.tolist(), preps, strict=True)
        ]  # fmt: skip
        return torch.stack(distilled).sum(), class_loss(logits, class_ids) * len(z)

    @staticmethod
    def _between(family: Family, z: Tensor, class_ids: Tensor) -> tuple[Tensor, Tensor]:
        """Interpolated embeddings (m, E) of all boundary pairs at the gammas of Eq. 12, and their ClassIds (m)."""
        last = len(family.archs) - 1
        pairs = torch.cartesian_prod(*((class_ids == k).nonzero()[:, 0] for k in (0, last)))  # (p, 2)
        found, wanted = [z[:0]], []
        for gamma in boundary_gammas(len(family.archs)):
            found.append((1 - gamma) * z[pairs[:, 0]] + gamma * z[pairs[:, 1]])
            wanted += [interpolated_class(gamma, 0, last)] * len(pairs)
        return torch.cat(found), torch.tensor(wanted, dtype=class_ids.dtype, device=z.device)

    def measure(self, space: NetSpace, ids: Sequence[int]) -> dict[str, float]:
        """How good predicted and interpolated networks are, of the architectures that are predicted; the mean scores.

        As the authors validate. `accuracy_mae` compares with the targets; `architecture_right` is a share.
        """
        rows = [self.row[i] for i in ids]
        z = torch.cat([space.encoder.read(self.prepared[k : k + 1]) for k in rows])
        class_ids = self.class_ids[rows]
        predicted = [self._accuracy(network) for e in z for network in space.networks(e.unsqueeze(0))]
        error = sum(abs(self.targets[k] - p) for k, p in zip(rows, predicted, strict=True)) / len(rows)
        right = (space.head(z).argmax(dim=1) == class_ids).float().mean().item()
        mean = sum(predicted) / len(predicted)
        measures = {"accuracy_score": mean, "accuracy_mae": error, "architecture_right": right}
        ends = [(class_ids == k).nonzero()[: self.PAIRS, 0] for k in (0, len(space.family.archs) - 1)]
        count = min(map(len, ends))
        pairs = torch.stack([end[:count] for end in ends], dim=1)  # (p, 2)
        found = [self._between(space.family, z[pair], class_ids[pair])[0] for pair in pairs]
        if found and len(found[0]):
            accuracies = [self._accuracy(n) for zs in found for e in zs for n in space.networks(e.unsqueeze(0))]
            interpolated = sum(accuracies) / len(accuracies)
            measures |= {"accuracy_score": (mean + interpolated) / 2, "interpolated_accuracy": interpolated}
        return measures


def _acquainted(arch: Arch, images: Images, count: int = 512) -> Tensor:
    """Parameters (P) of a fresh network whose batch norms, before they are fused, have seen some of the images."""
    module = arch.fresh(seed=0).to(images.pixels.device).train()
    for norm in module.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.momentum = None  # a plain average
    x = normalise(images.pixels[:count])
    with torch.no_grad():
        module(x)
    params = fuse(arch, module.eval(), x[:1]).params
    return torch.cat([params[name].flatten() for name in arch.shapes])


def best_of(zoo: Zoo, name: str | None = None) -> Network:
    """A zoo's network by name or, without one, that of the highest validation accuracy, optimised ones apart.

    Raises:
        ValueError: the zoo's records do not say how accurate its networks are, or its weights are not finite.
        KeyError: there is no network of this name.
    """
    if name is None:
        found = zoo.records.get("val_accuracy")
        if found is None or found.dtype.kind != "f":
            raise UsageError(
                f"{zoo.folder / 'records.parquet'} has no column 'val_accuracy' of numbers to choose the best by"
            )
        trained = found[zoo.records.split.isin(SPLITS) & found.notna()]
        if not len(trained):
            raise UsageError(f"{zoo.folder} has no trained network with a 'val_accuracy' to choose the best by")
        i = int(trained.idxmax())
    else:
        i = zoo.index(name)
    zoo.check_finite([i])
    return zoo[i]


def check_classes(arch: Arch, images: Images) -> None:
    """ValueError, naming both, unless the classifier tells apart as many classes as the images have, at their size."""
    classes = arch.skeleton.classes
    if len(images.classes) != classes or images.size != arch.skeleton.size:
        raise UsageError(
            f"{arch.name} reads images of {arch.skeleton.size} pixels in {classes} classes, "
            f"{images.name} has {images.size} pixels and {len(images.classes)} classes"
        )
