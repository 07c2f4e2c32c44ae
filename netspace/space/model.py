"""NetSpace: an encoder from networks to embeddings and a decoder from embeddings to PReps (section III, Fig. 1).

Preset `paper` is the authors' encoder and decoder. Preset `tokens` cuts the PRep into chunks that share one small MLP:
a tenth of the cost and a better fit. Encoder `prep` reads weights; `probe` reads a network's answers at fixed inputs,
which no symmetry of the weights can change.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from ..config import MOST_WIDTH, check_number
from ..errors import FormatError, UsageError
from ..io import FORMATS, atomic_write, check_format, read_json, read_tensors
from ..nets.archs import Arch, Family
from ..nets.network import Network, run_many
from ..nets.prep import PrepSize
from ..zoo.store import family_from_json, family_to_json

SIZES = {
    "embedding": (1, MOST_WIDTH),
    "chunk": (1, MOST_WIDTH),
    "hidden": (2, MOST_WIDTH),
    "probes": (1, 128),
    "images": (1, MOST_WIDTH),
}
"""smallest and largest value of the sizes in a `SpaceConfig`"""


@dataclass(frozen=True)
class SpaceConfig:
    """What a space is built from, beside its family; travels with the weights."""

    preset: str = "tokens"
    """tokens, or paper: exactly the authors' encoder and decoder"""
    encoder: str = "prep"
    """prep: reads the weights (the paper); probe: reads the answers at fixed inputs"""
    embedding: int = 256
    """E; the paper's is 4096"""
    chunk: int = 128
    """values of a PRep written at once (tokens)"""
    hidden: int = 256
    """width of the MLP shared by all chunks (tokens)"""
    probes: int = 24
    """the probe encoder asks an SDF on a grid of this many points along each axis"""
    images: int = 128
    """the probe encoder asks an image classifier on this many training images"""

    def __post_init__(self) -> None:
        """Raise ValueError, with name and value, unless the sizes are whole numbers that a model can have."""
        for name, (least, most) in SIZES.items():
            value = getattr(self, name)
            if type(value) is not int:
                raise UsageError(f"{name} is {value!r}, it must be a whole number")
            check_number(name, value, {"least": least, "most": most})

    @classmethod
    def paper(cls) -> SpaceConfig:
        """The authors' model: E = 4096."""
        return cls(preset="paper", encoder="prep", embedding=4096)


class Decoded(NamedTuple):
    """What a decoder predicts from embeddings."""

    preps: Tensor
    """(b, 1, H, W)"""
    class_logits: Tensor | None
    """(b, A) logits over the family's architectures; None for a family of one, which has no class head"""
    class_ids: Tensor
    """(b) architectures that the PReps are written for: those predicted, unless others were asked for"""


# -- preset paper --------------------------------------------------------------------------------------------------


class Encoder(nn.Module):
    """From PReps (b, 1, H, W) to embeddings (b, E), in two parts so that the first can be computed once a network."""

    def prepare(self, preps: Tensor) -> Tensor:
        """What is read of networks (b, ...): their weights, unless a subclass asks them something."""
        return preps

    def read(self, prepared: Tensor) -> Tensor:
        """(b, ...) -> embeddings (b, E)."""
        raise NotImplementedError

    def calibrate(self, prepared: Tensor) -> None:
        """Adapt to the networks (b, ...) of a training set, once before training. The paper's encoder does not."""

    def forward(self, preps: Tensor) -> Tensor:
        """PReps (b, 1, H, W) -> embeddings (b, E)."""
        return self.read(self.prepare(preps))


class PaperEncoder(Encoder):
    """Horizontal convolutions, max over the width, vertical ones, max over the height: E values for any H and W."""

    def __init__(self, embedding: int) -> None:
        super().__init__()
        if embedding % 32:
            raise UsageError(f"embedding size {embedding} is not a multiple of 32")
        h = embedding // 32
        self.across = nn.ModuleList(nn.Conv2d(i, o, (1, 3), (1, 2), (0, 1)) for i, o in [(1, h), (h, 2 * h)])
        self.down = nn.ModuleList(nn.Conv2d(i, o, (3, 1), 1, (1, 0)) for i, o in [(2 * h, 4 * h), (4 * h, embedding)])

    def read(self, prepared: Tensor) -> Tensor:
        x = prepared  # (b, 1, H, W)
        for conv in self.across:
            x = leaky_relu(conv(x))  # (b, 2h, H, W/4) after both
        x = x.amax(dim=3, keepdim=True)  # (b, 2h, H, 1)
        for conv in self.down:
            x = leaky_relu(conv(x))  # (b, E, H, 1) after both
        return x.amax(dim=(2, 3))  # (b, E)


