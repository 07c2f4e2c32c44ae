"""What a space is trained on: for each kind of network, the loss terms of a step and the measures that select.

An objective computes once what can be computed once: what the encoder reads of a network, and what targets answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from .archs import Arch
from .evaluate import accuracy, agreement, classify, correlation
from .images import Images, augment, load_images, normalise
from .losses import Queries, classifier_distillation, sdf_distillation, sdf_queries
from .model import ImageProbeEncoder, NetSpace, TokensDecoder
from .network import Network, run_many
from .prep import pack
from .zoo import Zoo


class Settings(Protocol):
    """The settings of a training run that objectives read."""

    points: int
    queries: int
    noise: float
    copies: int
    stretch: float
    temperature: float
    hidden_dtype: str
    seed: int


class Objective(Protocol):
    """What the training loop needs to know."""

    score: str
    """the measure, in [0, 1], whose highest value on the selecting split marks the best space"""
    points: int
    """inputs a network and step; may be lowered while training"""

    def __init__(self, space: NetSpace, zoo: Zoo, ids: Sequence[int], config: Settings, data: Path | None) -> None: ...

    def calibrate(self, space: NetSpace, ids: Sequence[int]) -> None:
        """Adapt the encoder to these networks, once before training."""

    def terms(self, space: NetSpace, ids: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        """The loss terms of a step by name; their sum is minimised."""

    def measure(self, space: NetSpace, ids: Sequence[int]) -> dict[str, float]:
        """Measures by name, on inputs that no step has used."""


def predicted_preps(
    space: NetSpace, prepared: Tensor, noise: float, dtype: torch.dtype, generator: torch.Generator
) -> Tensor:
    """PReps (b, 1, H, W) float32 decoded from what the encoder reads, with noise on the embeddings if asked."""
    with torch.autocast(prepared.device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
        z = space.encoder.read(prepared)  # (b, E)
        if noise:
            size = z.detach().square().mean().sqrt()
            z = z + noise * size * torch.randn(z.shape, device=z.device, generator=generator)
        return space.decode(z).preps.float()


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
        self, space: NetSpace, zoo: Zoo, ids: Sequence[int], config: Settings, data: Path | None = None
    ) -> None:
        """Asks the networks `ids` once."""
        if not config.queries:
            raise ValueError("--queries 0 is for image classifiers: an SDF is asked at stored points")
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
        preps = predicted_preps(space, self.prepared[rows, copy], self.noise, self.dtype, generator)
        predicted = run_many(self.arch, preps, x, self.dtype).squeeze(-1)  # (b, n)
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


def _perturbed(network: Network, copies: int, share: float, generator: torch.Generator) -> list[Network]:
    """A network and copies of it, in which every parameter's values have noise of up to `share` of their size."""

    def noisy(p: Tensor) -> Tensor:
        noise = torch.randn(p.shape, device=p.device, generator=generator)
        return p + share * torch.rand(1, device=p.device, generator=generator) * p.square().mean().sqrt() * noise

    def copy() -> Network:
        return Network.of(network.arch, {n: noisy(p) for n, p in network.params.items()}, network.prep.shape[-2:])

    return [network, *(copy() for _ in range(1, copies))]


