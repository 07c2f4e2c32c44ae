"""Image fields: coordinate networks (2 -> channels) that hold a picture, the field's usual benchmark.

A picture spans [-1, 1]^2: a network is asked at (x, y), x to the right and y down, and answers with each channel, black
at -1 and white at 1. Pixel (row, column) of S x S has its centre at ((2 column + 1) / S - 1, (2 row + 1) / S - 1).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..data.decoding import IMAGE_SUFFIXES
from ..data.pictures import DIGITS, FASHION, load_picture, load_pictures
from ..errors import DataError, UsageError
from ..io import content_hash
from ..nets.archs import Arch
from ..nets.network import Network, run_many
from ..nets.prep import pack
from ..places import check_known
from ..share import WHOLE, Share
from ..space import NetSpace
from ..space.losses import sdf_distillation
from ..zoo.store import Zoo
from .measures import agreement, measured_rows, not_finite
from .score_pictures import PICTURE_COLUMNS, PICTURE_QUALITIES, PSNR_NEAREST, PathOfPictures, pictures_audit
from .task import (
    GoalSettings,
    PathStep,
    Resemblance,
    Task,
    TrainSettings,
    decoded,
    noisy_embeddings,
    refuse_several,
    refuse_teacher,
)

SIZE, COMPARED_SIZE = 64, 32
"""pixels along a side: of a picture that is shown, and of one that is measured if nothing else is known"""
CLOSE = 0.05
"""values this close, of a range of 2, count as agreeing: 6 of 255 grey levels"""
OFF_PSNR = 15.0
"""dB; a decode that is further from its original does not count as it"""


def pixel_centres(size: int, device: torch.device | str = "cpu") -> Tensor:
    """Return the centres (S*S, 2) of a picture's pixels, row by row."""
    steps = (2 * torch.arange(size, device=device) + 1) / size - 1
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    return torch.stack([x, y], dim=-1).view(-1, 2)


def as_values(pixels: Tensor) -> Tensor:
    """Return what networks answer at the centres of pixels (*b, C, S, S) uint8: values (*b, S*S, C) in [-1, 1]."""
    return pixels.flatten(-2).mT.float() / 127.5 - 1


def render(network: Network, size: int = SIZE) -> np.ndarray:
    """Return the picture (S, S, C) uint8 that a network holds."""
    values = network.compiled()(pixel_centres(size, network.prep.device)).view(size, size, -1)
    return ((values.nan_to_num(-1).clamp(-1, 1) + 1) * 127.5).round().byte().cpu().numpy()


def psnr(a: Tensor, b: Tensor) -> Tensor:
    """Return the peak signal-to-noise ratio (*b), dB, of values (*b, n, C) as pictures show them, at most 100."""
    error = ((a.clamp(-1, 1) - b.clamp(-1, 1)) / 2).square().mean(dim=(-2, -1))
    return -10 * error.clamp(min=1e-10).log10()


def values_of(network: Network, size: int) -> Tensor:
    """Return what a network answers at the pixels' centres, (S*S, C)."""
    x = pixel_centres(size, network.prep.device)
    return network.compiled()(x).view(len(x), -1)


# -- training --------------------------------------------------------------------------------------------------------


