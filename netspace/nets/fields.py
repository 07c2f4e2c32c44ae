"""Coordinate networks: MLPs of a point, with sines (SIREN, supplement III) or any other activation.

Of a shape: a point of [-1, 1]^3 to one number, negative inside: a signed distance, or an occupancy of any steepness.
Of a picture: a point of [-1, 1]^2 to the 1 or 3 channels there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from ..errors import UsageError
from .activations import activation, activation_name
from .prep import Params
from .units import Units, chain, symmetry_of

SDF, OCCUPANCY, PICTURE = "sdf", "occupancy", "picture"
"""What the value of a field is: a distance in world units, only its sign means anything, or channels in [-1, 1]."""
VALUES = {
    SDF: "a signed distance, negative inside",
    OCCUPANCY: "negative inside, only the sign means anything",
    PICTURE: "channels in [-1, 1]",
}
"""the same in words, as formulas end"""


class Ends(NamedTuple):
    """What coordinate networks from so many coordinates to so many numbers are."""

    task: str
    """the kind of network, as `Arch.task` has it"""
    means: tuple[str, ...]
    """what the value may be; the first unless a name says otherwise"""


ENDS = {
    (3, 1): Ends("sdf", (SDF, OCCUPANCY)),
    (2, 1): Ends("image-field", (PICTURE,)),
    (2, 3): Ends("image-field", (PICTURE,)),
}
"""by coordinates and outputs; others are not known"""

MOST_PARAMS = 50_000_000
"""of one coordinate network: larger ones are refused before anything is allocated"""

_NAME = re.compile(
    r"(?P<base>siren|mlp)/(?P<widths>\d{1,6}(-\d{1,6})+)(@(?P<omega>\d{1,6}(\.\d{1,6})?))?(?P<options>(:[\w.+-]+)*)"
)
_ENCODING = re.compile(r"pe(?P<frequencies>\d{1,2})(?P<pi>pi)?(?P<bare>bare)?(?P<blocks>blocks)?")


@dataclass(frozen=True)
class Encoding:
    """A positional encoding: x -> (x, sin(2^0 x), cos(2^0 x), ..., sin(2^(L-1) x), cos(2^(L-1) x)), as NeRF's code."""

    frequencies: int
    """L"""
    pi: bool = False
    """angles are multiplied by pi, as in NeRF's text"""
    bare: bool = False
    """x itself is left out"""
    blocks: bool = False
    """all sines before all cosines, instead of alternating by frequency"""

    def __str__(self) -> str:
        words = "".join(word for word, on in (("pi", self.pi), ("bare", self.bare), ("blocks", self.blocks)) if on)
        return f"pe{self.frequencies}{words}"

    @classmethod
    def parse(cls, text: str) -> Encoding:
        """The encoding of a name such as `pe6` or `pe4pibare`; ValueError if it is none."""
        found = _ENCODING.fullmatch(text)
        if not found or not 1 <= int(found["frequencies"]) <= 32:
            raise UsageError(f"unknown positional encoding {text!r}; e.g. pe6, pe6pi, pe6bare, pe6blocks")
        return cls(int(found["frequencies"]), bool(found["pi"]), bool(found["bare"]), bool(found["blocks"]))

    @property
    def formula(self) -> str:
        """The features in words, in their order."""
        angle = f"2^k {'pi ' if self.pi else ''}x"
        of = f"for k = 0 to {self.frequencies - 1}"
        waves = [f"sin({angle}) {of}", f"cos({angle}) {of}"] if self.blocks else [f"sin({angle}), cos({angle}) {of}"]
        return f"[{', '.join(waves if self.bare else ['x', *waves])}]"

    def width(self, coordinates: int) -> int:
        """Features of a point."""
        return coordinates * (2 * self.frequencies + (not self.bare))

    def __call__(self, x: Tensor) -> Tensor:
        """(*b, n, d) -> (*b, n, width)."""
        scales = 2.0 ** torch.arange(self.frequencies, device=x.device, dtype=x.dtype) * (math.pi if self.pi else 1)
        angles = x.unsqueeze(-2) * scales[:, None]  # (*b, n, L, d)
        if self.blocks:
            parts = [angles.sin().flatten(-2), angles.cos().flatten(-2)]
        else:
            parts = [torch.stack([angles.sin(), angles.cos()], dim=-2).flatten(-3)]  # (*b, n, L * 2 * d)
        return torch.cat(parts if self.bare else [x, *parts], dim=-1)


