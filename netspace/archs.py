"""Target architectures (supplement III) and the families they form; the table ARCHS names them.

A setting of the paper is a family of architectures ordered by size; ClassId = index in the family.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Tensor, nn

from .prep import PrepSize, check_size, prep_size

PAPER_WIDTH = 10_000
"""PRep width of the authors' experiments."""

Params = Mapping[str, Tensor]


class Siren(nn.Module):
    """MLP with sine activations, `in_features` -> hidden -> hidden -> 1: x -> sin(omega (W x + b)), linear at the end.

    Supplement III; Sitzmann et al. 2020, section 3.2 for the initialisation. Queried in [-1, 1]^3.
    """

    omega = 30.0

    def __init__(self, hidden: int = 256, in_features: int = 3) -> None:
        super().__init__()
        widths = [in_features, hidden, hidden, 1]
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in zip(widths, widths[1:], strict=False))
        self.initialise()

    def initialise(self, generator: torch.Generator | None = None) -> None:
        """Draw fresh weights: first layer U(+-1/in), the others U(+-sqrt(6/in)/omega), biases as `nn.Linear` does."""
        for depth, layer in enumerate(self.layers):
            fan_in = layer.in_features
            bound = 1 / fan_in if depth == 0 else math.sqrt(6 / fan_in) / self.omega
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            nn.init.uniform_(layer.bias, -(fan_in**-0.5), fan_in**-0.5, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 3) -> (n, 1)."""
        return self.apply_params(dict(self.named_parameters()), x)

    @classmethod
    def apply_params(cls, params: Params, x: Tensor, hidden_dtype: torch.dtype | None = None) -> Tensor:
        """Many networks at once: params name -> (*b, *shape), x (n, 3) or (*b, n, 3) -> (*b, n, 1).

        Args:
            hidden_dtype: precision of the hidden product, where nearly all the work is; None keeps the parameters'.
        """
        (w1, b1), (w2, b2), (w3, b3) = (
            (params[f"layers.{i}.weight"], params[f"layers.{i}.bias"].unsqueeze(-2)) for i in range(3)
        )
        h = torch.sin(x @ (cls.omega * w1).mT + cls.omega * b1)  # (*b, n, hidden)
        w2, b2 = cls.omega * w2, cls.omega * b2
        if hidden_dtype is None:
            h = h @ w2.mT + b2
        else:
            h = (h.to(hidden_dtype) @ w2.to(hidden_dtype).mT).to(w2.dtype) + b2
        return torch.sin(h) @ w3.mT + b3

    @staticmethod
    def stretch_params(params: Params, factors: Tensor) -> dict[str, Tensor]:
        """The network x -> f(x / factors): its shape stretched along the axes by factors (3,), exactly."""
        return dict(params) | {"layers.0.weight": params["layers.0.weight"] / factors}

    @classmethod
    def compile_params(cls, params: Params, hidden_dtype: torch.dtype | None = None) -> Callable[[Tensor], Tensor]:
        """One network as a fast function (n, 3) -> (n,) for inference: omega folded in, chunks that stay in cache.

        Args:
            hidden_dtype: precision of the hidden product; None keeps that of the parameters.
        """
        params = {name: p.detach() for name, p in params.items()}
        w1, b1 = params["layers.0.weight"].mT.contiguous() * cls.omega, params["layers.0.bias"] * cls.omega
        w2, b2 = params["layers.1.weight"].mT.contiguous() * cls.omega, params["layers.1.bias"] * cls.omega
        w3, b3 = params["layers.2.weight"].squeeze(0), params["layers.2.bias"]
        dtype = hidden_dtype or w2.dtype
        w2, b2 = w2.to(dtype), b2.to(dtype)
        rows = 2048 if w1.device.type == "cpu" else 1 << 18

        def run(x: Tensor) -> Tensor:
            with torch.inference_mode():
                out = x.new_empty(x.shape[0])
                for start in range(0, x.shape[0], rows):
                    h = torch.addmm(b1, x[start : start + rows], w1).sin_()
                    h = torch.addmm(b2, h.to(dtype), w2).to(w3.dtype).sin_()
                    torch.add(h @ w3, b3, out=out[start : start + rows])
                return out

        return run


@dataclass(frozen=True)
class Arch:
    """A target architecture: its name, what it is trained on, and how to build a freshly initialised module."""

    name: str
    data: str
    """"sdf" for signed distance functions of shapes, else the name of an image data set."""
    build: partial[nn.Module]
    """Called without arguments, a freshly initialised module; its class evaluates many networks at once."""

    @cached_property
    def shapes(self) -> dict[str, torch.Size]:
        """Parameter name -> shape, in the order in which a PRep holds them."""
        with torch.device("meta"):
            return {name: p.shape for name, p in self.build().named_parameters()}

    @cached_property
    def num_params(self) -> int:
        return sum(math.prod(shape) for shape in self.shapes.values())

    def initialise(self, seed: int) -> dict[str, Tensor]:
        """Freshly drawn parameters, the same for the same seed; no global random state is touched."""
        with torch.device("meta"):
            module = self.build()
        module.to_empty(device="cpu").initialise(torch.Generator().manual_seed(seed))
        return {name: p.detach() for name, p in module.named_parameters()}

    def apply_params(self, params: Params, x: Tensor, hidden_dtype: torch.dtype | None = None) -> Tensor:
        """Outputs of one or many networks, params name -> (*b, *shape), for the same or for each its own inputs."""
        return self.build.func.apply_params(params, x, hidden_dtype)

    def stretch_params(self, params: Params, factors: Tensor) -> dict[str, Tensor]:
        """The parameters of the same SDF stretched along the axes by factors (3,)."""
        return self.build.func.stretch_params(params, factors)

    def compile_params(self, params: Params, hidden_dtype: torch.dtype | None = None) -> Callable[[Tensor], Tensor]:
        """One network as a fast function for inference, without gradients."""
        return self.build.func.compile_params(params, hidden_dtype)

    def check(self, shapes: Mapping[str, torch.Size]) -> None:
        """ValueError, naming the first differences, unless these are the shapes of this architecture."""
        missing = [n for n in self.shapes if n not in shapes]
        unknown = [n for n in shapes if n not in self.shapes]
        wrong = [
            f"{n} is {tuple(shapes[n])} instead of {tuple(s)}"
            for n, s in self.shapes.items()
            if n in shapes and tuple(shapes[n]) != tuple(s)
        ]
        problems = [f"missing {n}" for n in missing] + [f"unknown {n}" for n in unknown] + wrong
        if problems:
            raise ValueError(f"not a {self.name}: {'; '.join(problems[:4])}{' ...' if len(problems) > 4 else ''}")


ARCHS: dict[str, Arch] = {
    arch.name: arch
    for arch in [
        Arch("siren256", "sdf", partial(Siren, 256)),
        Arch("siren64", "sdf", partial(Siren, 64)),
    ]
}


@dataclass(frozen=True)
class Family:
    """Architectures of one space, ordered by size, and the PRep size they share. ClassId = index."""

    archs: tuple[Arch, ...]
    size: PrepSize

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", check_size(self.size))  # any pair may be given
        counts = [arch.num_params for arch in self.archs]
        if not counts or counts != sorted(counts):
            raise ValueError(f"a family lists its architectures by increasing size, got {counts} parameters")
        room = self.size.height * self.size.width
        if counts[-1] > room:
            largest = self.archs[-1]
            raise ValueError(f"PRep {self.size} holds {room} values, {largest.name} has {largest.num_params}")

    @classmethod
    def of(cls, *names: str, width: int = PAPER_WIDTH) -> Family:
        """The family of the named architectures, with the smallest PRep of this width that holds all of them."""
        unknown = [name for name in names if name not in ARCHS]
        if unknown:
            raise ValueError(f"unknown architecture {unknown[0]!r}; known: {', '.join(ARCHS)}")
        archs = tuple(sorted((ARCHS[name] for name in names), key=lambda arch: arch.num_params))
        return cls(archs, prep_size(archs[-1].num_params, width))

    @property
    def names(self) -> list[str]:
        return [arch.name for arch in self.archs]