class PictureObjective:
    """Eq. 2 over a zoo of image fields: the targets' answers at points of the square are computed once.

    Copies of a network show its picture moved and stretched, which its first layer alone does.
    """

    score = "agreement"

    def __init__(self, space: NetSpace, zoo: Zoo, ids: Sequence[int], config: TrainSettings) -> None:
        """Ask the networks `ids` once."""
        if not config.queries:
            raise UsageError("--queries 0 is for image classifiers: an image field is asked at stored points")
        self.arch, self.points, self.noise = space.family.archs[0], config.points, config.noise
        self.dtype, device = getattr(torch, config.hidden_dtype), space.device
        self.row = {i: k for k, i in enumerate(ids)}
        generator = torch.Generator(device).manual_seed(config.seed)
        self.x = torch.rand(config.queries, 2, device=device, generator=generator) * 2 - 1  # (q, 2)
        self.centres = pixel_centres(COMPARED_SIZE, device)  # on which no step is taken
        moves = config.stretch * (2 * torch.rand(len(ids), config.copies, 2, 2, device=device, generator=generator) - 1)
        moves[:, 0] = 0  # the first copy is the network itself
        self.factors, self.shifts = 1 + moves[:, :, 0], moves[:, :, 1]  # (N, copies, 2) each
        prepared, values, held = [], [], []
        with torch.no_grad():
            for k, i in enumerate(ids):
                network = zoo[i].to(device)
                copies = zip(self.factors[k], self.shifts[k], strict=True)
                preps = torch.stack([pack(self._moved(network, f, s), space.family.size) for f, s in copies])
                prepared.append(space.encoder.prepare(preps))
                values.append(network(self.x))
                held.append(network(self.centres))
        self.prepared = torch.stack(prepared)  # (N, copies, ...)
        self.values, self.held = torch.stack(values), torch.stack(held)  # (N, q, C), (N, S*S, C)

    def _moved(self, network: Network, factors: Tensor, shift: Tensor) -> dict[str, Tensor]:
        """The network x -> f((x - shift) / factors)."""
        params = self.arch.stretch_params(network.params, factors) if (factors != 1).any() else dict(network.params)
        weight, bias = params["layers.0.weight"], params["layers.0.bias"]
        return params | {"layers.0.bias": bias - weight @ shift}

    def calibrate(self, space: NetSpace, ids: Sequence[int]) -> None:
        """Adapt the encoder to these networks, once before training."""
        space.encoder.calibrate(self.prepared[[self.row[i] for i in ids], 0])

    def terms(
        self, space: NetSpace, ids: Sequence[int], generator: torch.Generator, share: Share = WHOLE
    ) -> dict[str, Tensor]:
        """Return the loss terms of a step by name; their sum is minimised."""
        device = self.prepared.device
        rows = torch.tensor([self.row[i] for i in ids], device=device)
        pick = torch.randint(len(self.x), (len(ids), self.points), device=device, generator=generator)
        copy = torch.randint(self.factors.shape[1], (len(ids),), device=device, generator=generator)
        z = noisy_embeddings(space, self.prepared[rows, copy], self.noise, self.dtype, generator, share)
        mine = share.of(len(ids))
        rows, pick, copy = rows[mine], pick[mine], copy[mine]
        x = self.x[pick] * self.factors[rows, copy].unsqueeze(1) + self.shifts[rows, copy].unsqueeze(1)  # (b, n, 2)
        target = self.values[rows[:, None], pick]  # (b, n, C)
        predicted = run_many(self.arch, decoded(space, z, self.dtype).preps, x, self.dtype)  # (b, n, C)
        return {"pred": share.weigh(sdf_distillation(predicted, target), len(ids))}

    def measure(self, space: NetSpace, ids: Sequence[int]) -> dict[str, float]:
        """Median agreement and PSNR, and mean squared error, at the centres of pixels."""
        rows = [self.row[i] for i in ids]
        parts = [rows[k : k + 8] for k in range(0, len(rows), 8)]
        preps = (space.decode(space.encoder.read(self.prepared[part, 0])).preps for part in parts)
        predicted = torch.cat([run_many(self.arch, prep, self.centres) for prep in preps])  # (b, S*S, C)
        target = self.held[rows]
        close = agreement(predicted.flatten(1), target.flatten(1), CLOSE).median().item()
        error = sdf_distillation(predicted, target).item()
        return {"agreement": close, "psnr": psnr(predicted, target).median().item(), "mse": error}


# -- latent space optimisation ---------------------------------------------------------------------------------------