@dataclass(frozen=True)
class FieldSpec:
    """What a coordinate network is, apart from its weights: data that a name spells and a zoo keeps."""

    widths: tuple[int, ...]
    """coordinates, hidden units of each layer, outputs"""
    activation: str = "sin"
    """`sin` with `omega`, or one of `activations.NAMES`"""
    omega: float = 30.0
    """of every sine: x -> sin(omega (W x + b))"""
    encoding: Encoding | None = None
    field: str = ""
    """what the value is; empty: what it usually is, from so many coordinates to so many numbers"""

    def __post_init__(self) -> None:
        if len(self.widths) < 3 or min(self.widths) < 1:
            raise UsageError(f"a coordinate network has at least one hidden layer, got {self.widths}")
        ends = ENDS.get((self.widths[0], self.widths[-1]))
        if ends is None:
            raise UsageError(
                f"a field maps a point of space (3) to one number (1), or one of a picture (2) to 1 or 3 channels, got "
                f"{self.widths[0]} to {self.widths[-1]}"
            )
        if self.field and self.field not in ends.means:
            raise UsageError(f"the value of a field {self.widths} is no {self.field!r}, but {' or '.join(ends.means)}")
        object.__setattr__(self, "field", self.field or ends.means[0])
        if self.activation == "sin" and not 0 < self.omega < math.inf:
            raise UsageError(f"omega is {self.omega}, it must be positive and finite")
        if self.num_params > MOST_PARAMS:
            raise UsageError(f"{self.name} has {self.num_params:,} parameters, {MOST_PARAMS:,} at most are read")

    @property
    def ends(self) -> Ends:
        """What it is, by its coordinates and outputs."""
        return ENDS[self.widths[0], self.widths[-1]]

    @property
    def layers(self) -> list[tuple[int, int]]:
        """(inputs, outputs) of every linear layer."""
        first = self.encoding.width(self.widths[0]) if self.encoding else self.widths[0]
        widths = [first, *self.widths[1:]]
        return list(zip(widths, widths[1:], strict=False))

    @property
    def num_params(self) -> int:
        return sum(i * o + o for i, o in self.layers)

    @property
    def formula(self) -> str:
        """What is computed with its weights, from point to value: layer after layer, h being what comes before."""
        steps = ["x", *([self.encoding.formula] if self.encoding else [])]
        for depth in range(len(self.layers)):
            linear = f"W{depth} {'h' if len(steps) > 1 else 'x'} + b{depth}"
            if depth == len(self.layers) - 1:
                steps.append(linear)
            elif self.activation == "sin":
                steps.append(f"sin({self.omega:g} ({linear}))")
            else:
                steps.append(f"{self.activation}({linear})")
        return f"{' -> '.join(steps)}, x in [-1, 1]^{self.widths[0]}, {VALUES[self.field]}"

    @property
    def name(self) -> str:
        """`siren/3-128-128-1@30` or `mlp/3-256-256-1:relu:pe6:occupancy`; siren256 and siren64 keep their old names."""
        widths = "-".join(map(str, self.widths))
        options = [str(self.encoding)] if self.encoding else []
        options += [self.field] if self.field != self.ends.means[0] else []
        if self.activation != "sin":
            return ":".join([f"mlp/{widths}", self.activation, *options])
        if not options and self.omega == Siren.omega and self.widths in ((3, 256, 256, 1), (3, 64, 64, 1)):
            return f"siren{self.widths[1]}"
        return ":".join([f"siren/{widths}@{self.omega:g}", *options])

    @classmethod
    def parse(cls, name: str) -> FieldSpec:
        """The spec of a name; ValueError, saying what is wrong with it, if there is none."""
        short = re.fullmatch(r"siren(\d{1,6})", name)
        if short:
            return cls((3, int(short[1]), int(short[1]), 1))
        found = _NAME.fullmatch(name)
        if not found:
            raise UsageError(f"{name!r} is no field: e.g. siren/3-128-128-1@30 or mlp/3-256-256-1:relu:pe6:occupancy")
        widths = tuple(map(int, found["widths"].split("-")))
        options = [text for text in found["options"].split(":") if text]
        values: dict = {}
        if found["base"] == "siren":
            values = {"omega": float(found["omega"] or Siren.omega)}
        elif found["omega"] or not options:
            raise UsageError(f"{name!r} names no activation: e.g. mlp/3-256-256-1:relu")
        else:
            values = {"activation": activation_name(options.pop(0))}
        for text in options:
            before = len(values)
            if text in (SDF, OCCUPANCY, PICTURE):
                values["field"] = text
            else:
                values["encoding"] = Encoding.parse(text)
            if len(values) == before:
                raise UsageError(f"{name!r} says twice what {text!r} says")
        return cls(widths, **values)


