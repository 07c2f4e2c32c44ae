"""What a space is trained on: for each setting, the loss terms of a step and the measures that select.

An objective computes once what can be computed once: what the encoder reads of a network, and what targets and teachers
answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from ..data.images import Images, augment, load_images, normalise
from ..errors import UsageError
from ..evaluate.measures import accuracy, agreement, classify, correlation
from ..nets.archs import Arch, Family
from ..nets.fuse import fuse
from ..nets.network import Network, run_many
from ..nets.prep import pack
from ..space.losses import (
    Queries,
    boundary_gammas,
    class_loss,
    classifier_distillation,
    interpolated_class,
    knowledge_distillation,
    sdf_distillation,
    sdf_queries,
)
from ..space.model import Decoded, ImageProbeEncoder, NetSpace, TokensDecoder
from ..zoo.store import SPLITS, Zoo


class Settings(Protocol):
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


class Objective(Protocol):
    """What the training loop needs to know."""

    score: str
    """the measure, in [0, 1], whose highest value on the selecting split marks the best space"""
    points: int
    """inputs a network and step; may be lowered while training"""

    def __init__(
        self, space: NetSpace, zoo: Zoo, ids: Sequence[int], config: Settings, data: Path | None,
        teacher: Network | None,
    ) -> None: ...  # fmt: skip

    def calibrate(self, space: NetSpace, ids: Sequence[int]) -> None:
        """Adapt the encoder to these networks, once before training."""

    def terms(self, space: NetSpace, ids: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        """The loss terms of a step by name; their sum is minimised."""

    def measure(self, space: NetSpace, ids: Sequence[int]) -> dict[str, float]:
        """Measures by name, on inputs that no step has used."""


def embeddings(
    space: NetSpace, prepared: Tensor, noise: float, dtype: torch.dtype, generator: torch.Generator
) -> Tensor:
    """Embeddings (b, E) of what the encoder reads, with noise on them if asked."""
    with torch.autocast(prepared.device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
        z = space.encoder.read(prepared)  # (b, E)
        if noise:
            size = z.detach().square().mean().sqrt()
            z = z + noise * size * torch.randn(z.shape, device=z.device, generator=generator)
        return z


def decoded(space: NetSpace, z: Tensor, dtype: torch.dtype, class_ids: Tensor | None = None) -> Decoded:
    """What embeddings (b, E) decode to, PReps and logits in float32."""
    with torch.autocast(z.device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
        preps, logits, class_ids = space.decode(z, class_ids)
        return Decoded(preps.float(), None if logits is None else logits.float(), class_ids)


def _stretches(queries: Queries, copies: int, stretch: float, seed: int) -> Tensor:
    """Factors (copies, 3) by which copies of an SDF are stretched; the first copy is the SDF itself.

    Proportions change by up to `stretch`; the longest side stays as long as it was, as normalised shapes have it.
    """
    device = queries.points.device
    inside = queries.points[queries.values < 0]
    extent = inside.amax(dim=0) - inside.amin(dim=0) if len(inside) else torch.ones(3, device=device)  # (3,)
    generator = torch.Generator(device).manual_seed(seed)
    factors = 1 + stretch * (2 * torch.rand(copies, 3, device=device, generator=generator) - 1)
    factors = factors * (extent.max() / (factors * extent).amax(dim=1, keepdim=True))
    factors[0] = 1
    return factors


class SdfObjective:
    """Eq. 2 over a zoo of SDF networks: what the encoder reads and what the targets answer is computed once."""

    score = "agreement"
    VALIDATION = 2048
    """the first so many query points of a network are for validation alone"""

    def __init__(
        self, space: NetSpace, zoo: Zoo, ids: Sequence[int], config: Settings, data: Path | None = None,
        teacher: Network | None = None,
    ) -> None:  # fmt: skip
        """Asks the networks `ids` once."""
        refuse_teacher(teacher)
        if not config.queries:
            raise UsageError("--queries 0 is for image classifiers: an SDF is asked at stored points")
        self.arch, self.points, self.noise = space.family.archs[0], config.points, config.noise
        self.dtype = getattr(torch, config.hidden_dtype)
        self.row = {i: k for k, i in enumerate(ids)}
        prepared, asked, factors = [], [], []
        with torch.no_grad():
            for i in ids:
                network = zoo[i].to(space.device)
                queries = sdf_queries(network, self.VALIDATION + config.queries, config.seed + i)
                stretches = _stretches(queries, config.copies, config.stretch, config.seed + i)  # (copies, 3)
                copies = [self.arch.stretch_params(network.params, f) for f in stretches]
                preps = torch.stack([pack(params, space.family.size) for params in copies])
                prepared.append(space.encoder.prepare(preps))
                asked.append(queries)
                factors.append(stretches)
        self.prepared = torch.stack(prepared)  # (N, copies, ...)
        self.factors = torch.stack(factors)  # (N, copies, 3)
        self.queries = Queries(torch.stack([q.points for q in asked]), torch.stack([q.values for q in asked]))

    def calibrate(self, space: NetSpace, ids: Sequence[int]) -> None:
        """Adapt the encoder to these networks, once before training."""
        space.encoder.calibrate(self.prepared[[self.row[i] for i in ids], 0])

    def terms(self, space: NetSpace, ids: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        """The loss terms of a step by name; their sum is minimised."""
        rows = torch.tensor([self.row[i] for i in ids], device=self.prepared.device)
        first, last = self.VALIDATION, self.queries.points.shape[1]
        pick = torch.randint(first, last, (len(ids), self.points), device=rows.device, generator=generator)
        copy = torch.randint(self.factors.shape[1], (len(ids),), device=rows.device, generator=generator)
        x = self.queries.points[rows[:, None], pick] * self.factors[rows, copy].unsqueeze(1)  # (b, n, 3)
        target = self.queries.values[rows[:, None], pick]  # (b, n)
        z = embeddings(space, self.prepared[rows, copy], self.noise, self.dtype, generator)
        predicted = run_many(self.arch, decoded(space, z, self.dtype).preps, x, self.dtype).squeeze(-1)  # (b, n)
        return {"pred": sdf_distillation(predicted, target)}

    def measure(self, space: NetSpace, ids: Sequence[int]) -> dict[str, float]:
        """Median agreement and mean squared error at points that no step has used."""
        pairs = [self._answers(space, ids[k : k + 8]) for k in range(0, len(ids), 8)]
        predicted, target = (torch.cat(side) for side in zip(*pairs, strict=True))
        error = sdf_distillation(predicted, target).item()
        return {"agreement": agreement(predicted, target).median().item(), "mse": error}

    def _answers(self, space: NetSpace, ids: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Predicted and target answers (b, n)."""
        rows = [self.row[i] for i in ids]
        x = self.queries.points[rows, : self.VALIDATION]
        preps = space.decode(space.encoder.read(self.prepared[rows, 0])).preps
        return run_many(self.arch, preps, x).squeeze(-1), self.queries.values[rows, : self.VALIDATION]