class PictureGoal:
    """Hold a picture: half of its pixels are learnt, a quarter select the best network, a quarter test it."""

    score = "psnr"
    notes = ()

    def __init__(self, space: NetSpace, config: GoalSettings, target: str | None) -> None:
        """Load the picture: "digits:INDEX", "fashion-mnist:INDEX" or an image file.

        Raises:
            UsageError: no picture is named, or the loss is for classifiers.
            DataError: the picture cannot be read.
        """
        if not target:
            raise UsageError(
                "an image field is optimised towards a picture: name one by --target, an image file or digits:INDEX"
            )
        if config.loss not in ("auto", "mse"):
            raise UsageError(f"--loss {config.loss} is for image classifiers; pictures have mse")
        pixels = load_picture(target, space.family.archs[0].skeleton.spec.widths[-1])
        self.made_of = content_hash(target, pixels)
        device = space.device
        x, values = pixel_centres(pixels.shape[-1], device), as_values(pixels).to(device)
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(config.seed)).to(device)
        learnt, held, test = order.tensor_split([len(x) // 2, len(x) * 3 // 4])
        self.learnt, self.held, self.tested = ((x[part], values[part]) for part in (learnt, held, test))
        self.points, self.dtype = config.points, getattr(torch, config.hidden_dtype)

    def terms(self, network: Network, generator: torch.Generator) -> dict[str, Tensor]:
        """Mean squared error at some of the pixels."""
        x, values = self.learnt
        pick = torch.randint(len(x), (self.points,), device=x.device, generator=generator)
        predicted = run_many(network.arch, network.prep, x[pick], self.dtype)  # (n, C)
        return {"pred": sdf_distillation(predicted, values[pick])}

    def validate(self, network: Network) -> float:
        """PSNR on the pixels that select."""
        return self._psnr(network, *self.held)

    def test(self, network: Network) -> float:
        """PSNR on the pixels that test."""
        return self._psnr(network, *self.tested)

    @staticmethod
    @torch.no_grad()
    def _psnr(network: Network, x: Tensor, values: Tensor) -> float:
        return psnr(network(x).nan_to_num(10.0), values).item()


# -- evaluation ------------------------------------------------------------------------------------------------------


class Likeness(NamedTuple):
    """A network of a zoo against what the space makes of it, and against the picture it was fitted to."""

    name: str
    split: str
    agreement: float = math.nan
    """share of the values within 0.05 of the original network's, at the centres of the pixels"""
    psnr: float = math.nan
    """with the original network, dB"""
    truth_psnr: float = math.nan
    """with the picture the original was fitted to; not a number if that is not at hand"""
    problem: str = ""
    """why nothing was measured: weights or answers that are not finite; the figures are not numbers then"""


def _size_of(record: Any) -> int:
    """The size of the picture that a network was fitted to, if its record says so."""
    size = record.get("size")
    return COMPARED_SIZE if size is None or size != size else int(size)


def _truth(record: Any, channels: int, size: int, folder: Path) -> Tensor | None:
    """The values (S*S, C) of the picture that a network was fitted to; None if it is not at hand, or not to be read."""
    try:
        if record["source"] not in (DIGITS, FASHION):
            check_known(record["source"], folder)
        return as_values(load_pictures(record["source"], channels, size).pixels[int(record["index"])])
    except (DataError, KeyError, IndexError, TypeError, ValueError):
        return None


@torch.no_grad()
def compare_pictures(space: NetSpace, zoo: Zoo, i: int) -> Likeness:
    """Embed and decode network i of a zoo and compare the pictures."""
    target, record = zoo[i].to(space.device), zoo.records.loc[i]
    nothing = Likeness(record["name"], record["split"])
    problem = not_finite(target)
    if problem:
        return nothing._replace(problem=problem)
    predicted, size = space.networks(space.encode(target.prep.unsqueeze(0)))[0], _size_of(record)
    ours, theirs = values_of(predicted, size), values_of(target, size)
    problem = not_finite(target, answers=theirs) or not_finite(predicted, "its decode has ", ours)
    if problem:
        return nothing._replace(problem=problem)
    truth = _truth(record, ours.shape[-1], size, zoo.folder)
    close, alike = agreement(ours.flatten(), theirs.flatten(), CLOSE).item(), psnr(ours, theirs).item()
    return nothing._replace(
        agreement=close, psnr=alike, truth_psnr=math.nan if truth is None else psnr(ours.cpu(), truth).item()
    )


def variation(values: Tensor) -> float:
    """Return how much neighbouring pixels of a square picture (S*S, C) differ on average, white less black being 1."""
    size = math.isqrt(len(values))
    picture = (values.clamp(-1, 1) / 2).view(size, size, -1)
    steps = picture.diff(dim=0).abs().mean() + picture.diff(dim=1).abs().mean()
    return float(steps) / 2


def brightness(network: Network, resolution: int = COMPARED_SIZE) -> float:
    """Return the mean of a network's picture, from 0 (black) to 1 (white)."""
    return ((values_of(network, resolution).clamp(-1, 1) + 1) / 2).mean().item()


class ImageField(Task[Likeness]):
    """Coordinate networks (2 -> 1 or 3) that hold a picture."""

    name = "image-field"
    networks = "image fields"
    score = "psnr"
    columns = {"brightness": brightness}  # noqa: RUF012  (never changed)
    file = ("picture", "pictures")
    files_compared = IMAGE_SUFFIXES
    goal_score = "PSNR of the target"
    goal_terms = {  # noqa: RUF012  (never changed)
        "pred": ("squared error", "Mean squared error of the picture's values at samples of its pixels (Eq. 2)"),
    }

    def inputs(self, arch: Arch, data: Any = None) -> Tensor:
        """The centres (n, 2) of a picture's pixels."""
        return pixel_centres(SIZE)

    def objective(
        self, space: NetSpace, zoo: Zoo, ids: Sequence[int], config: TrainSettings, data: Path | None = None,
        teacher: Network | None = None,
    ) -> PictureObjective:  # fmt: skip
        """Eq. 2, with values of pictures in the place of distances."""
        refuse_several(self, space.family)
        refuse_teacher(teacher)
        return PictureObjective(space, zoo, ids, config)

    def goal(
        self, space: NetSpace, config: GoalSettings, *, data: Path | None = None, teacher: Network | None = None,
        target: str | None = None,
    ) -> PictureGoal:  # fmt: skip
        """Hold a picture: `target` is "digits:INDEX", "fashion-mnist:INDEX" or an image file."""
        if teacher is not None:
            raise UsageError("--teacher is for image classifiers; an image field learns from a picture")
        return PictureGoal(space, config, target)

    def reconstruct(self, space: NetSpace, zoo: Zoo, i: int, data: Any = None, resolution: int = 64) -> Likeness:
        """Compare the pictures, at the size of the one the network was fitted to."""
        return compare_pictures(space, zoo, i)

    def summarise(self, rows: Iterable[Likeness]) -> dict[str, dict]:
        """Medians by split; None if nothing was measured."""
        rows, summary = list(rows), {}
        for split in dict.fromkeys(row.split for row in rows):
            mine, others = measured_rows([row for row in rows if row.split == split])
            medians = {}
            for name in ("agreement", "psnr", "truth_psnr"):
                values = [value for row in mine if not math.isnan(value := getattr(row, name))]
                medians[f"{name}_median"] = round(statistics.median(values), 4) if values else None
            summary[split] = medians | {"count": len(mine)} | others
        return summary

    def error(self, row: Likeness) -> float:
        """The root mean squared error of the pictures."""
        return 10 ** (-row.psnr / 20)

    def doubts(self, row: Likeness) -> list[str]:
        """Another picture."""
        return [f"its decode is another picture (PSNR {row.psnr:.1f} dB)"] if row.psnr < OFF_PSNR else []

    def measuring(
        self, a: Network | None, b: Network | None, data: Any = None, resolution: int = 64
    ) -> Callable[[Network], PathStep]:
        """PSNR and agreement with the originals, and how much the picture varies, against how much they do."""
        ends = [None if network is None else values_of(network, COMPARED_SIZE) for network in (a, b)]

        def of(network: Network) -> PathStep:
            values = values_of(network, COMPARED_SIZE)
            row = {
                f"psnr_{key}": psnr(values, end).item() for key, end in zip("ab", ends, strict=True) if end is not None
            }
            row |= {
                f"agreement_{key}": agreement(values.flatten(), end.flatten(), CLOSE).item()
                for key, end in zip("ab", ends, strict=True) if end is not None
            }  # fmt: skip
            row |= {"variation": variation(values), "brightness": brightness(network)}
            words = ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in row.items())
            return PathStep(row, words, render(network))

        return of

    def write(self, measured: PathStep, network: Network, path: Path, suffix: str) -> str:
        """A PNG file."""
        from PIL import Image

        name = path.with_suffix(".png")
        Image.fromarray(measured.shown.squeeze()).save(name)
        return name.name

    def artist(self, size: int, colour: str) -> Callable[[np.ndarray], np.ndarray]:
        """Pictures as they are, scaled."""
        from PIL import Image

        def draw(picture: np.ndarray) -> np.ndarray:
            image = Image.fromarray(picture.squeeze()).convert("RGBA")
            return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC))

        return draw

    def show(self, network: Network, resolution: int = SIZE) -> np.ndarray:
        """The picture."""
        return render(network, resolution)

    def summarise_paths(self, paths: Sequence[Sequence[PathStep]]) -> dict[str, float | int | None]:
        """How much pictures vary along paths: as much as the originals do, or as noise."""
        found = [[step.row["variation"] for step in path] for path in paths]
        everything, middle = [v for path in found for v in path], [path[len(path) // 2] for path in found]
        worst = max(statistics.median(step) for step in zip(*found, strict=True))
        figures = {
            "variation_median": statistics.median(everything),
            "variation_middle": statistics.median(middle),
            "variation_worst_step": worst,
        }
        rounded = {name: round(value, 4) for name, value in figures.items()}
        return {"pairs": len(paths), "steps": len(paths[0])} | rounded

    strengths = ("psnr",)
    score_columns, likeness, qualities = PICTURE_COLUMNS, PSNR_NEAREST, PICTURE_QUALITIES

    def scoring(
        self, a: Network, b: Network, data: Any = None, resolution: int = 64
    ) -> Callable[[Sequence[Network]], dict[str, float | None]]:
        """Ends, steps, and whether the picture half-way is one."""
        score = PathOfPictures([values_of(network, COMPARED_SIZE) for network in (a, b)], psnr, variation)
        return lambda networks: score([values_of(network, COMPARED_SIZE) for network in networks])

    def auditing(
        self, known: Sequence[Network], data: Any = None, resolution: int = 64
    ) -> Callable[[Network, int | None], Resemblance]:
        """By PSNR of the pictures."""
        compare = pictures_audit(torch.stack([values_of(n, COMPARED_SIZE) for n in known]), psnr, variation)
        return lambda network, without: compare(values_of(network, COMPARED_SIZE), without)

    def outputs(self, network: Network, data: Any = None) -> Tensor:
        """The picture (n, C) uint8."""
        return torch.from_numpy(render(network, COMPARED_SIZE)).flatten(0, 1)

    def outputs_of_file(self, path: Path, arch: Arch) -> Tensor:
        """An image file, cut to a square and scaled to the size of `outputs`: (n, C) uint8."""
        pixels = load_picture(str(path), arch.skeleton.spec.widths[-1]).float().unsqueeze(0)  # (1, C, S, S)
        scaled = interpolate(pixels, (COMPARED_SIZE,) * 2, mode="bilinear", antialias=True, align_corners=False)
        return scaled[0].round().clamp(0, 255).byte().flatten(1).T.contiguous()

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """The root mean squared difference of pictures (*b, n, C) uint8, white less black being 1."""
        return ((a.float() - b.float()) / 255).square().mean(dim=(-2, -1)).sqrt()