class Field(nn.Module):
    """An MLP of coordinates whose parameters can be given from outside: (n, d) -> (n, k), as in (n, 3) -> (n, 1)."""

    def __init__(self, spec: FieldSpec) -> None:
        super().__init__()
        self.spec = spec
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in spec.layers)
        self.initialise()

    @property
    def fixed(self) -> tuple:
        """What a name of it cannot leave open."""
        return self.spec.widths, self.spec.activation

    def enter(self, x: Tensor) -> Tensor:
        """Points as the product has them: no field wants others."""
        return x

    @property
    def formula(self) -> str:
        """What is computed with the weights, in words that travel with them."""
        return self.spec.formula

    @property
    def omega(self) -> float:
        """Factor of the sines; 1 for other activations."""
        return self.spec.omega if self.spec.activation == "sin" else 1.0

    def initialise(self, generator: torch.Generator | None = None) -> None:
        """Draw fresh weights: for sines as Sitzmann et al. 2020, section 3.2, else as `nn.Linear` does.

        Sines: first layer U(+-1/in), the others U(+-sqrt(6/in)/omega), biases as `nn.Linear` does.
        """
        for depth, layer in enumerate(cast(Iterable[nn.Linear], self.layers)):
            fan_in = layer.in_features
            bound = 1 / fan_in if depth == 0 else math.sqrt(6 / fan_in) / self.omega
            if self.spec.activation != "sin":
                bound = fan_in**-0.5
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            nn.init.uniform_(layer.bias, -(fan_in**-0.5), fan_in**-0.5, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """(n, d) -> (n, k)."""
        return self.apply_params(dict(self.named_parameters()), x)

    def apply_params(self, params: Params, x: Tensor, hidden_dtype: torch.dtype | None = None) -> Tensor:
        """Many networks at once: params name -> (*b, *shape), x (n, d) or (*b, n, d) -> (*b, n, k).

        Args:
            hidden_dtype: precision of the hidden products, where nearly all the work is; None keeps the parameters'.
        """
        act = torch.sin if self.spec.activation == "sin" else activation(self.spec.activation)
        h = self.spec.encoding(x) if self.spec.encoding else x
        last = len(self.layers) - 1
        for depth in range(last + 1):
            w, b = params[f"layers.{depth}.weight"], params[f"layers.{depth}.bias"].unsqueeze(-2)
            if depth == last:
                return h @ w.mT + b
            if self.omega != 1:
                w, b = self.omega * w, self.omega * b
            if depth == 0 or hidden_dtype is None:
                h = act(h @ w.mT + b)
            else:
                h = act((h.to(hidden_dtype) @ w.to(hidden_dtype).mT).to(w.dtype) + b)
        raise AssertionError("a field has layers")

    @property
    def units(self) -> tuple[Units, ...]:
        """Its hidden units, from the point to the value."""
        layers = [f"layers.{i}" for i in range(len(self.layers))]
        return chain(self, layers, symmetry_of(self.spec.activation, self.omega))

    def points(self, count: int, generator: torch.Generator) -> Tensor:
        """Points (n, d), drawn evenly from where fields are asked: [-1, 1]^d."""
        return 2 * torch.rand(count, self.spec.widths[0], generator=generator) - 1

    def watch(
        self, params: Params, x: Tensor, see: Callable[[str, Tensor, Tensor], Tensor | None]
    ) -> Tensor:  # fmt: skip
        """Values (n, k) of one network; `see` is shown every layer's name, inputs and outputs, before omega and sine.

        It may return other outputs to go on with.
        """
        act = torch.sin if self.spec.activation == "sin" else activation(self.spec.activation)
        h = self.spec.encoding(x) if self.spec.encoding else x
        for depth in range(len(self.layers)):
            name = f"layers.{depth}"
            y = torch.addmm(params[f"{name}.bias"], h, params[f"{name}.weight"].mT)
            seen = see(name, h, y)
            y = y if seen is None else seen
            h = act(self.omega * y)
        return y

    def stretch_params(self, params: Params, factors: Tensor) -> dict[str, Tensor]:
        """The network x -> f(x / factors): its shape stretched along the axes by factors (d,), exactly.

        Raises:
            ValueError: a positional encoding comes before the first layer, which then cannot undo the stretching.
        """
        if self.spec.encoding:
            raise UsageError(f"{self.spec.name} encodes its inputs: its shape cannot be stretched by its weights")
        return dict(params) | {"layers.0.weight": params["layers.0.weight"] / factors}

    def compile_params(self, params: Params, hidden_dtype: torch.dtype | None = None) -> Callable[[Tensor], Tensor]:
        """One network as a fast function for inference: omega folded in, chunks that stay in cache.

        It maps (n, d) -> (n,) if it has one output, else (n, d) -> (n, k).

        Args:
            hidden_dtype: precision of the hidden products; None keeps that of the parameters.
        """
        spec, omega, count = self.spec, self.omega, len(self.layers)
        act = torch.sin_ if spec.activation == "sin" else activation(spec.activation)
        params = {name: p.detach() for name, p in params.items()}
        hidden = [
            (params[f"layers.{i}.weight"].mT.contiguous() * omega, params[f"layers.{i}.bias"] * omega)
            for i in range(count - 1)
        ]
        (w1, b1), rest = hidden[0], hidden[1:]
        last, b3 = params[f"layers.{count - 1}.weight"], params[f"layers.{count - 1}.bias"]
        w3 = last.squeeze(0) if len(last) == 1 else last.mT.contiguous()  # (hidden) or (hidden, k)
        dtype = hidden_dtype or w3.dtype
        rest = [(w.to(dtype), b.to(dtype)) for w, b in rest]
        rows, whole = (2048, 256) if w1.device.type == "cpu" else (1 << 18, 1)

        def run(x: Tensor) -> Tensor:
            n = x.shape[0]
            x = nn.functional.pad(x, (0, 0, 0, -n % whole))  # oneDNN keeps a kernel for every number of rows it meets
            with torch.inference_mode():
                out = x.new_empty(x.shape[0], *w3.shape[1:])
                for start in range(0, x.shape[0], rows):
                    h = x[start : start + rows]
                    h = act(torch.addmm(b1, spec.encoding(h) if spec.encoding else h, w1))
                    for w, b in rest:
                        h = act(torch.addmm(b, h.to(dtype), w).to(w3.dtype))
                    torch.add(h @ w3, b3, out=out[start : start + rows])
                return out[:n]

        return run


class Siren(Field):
    """MLP with sine activations, 3 -> hidden -> hidden -> 1: x -> sin(omega (W x + b)), linear at the end.

    Supplement III: the paper's has 256 hidden units and omega 30.
    """

    omega = 30.0

    def __init__(self, hidden: int = 256) -> None:
        super().__init__(FieldSpec((3, hidden, hidden, 1)))