def _perturbed(network: Network, share: float, generator: torch.Generator) -> Network:
    """A copy of a network in which up to `share` of every parameter's values is noise of their size, at random."""

    def noisy(p: Tensor) -> Tensor:
        noise = torch.randn(p.shape, device=p.device, generator=generator)
        s = share * torch.rand(1, device=p.device, generator=generator)
        return (1 - s.square()).clamp(min=0).sqrt() * p + s * p.square().mean().sqrt() * noise

    return Network.of(network.arch, {n: noisy(p) for n, p in network.params.items()}, network.prep.shape[-2:])


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

    def __init__(self, space: NetSpace, zoo: Zoo, ids: Sequence[int], config: Settings, data: Path | None) -> None:
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
        self, space: NetSpace, zoo: Zoo, ids: Sequence[int], config: Settings, data: Path | None = None,
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

    def terms(self, space: NetSpace, ids: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        """The loss terms of a step by name; all networks see the same images, as in the authors' code."""
        rows = torch.tensor([self.row[i] for i in ids], device=self.prepared.device)
        batch = self.inputs.draw(self.points, generator)
        copy = torch.randint(self.prepared.shape[1], (len(ids),), device=rows.device, generator=generator)
        chosen = zip(rows.tolist(), copy.tolist(), strict=True)
        target = torch.stack([self.teachers[k][c].answers(batch) for k, c in chosen])  # (b, n, C)
        z = embeddings(space, self.prepared[rows, copy], self.noise, self.dtype, generator)
        predicted = run_many(self.arch, decoded(space, z, self.dtype).preps, batch.x, self.dtype)  # (b, n, C)
        return {"pred": classifier_distillation(predicted, target, self.temperature)}

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
        self, space: NetSpace, zoo: Zoo, ids: Sequence[int], config: Settings, data: Path | None = None,
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

    def terms(self, space: NetSpace, ids: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        """The loss terms of a step by name, summed over its networks and pairs as the paper says after Eq. 12."""
        rows = torch.tensor([self.row[i] for i in ids], device=self.prepared.device)
        batch = self.inputs.draw(self.points, generator)
        answers, class_ids = self.teacher.answers(batch), self.class_ids[rows]
        prepared = self.prepared[rows]
        if self.stretch:  # fresh copies: the teacher's answers stay what they are
            copies = [_perturbed(self.originals[k], self.stretch, generator) for k in rows.tolist()]
            prepared = space.encoder.prepare(torch.stack([copy.prep for copy in copies]))
        z = embeddings(space, prepared, self.noise, self.dtype, generator)
        terms = dict(zip(("kd", "class"), self._taught(space, z, class_ids, batch, answers), strict=True))
        between, wanted = self._between(space.family, z, class_ids)
        if len(between):  # Eq. 11
            named = zip(("kd_gamma", "class_gamma"), self._taught(space, between, wanted, batch, answers), strict=True)
            terms |= dict(named)
        return terms

    def _taught(
        self, space: NetSpace, z: Tensor, class_ids: Tensor, batch: Batch, answers: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Eqs. 5 and 6 (10 and 7 for interpolated embeddings), summed over embeddings (b, E)."""
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


def refuse_teacher(teacher: Network | None) -> None:
    """ValueError where a teacher is given to a setting in which every network learns from its own target."""
    if teacher is not None:
        raise UsageError("a space of one architecture learns from the zoo's own networks (Eqs. 1 and 2): no --teacher")


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


OBJECTIVES: dict[str, type[Objective]] = {
    "sdf": SdfObjective,
    "images": ClassifierObjective,
    "images, several architectures": FamilyObjective,
}
"""by setting"""


def objective_of(family: Family) -> type[Objective]:
    """What a space of this family is trained on. ValueError for several architectures of SDFs."""
    kind = family.archs[0].kind
    setting = kind if len(family.archs) == 1 else f"{kind}, several architectures"
    if setting not in OBJECTIVES:
        raise UsageError(f"no objective for {setting} ({', '.join(family.names)}): Eqs. 3 to 12 are for classifiers")
    return OBJECTIVES[setting]