class ClassifierObjective:
    """Eq. 1 over a zoo of image classifiers, on augmented training images."""

    score = "accuracy_score"
    VALIDATION = 2048
    """validation images at most"""

    def __init__(
        self, space: NetSpace, zoo: Zoo, ids: Sequence[int], config: Settings, data: Path | None = None
    ) -> None:
        """Loads the images, from `data` or where they are found, and asks the networks `ids` once."""
        self.arch, self.points, self.noise = space.family.archs[0], config.points, config.noise
        self.temperature, self.dtype = config.temperature, getattr(torch, config.hidden_dtype)
        self.row = {i: k for k, i in enumerate(ids)}
        self.source = load_images(self.arch.data, "train", data).to(space.device)
        self.held = load_images(self.arch.data, "validation", data).to(space.device)
        check_classes(self.arch, self.source)
        generator = torch.Generator(space.device).manual_seed(config.seed)
        some = torch.randperm(len(self.held), device=space.device, generator=generator)[: self.VALIDATION]
        self.held = self.held.take(some)
        if isinstance(space.encoder, ImageProbeEncoder):
            count = len(space.encoder.inputs)
            if count > len(self.source):
                raise ValueError(f"a probe encoder asks about {count} training images, there are {len(self.source)}")
            pick = torch.randperm(len(self.source), device=space.device, generator=generator)[:count]
            space.encoder.ask_about(normalise(self.source.pixels[pick]))
        originals = [zoo[i].to(space.device) for i in ids]
        # N lists of copies
        self.networks = [_perturbed(n, config.copies, config.stretch, generator) for n in originals]
        self.crops, self.logits = None, None
        if config.queries:
            pick = torch.randint(len(self.source), (config.queries,), device=space.device, generator=generator)
            crops = augment(self.source.pixels[pick], self.source.pad, self.source.flip, generator)
            self.crops = replace(self.source, pixels=crops, labels=self.source.labels[pick])
            asked = [torch.stack([classify(n, self.crops, self.dtype).half() for n in ns]) for ns in self.networks]
            self.logits = torch.stack(asked)  # (N, copies, crops, C)
        self.targets = [accuracy(classify(network, self.held), self.held.labels) for network in originals]
        with torch.no_grad():
            prepared = [space.encoder.prepare(torch.stack([n.prep for n in ns])) for ns in self.networks]
            self.prepared = torch.stack(prepared)  # (N, copies, ...)

    def calibrate(self, space: NetSpace, ids: Sequence[int]) -> None:
        """Adapt the encoder to these networks, once before training, and start decoding from the best of them."""
        rows = [self.row[i] for i in ids]
        space.encoder.calibrate(self.prepared[rows, 0])
        if isinstance(space.decoder, TokensDecoder):
            space.decoder.start_from(self.networks[max(rows, key=lambda k: self.targets[k])][0].prep)

    def terms(self, space: NetSpace, ids: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        """The loss terms of a step by name; all networks see the same images, as in the authors' code."""
        device = self.prepared.device
        rows = torch.tensor([self.row[i] for i in ids], device=device)
        among = len(self.source if self.crops is None else self.crops)
        pick = torch.randint(among, (self.points,), device=device, generator=generator)
        copy = torch.randint(self.prepared.shape[1], (len(ids),), device=device, generator=generator)
        if self.crops is None:
            x = normalise(augment(self.source.pixels[pick], self.source.pad, self.source.flip, generator))
            x = x.contiguous(memory_format=torch.channels_last)  # (n, 3, S, S)
            with torch.no_grad():
                chosen = [self.networks[k][c] for k, c in zip(rows, copy, strict=True)]
                target = torch.stack([network.compiled(self.dtype)(x) for network in chosen])  # (b, n, C)
        else:
            x = normalise(self.crops.pixels[pick]).contiguous(memory_format=torch.channels_last)
            target = self.logits[rows[:, None], copy[:, None], pick].float()
        preps = predicted_preps(space, self.prepared[rows, copy], self.noise, self.dtype, generator)
        predicted = run_many(self.arch, preps, x, self.dtype)  # (b, n, C)
        return {"pred": classifier_distillation(predicted, target, self.temperature)}

    def measure(self, space: NetSpace, ids: Sequence[int]) -> dict[str, float]:
        """Mean absolute error and correlation of the accuracies of predicted and target networks; 1 - error scores."""
        target, predicted = [self.targets[self.row[i]] for i in ids], []
        for i in ids:
            z = space.encoder.read(self.prepared[self.row[i], :1])
            network = Network(self.arch, space.decode(z).preps[0])
            predicted.append(accuracy(classify(network, self.held), self.held.labels))
        error = sum(abs(t - p) for t, p in zip(target, predicted, strict=True)) / len(ids)
        measures = {"accuracy_score": 1 - error, "accuracy_mae": error}
        pearson = correlation(target, predicted)
        return measures | ({} if pearson is None else {"pearson": pearson})


def check_classes(arch: Arch, images: Images) -> None:
    """ValueError, naming both, unless the classifier tells apart as many classes as the images have, at their size."""
    classes = arch.skeleton.classes
    if len(images.classes) != classes or images.size != arch.skeleton.size:
        raise ValueError(
            f"{arch.name} reads images of {arch.skeleton.size} pixels in {classes} classes, "
            f"{images.name} has {images.size} pixels and {len(images.classes)} classes"
        )


OBJECTIVES: dict[str, type[Objective]] = {"sdf": SdfObjective, "images": ClassifierObjective}
"""by `Arch.kind`"""