class PaperDecoder(nn.Module):
    """Convolutions that grow channels, views that turn channels into space, and a linear scaling of every value."""

    def __init__(self, size: PrepSize, embedding: int) -> None:
        super().__init__()
        if embedding % 4096:
            raise UsageError(
                f"the paper's decoder views an embedding as 64x64 maps: {embedding} is no multiple of 4096"
            )
        height, width = self.size = size
        self.channels = embedding // 4096
        self.conv1 = nn.Conv2d(self.channels, height * 256, 3, 2, 1)
        self.conv2 = nn.Conv2d(128, width // 8, 3, 2, 1)
        self.conv3 = nn.Conv2d(512, 256, 3, 2, 1)
        self.conv4 = nn.Conv2d(256, 32, 3, 1, 1)
        self.scale = nn.Parameter(1e-3 * torch.randn(height, width))
        self.bias = nn.Parameter(1e-2 * torch.rand(height, width))

    def forward(self, z: Tensor, class_ids: Tensor) -> Tensor:
        """Embeddings (b, E) -> PReps (b, 1, H, W), whose values mean what the architecture makes of them."""
        b = len(z)
        height, width = self.size
        x = z.view(b, self.channels, 64, 64)
        x = leaky_relu(self.conv1(x)).view(b, 128, height, 2048)
        x = leaky_relu(self.conv2(x)).view(b, 512, height // 2, width // 4)
        x = leaky_relu(self.conv3(x))  # (b, 256, H/4, W/8)
        x = self.conv4(x).view(b, 1, height, width)
        return x * self.scale + self.bias


# -- preset tokens -------------------------------------------------------------------------------------------------


def typical_weights(arch: Arch) -> tuple[Tensor, Tensor]:
    """A fresh network of an architecture, (P), and the size that each of its values has, (P)."""
    params = arch.initialise(seed=0)
    spread = [torch.full_like(p, float(p.square().mean().sqrt())) for p in params.values()]
    return torch.cat([p.flatten() for p in params.values()]), torch.cat([s.flatten() for s in spread])


class Chunks(NamedTuple):
    """How the parameters of a family's architectures are cut into chunks; each architecture has chunks of its own."""

    size: int
    """values of a chunk"""
    counts: tuple[int, ...]
    """chunks of every architecture; padding is neither read nor written"""

    @classmethod
    def of(cls, family: Family, size: int) -> Chunks:
        return cls(size, tuple(math.ceil(arch.num_params / size) for arch in family.archs))

    def cut(self, flat: Tensor, class_id: int, padding: float = 0.0) -> Tensor:
        """Parameters (..., at least P) of an architecture, or a PRep's values -> chunks (..., k, size)."""
        length = self.counts[class_id] * self.size
        flat = nn.functional.pad(flat, (0, max(0, length - flat.shape[-1])), value=padding)[..., :length]
        return flat.unflatten(-1, (self.counts[class_id], self.size))

    def mine(self, chunks: Tensor, class_id: int) -> Tensor:
        """Of a tensor with a row a chunk of all architectures, (sum k, ...), the rows of one, (k, ...): a view."""
        return chunks[sum(self.counts[:class_id]) :][: self.counts[class_id]]


class Standardise(nn.Module):
    """Features to mean 0 and standard deviation 1 over the training networks, as they were before training.

    Networks look alike at first: without it the embeddings start so close together that thousands of steps go by
    before the decoder tells them apart.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))

    def calibrate(self, x: Tensor) -> None:
        self.mean.copy_(x.mean(dim=0))
        if len(x) > 1:
            std = x.std(dim=0)
            # a feature in which the networks hardly differ yet would be blown up as soon as training changes it
            self.std.copy_(std.clamp(min=0.1 * float(std.mean()) + 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.std


class FeatureEncoder(Encoder):
    """Features of a network, standardised, and one linear layer to the embedding."""

    def __init__(self, features: int, embedding: int) -> None:
        super().__init__()
        self.standardise = Standardise(features)
        self.out = nn.Linear(features, embedding)

    def features(self, prepared: Tensor) -> Tensor:
        """(b, ...) -> (b, features)"""
        raise NotImplementedError

    def read(self, prepared: Tensor) -> Tensor:
        return self.out(self.standardise(self.features(prepared)))

    @torch.no_grad()
    def calibrate(self, prepared: Tensor) -> None:
        self.standardise.calibrate(torch.cat([self.features(p) for p in prepared.split(16)]))


class TokensEncoder(FeatureEncoder):
    """Every chunk through one MLP that knows its position, then mean and max over chunks."""

    def __init__(self, family: Family, config: SpaceConfig) -> None:
        width = config.hidden // 2
        super().__init__(2 * width, config.embedding)
        self.family, self.chunks = family, Chunks.of(family, config.chunk)
        spreads = [typical_weights(arch)[1] for arch in family.archs]
        unit = torch.cat([self.chunks.cut(s, k, padding=1.0) for k, s in enumerate(spreads)])
        self.register_buffer("unit", unit, persistent=False)  # (sum k, chunk)
        self.position = nn.Parameter(0.5 * torch.randn(sum(self.chunks.counts), width))
        self.enter = nn.Linear(config.chunk, width)
        self.mix = nn.Linear(width, width)

    def features(self, prepared: Tensor) -> Tensor:
        """(b, 1, H, W) -> (b, hidden)"""
        if len(self.chunks.counts) == 1:
            return self._features(prepared, 0)
        class_ids = self.family.class_ids(prepared)
        parts = [self._features(p.unsqueeze(0), k) for p, k in zip(prepared, class_ids.tolist(), strict=True)]
        return torch.cat(parts)

    def _features(self, prepared: Tensor, class_id: int) -> Tensor:
        """Of PReps (b, 1, H, W) of one architecture."""
        mine = partial(self.chunks.mine, class_id=class_id)
        x = self.chunks.cut(prepared.flatten(1), class_id) / mine(self.unit)  # (b, k, chunk)
        x = nn.functional.silu(self.enter(x) + mine(self.position))
        x = nn.functional.silu(self.mix(x))  # (b, k, hidden / 2)
        return torch.cat([x.mean(dim=1), x.amax(dim=1)], dim=1)


class ProbeEncoder(FeatureEncoder):
    """A coordinate network's answers on a fixed grid to its embedding, through 2-D or 3-D convolutions."""

    def __init__(self, family: Family, config: SpaceConfig, squash: Callable[[Tensor], Tensor]) -> None:
        d, *_, outputs = family.archs[-1].skeleton.spec.widths
        widths = [outputs, 16, 32, 64, 128]
        side = math.ceil(config.probes / 2 ** (len(widths) - 1))
        super().__init__(widths[-1] * side**d, config.embedding)
        self.arch, self.squash = family.archs[-1], squash
        steps = torch.linspace(-1, 1, config.probes)
        grid = torch.stack(torch.meshgrid(*[steps] * d, indexing="ij"), dim=-1)  # (g, ..., g, d)
        self.register_buffer("inputs", grid, persistent=False)
        conv = {2: nn.Conv2d, 3: nn.Conv3d}[d]
        self.convs = nn.ModuleList(conv(i, o, 3, 2, 1) for i, o in zip(widths, widths[1:], strict=False))

    def prepare(self, preps: Tensor) -> Tensor:
        """PReps (b, 1, H, W) -> outputs on the grid (b, k, g, ..., g)."""
        answers = run_many(self.arch, preps, self.inputs.flatten(0, -2))  # (b, g^d, k)
        return answers.mT.unflatten(-1, self.inputs.shape[:-1])

    def features(self, prepared: Tensor) -> Tensor:
        """(b, k, g, ..., g) -> (b, 128 * side^d)"""
        x = self.squash(prepared)
        for conv in self.convs:
            x = nn.functional.silu(conv(x))
        return x.flatten(1)


class ImageProbeEncoder(FeatureEncoder):
    """An image classifier's logits on a few training images, which travel with the space, through one hidden layer."""

    def __init__(self, family: Family, config: SpaceConfig) -> None:
        super().__init__(config.hidden, config.embedding)
        self.arch = family.archs[-1]
        classes, size = self.arch.skeleton.classes, self.arch.skeleton.size
        self.register_buffer("inputs", torch.zeros(config.images, 3, size, size))
        self.answers = Standardise(config.images * classes)
        self.enter = nn.Linear(config.images * classes, config.hidden)

    def ask_about(self, images: Tensor) -> None:
        """Take normalised images (m, 3, S, S) as inputs, once: a trained space keeps those it was trained with."""
        if not self.inputs.any():
            self.inputs.copy_(images[: len(self.inputs)])

    def prepare(self, preps: Tensor) -> Tensor:
        """PReps (b, 1, H, W) -> logits on the fixed images (b, images * C)."""
        return run_many(self.arch, preps, self.inputs).flatten(1)

    def features(self, prepared: Tensor) -> Tensor:
        """(b, images * C) -> (b, hidden)"""
        return nn.functional.silu(self.enter(self.answers(prepared)))

    @torch.no_grad()
    def calibrate(self, prepared: Tensor) -> None:
        self.answers.calibrate(prepared)
        super().calibrate(prepared)


SCALE_UNIT, BIAS_UNIT = 1e-3, 0.1
"""Units of the linear scaling in the tokens decoder: its step sizes fit weights, which are small numbers.

The scale starts at the paper's magnitude, 1e-3; the bias, a network common to all, starts as a freshly initialised one.
"""


class TokensDecoder(nn.Module):
    """A learnt position a chunk, through one MLP that the embedding modulates, then the scaling of every value."""

    def __init__(self, family: Family, config: SpaceConfig) -> None:
        super().__init__()
        self.size, self.chunks = family.size, Chunks.of(family, config.chunk)
        self.num_params = [arch.num_params for arch in family.archs]
        hidden, count = config.hidden, sum(self.chunks.counts)
        self.position = nn.Parameter(torch.randn(count, hidden))
        self.film1 = nn.Linear(config.embedding, 2 * hidden)
        self.film2 = nn.Linear(config.embedding, 2 * hidden)
        self.mix = nn.Linear(hidden, hidden)
        self.write = nn.Linear(hidden, config.chunk)
        self.scale = nn.Parameter(torch.ones(count, config.chunk))
        self.bias = nn.Parameter(torch.zeros(count, config.chunk))
        for k, arch in enumerate(family.archs):
            self.start_from(typical_weights(arch)[0], k)

    @torch.no_grad()
    def start_from(self, flat: Tensor, class_id: int = 0) -> None:
        """Make values (at least P) the network common to all of an architecture: a trained one passes signals on."""
        self.chunks.mine(self.bias, class_id).copy_(self.chunks.cut(flat, class_id) / BIAS_UNIT)

    def forward(self, z: Tensor, class_ids: Tensor) -> Tensor:
        """Embeddings (b, E) and ClassIds (b) -> PReps (b, 1, H, W)."""
        if len(self.chunks.counts) == 1:
            return self._write(z, 0)
        return torch.cat([self._write(e.unsqueeze(0), k) for e, k in zip(z, class_ids.tolist(), strict=True)])

    def _write(self, z: Tensor, class_id: int) -> Tensor:
        """Embeddings (b, E) -> PReps (b, 1, H, W) of one architecture."""
        mine = partial(self.chunks.mine, class_id=class_id)
        gain, shift = self.film1(z).unsqueeze(1).chunk(2, dim=-1)  # (b, 1, hidden) each
        x = nn.functional.silu(mine(self.position) * (1 + gain) + shift)  # (b, k, hidden)
        gain, shift = self.film2(z).unsqueeze(1).chunk(2, dim=-1)
        x = nn.functional.silu(self.mix(x) * (1 + gain) + shift)
        x = SCALE_UNIT * mine(self.scale) * self.write(x) + BIAS_UNIT * mine(self.bias)  # (b, k, chunk)
        height, width = self.size
        x = x.flatten(1)[:, : self.num_params[class_id]]  # behind them a PRep is zero
        return nn.functional.pad(x, (0, height * width - x.shape[1])).view(len(z), 1, height, width)


# -- the class head ------------------------------------------------------------------------------------------------


class PaperHead(nn.Module):
    """A convolution over the embedding's map and one linear layer: supplement I, sizes from the authors' code."""

    def __init__(self, embedding: int, archs: int) -> None:
        super().__init__()
        self.channels = embedding // 4096
        self.conv = nn.Conv2d(self.channels, 10, 3, 2, 1)
        self.out = nn.Linear(10 * 32 * 32, archs)

    def forward(self, z: Tensor) -> Tensor:
        """Embeddings (b, E) -> logits (b, A)."""
        x = leaky_relu(self.conv(z.view(-1, self.channels, 64, 64)))  # (b, 10, 32, 32)
        return self.out(x.flatten(1))


class TokensHead(nn.Sequential):
    """One hidden layer: embeddings (b, E) -> logits (b, A)."""

    def __init__(self, embedding: int, archs: int, hidden: int = 64) -> None:
        super().__init__(nn.Linear(embedding, hidden), nn.SiLU(), nn.Linear(hidden, archs))


# -- the space -----------------------------------------------------------------------------------------------------


class NetSpace(nn.Module):
    """A latent space of networks: `encode` and `decode` between PReps (b, 1, H, W) and embeddings (b, E)."""

    def __init__(self, family: Family, config: SpaceConfig | None = None, **changes) -> None:
        """`NetSpace(family, preset="paper")`, or with a whole config; the changes are fields of `SpaceConfig`."""
        super().__init__()
        if config is None:
            config = SpaceConfig.paper() if changes.get("preset") == "paper" else SpaceConfig()
        config = SpaceConfig(**(asdict(config) | changes))
        if len(family.archs) > 1 and config.encoder == "probe":
            raise UsageError(f"a probe encoder reads one architecture, got {', '.join(family.names)}")
        if (config.preset, config.encoder) not in ENCODERS:
            raise UsageError(f"no encoder {config.encoder!r} in preset {config.preset!r}")
        self.family, self.config = family, config
        self.encoder = ENCODERS[config.preset, config.encoder](family, config)
        self.decoder = DECODERS[config.preset](family, config)
        self.head = HEADS[config.preset](config.embedding, len(family.archs)) if len(family.archs) > 1 else None
        """predicts the architecture; a family of one has none"""

    @property
    def device(self) -> torch.device:
        """Where its weights are; what it encodes and decodes must be there too."""
        return next(self.parameters()).device

    def encode(self, preps: Tensor) -> Tensor:
        """PReps (b, 1, H, W) -> embeddings (b, E). ValueError, naming both sizes, for PReps of another size."""
        if tuple(preps.shape[-2:]) != tuple(self.family.size):
            raise UsageError(f"PReps of size {tuple(preps.shape[-2:])}, this space reads {self.family.size}")
        return self.encoder(preps)

    def decode(self, z: Tensor, class_ids: Tensor | None = None) -> Decoded:
        """Embeddings (b, E) -> predicted PReps and architectures.

        Args:
            class_ids: architectures (b) to write the PReps for; None: those that the class head predicts.
        """
        if z.shape[-1] != self.config.embedding:
            raise UsageError(f"embeddings of size {z.shape[-1]}, this space has {self.config.embedding}")
        logits = self.head(z) if self.head else None
        if class_ids is None:
            class_ids = torch.zeros(len(z), dtype=torch.long, device=z.device) if logits is None else logits.argmax(1)
        return Decoded(self.decoder(z, class_ids), logits, class_ids)

    def networks(self, z: Tensor, class_ids: Tensor | None = None) -> list[Network]:
        """Embeddings (b, E) -> the predicted networks, each of its predicted architecture or of the one asked for."""
        decoded = self.decode(z, class_ids)
        archs = (self.family.archs[k] for k in decoded.class_ids.tolist())
        return [Network(arch, prep) for arch, prep in zip(archs, decoded.preps, strict=True)]

    def check_family(self, family: Family) -> None:
        """ValueError, naming both, unless networks of this family can be embedded."""
        if family.names != self.family.names or tuple(family.size) != tuple(self.family.size):
            raise UsageError(
                f"the zoo holds {', '.join(family.names)} as PReps {family.size}, "
                f"this space {', '.join(self.family.names)} as PReps {self.family.size}"
            )

    def save(self, folder: Path, about: dict | None = None, dtype: torch.dtype = torch.float16) -> None:
        """Write config.json and model.safetensors, from which `load` rebuilds the space alone."""
        from safetensors.torch import save

        state = {name: _stored(t.detach().cpu(), dtype).contiguous() for name, t in self.state_dict().items()}
        config = {"format": FORMATS["space"], "family": family_to_json(self.family), "space": asdict(self.config)}
        with atomic_write(folder / "model.safetensors") as path:
            path.write_bytes(save(state))
        with atomic_write(folder / "config.json") as path:
            path.write_text(json.dumps(config | {"about": about or {}}, indent=2) + "\n")


def _stored(t: Tensor, dtype: torch.dtype) -> Tensor:
    """The tensor in another precision, in its own if values would overflow."""
    smaller = t.to(dtype)
    return smaller if smaller.isfinite().all() else t


PROBES = {
    "sdf": partial(ProbeEncoder, squash=lambda x: torch.tanh(4 * x)),  # what lies far from the surface says little
    "classification": ImageProbeEncoder,
    "image-field": partial(ProbeEncoder, squash=lambda x: x.clamp(-2, 2)),  # beyond 1 it is white or black
}
"""by `Arch.task`"""
ENCODERS = {
    ("paper", "prep"): lambda family, config: PaperEncoder(config.embedding),
    ("tokens", "prep"): TokensEncoder,
    ("tokens", "probe"): lambda family, config: PROBES[family.archs[-1].task](family, config),
}
DECODERS = {
    "paper": lambda family, config: PaperDecoder(family.size, config.embedding),
    "tokens": TokensDecoder,
}
HEADS = {"paper": PaperHead, "tokens": TokensHead}


def load(folder: str | Path, device: str | torch.device = "cpu") -> NetSpace:
    """The space saved in a folder, in float32 and evaluation mode.

    Raises:
        FormatError: config.json or model.safetensors is missing, truncated, a pickle, holds weights that are not
            finite, or they do not belong together.
    """
    folder = Path(folder)
    saved = read_json(folder / "config.json")
    check_format(saved, "space", folder)
    try:
        unknown = set(saved["space"]) - {f.name for f in fields(SpaceConfig)}
        if unknown:
            raise UsageError(f"unknown setting {sorted(unknown)[0]!r}")
        family, config = family_from_json(saved["family"]), SpaceConfig(**saved["space"])
        with torch.device("meta"):  # no memory is taken for sizes that the weights do not have
            expected = NetSpace(family, config).state_dict()
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"{folder / 'config.json'}: {error}") from error
    tensors = read_tensors(folder / "model.safetensors")
    check_state(tensors, expected, folder / "model.safetensors")
    bad = next((name for name, t in tensors.items() if not t.isfinite().all()), None)
    if bad:
        raise FormatError(f"{folder / 'model.safetensors'} has values that are not finite, in {bad}")
    space = NetSpace(family, config)
    space.load_state_dict({name: t.float() for name, t in tensors.items()})
    return space.to(device).eval().requires_grad_(False)


def check_state(found: dict[str, Tensor], expected: dict[str, Tensor], where: Path) -> None:
    """FormatError, naming the first differences, unless both state dicts have the same names and shapes."""
    problems: Sequence[str] = (
        [f"unknown key {name}" for name in found if name not in expected]
        + [f"missing key {name}" for name in expected if name not in found]
        + [
            f"{name} is {tuple(t.shape)}, expected {tuple(expected[name].shape)}"
            for name, t in found.items()
            if name in expected and t.shape != expected[name].shape
        ]
    )
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise FormatError(f"{where} does not fit its config.json: {'; '.join(problems[:3])}{more}")
