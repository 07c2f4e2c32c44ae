"""NetSpace: an encoder from networks to embeddings and a decoder from embeddings to PReps (section III, Fig. 1).

Preset `paper` is the authors' encoder and decoder. Preset `tokens` cuts the PRep into chunks that share one small MLP:
a tenth of the cost and a better fit.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..errors import FormatError, UsageError
from ..io import FORMATS, atomic_write, check_format, check_types, read_json, read_tensors, write_tensors
from ..nets.archs import Family
from ..nets.network import Network
from ..zoo.family import family_from_json, family_to_json
from .config import SpaceConfig
from .decoders import DECODERS, HEADS
from .encoders import ENCODERS


class Decoded(NamedTuple):
    """What a decoder predicts from embeddings."""

    preps: Tensor
    """(b, 1, H, W)"""
    class_logits: Tensor | None
    """(b, A) logits over the family's architectures; None for a family of one, which has no class head"""
    class_ids: Tensor
    """(b) architectures that the PReps are written for: those predicted, unless others were asked for"""


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
        state = {name: _stored(t.detach().cpu(), dtype).contiguous() for name, t in self.state_dict().items()}
        config = {"format": FORMATS["space"], "family": family_to_json(self.family), "space": asdict(self.config)}
        write_tensors(folder / "model.safetensors", state)
        with atomic_write(folder / "config.json") as path:
            path.write_text(json.dumps(config | {"about": about or {}}, indent=2) + "\n")


def _stored(t: Tensor, dtype: torch.dtype) -> Tensor:
    """The tensor in another precision, in its own if values would overflow."""
    smaller = t.to(dtype)
    return smaller if smaller.isfinite().all() else t


def load(folder: str | Path, device: str | torch.device = "cpu") -> NetSpace:
    """The space saved in a folder, in float32 and evaluation mode.

    Raises:
        FormatError: config.json or model.safetensors is missing, truncated, a pickle, holds weights that are not
            finite, or they do not belong together.
    """
    folder = Path(folder)
    saved = read_json(folder / "config.json")
    check_format(saved, "space", folder)
    check_types(saved, folder / "config.json", {"space": dict, "family": dict})
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
