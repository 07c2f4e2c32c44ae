"""Coordinate networks from elsewhere: what their values mean is declared, detected by what they do, or asked for.

Equal shapes are not equal functions: sines of another factor, ReLU instead of sines, positive inside. A signed distance
betrays itself: stepping against its gradient by its value ends on its surface. The hypotheses under which that holds
are few, and of those that are usual at most one.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch
from torch import Tensor

from ..errors import ImportRefused
from ..nets.archs import Arch, field_arch
from ..nets.fields import OCCUPANCY, SDF, Encoding, Field, FieldSpec, Params
from .declare import CONVENTIONS, Declaration
from .recognise import LINEAR, NORM, Layer, Layers, chain_of, without_bias

OMEGA = 30.0
"""to which sines of other factors are converted, by scaling their layers"""
SINES = ((30.0, 30.0), (30.0, 1.0), (1.0, 1.0), (10.0, 10.0), (20.0, 20.0), (60.0, 60.0), (100.0, 100.0), (30.0, 10.0))
"""Factors (first layer, others) in use: the paper's and Sitzmann et al.'s, siren-pytorch's, folded into weights ..."""
UNITS = ("relu", "leaky_relu", "softplus100", "gelu", "tanh", "silu", "elu", "softplus")
POINTS, FEW_POINTS = 384, 48
"""points at which a field is asked, for a convention once and for every network"""
RESIDUAL, FEW_RESIDUAL = 0.35, 0.5
"""Share of a distance left after a step by it: 0.05 to 0.17 for chairs fitted in 1,000 steps, 0.25 for a torus fitted
in 500; 0.57 and more under other conventions. Over few points the median scatters."""
SLOPE = (0.75, 1.35)
"""of a signed distance, in the median; 1 for an exact one"""


class Behaviour(NamedTuple):
    """What a field does in [-1, 1]^3."""

    slope: float
    """median length of its gradient"""
    residual: float
    """median of |f(x - f grad f / |grad f|)| over |f(x)|: 0 for an exact distance"""
    border: float
    """share of the cube's border where it is negative"""
    crosses: bool = True
    """whether it has both signs: a plane outside of the cube is a distance too, and no shape"""

    def is_distance(self, limit: float = RESIDUAL) -> bool:
        """Whether its values are signed distances, as near as networks come."""
        return self.residual < limit and SLOPE[0] < self.slope < SLOPE[1] and self.sign is not None and self.crosses

    @property
    def sign(self) -> float | None:
        """1 if it is positive along the border, as outside of a shape, -1 if negative; None if it changes there."""
        return 1.0 if self.border <= 0.04 else -1.0 if self.border >= 0.96 else None


def behaviour(spec: FieldSpec, params: dict[str, Tensor], points: int = POINTS, size: float = 1.0) -> Behaviour:
    """How a field behaves at spread points of [-size, size]^3."""
    net = Field(spec) if spec.num_params < 1000 else _skeleton(spec)
    x = _points(points, size)
    y, slope = _value_and_gradient(net, params, x)
    length = slope.norm(dim=1)
    stepped = x - y[:, None] * slope / length.clamp(min=1e-9)[:, None]
    stays = (stepped.abs() <= size).all(dim=1) & (y.abs() > 1e-4 * size)
    edge = torch.tensor([-1.0, 0.0, 1.0])
    border = torch.cartesian_prod(edge, edge, edge)
    border = border[(border.abs() == 1).any(dim=1)] * size  # (26, 3)
    with torch.no_grad():
        again = net.apply_params(params, torch.cat([stepped[stays], border])).squeeze(-1)
    ratio = again[: int(stays.sum())].abs() / y[stays].abs()
    enough = len(ratio) >= points // 4
    negative = torch.cat([y, again]) < 0
    return Behaviour(
        float(length.median()),
        float(ratio.median()) if enough else math.inf,
        float((again[len(ratio) :] < 0).float().mean()),
        bool(negative.any() and not negative.all()),
    )


def _points(count: int, size: float) -> Tensor:
    """Spread points (p, 3) of [-size, size]^3."""
    return (torch.quasirandom.SobolEngine(3).draw(count) * 2 - 1) * size


def _skeleton(spec: FieldSpec) -> Field:
    with torch.device("meta"):
        return Field(spec)


def _value_and_gradient(net: Field, params: dict[str, Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """f (p) and its gradient (p, 3)."""
    x = x.clone().requires_grad_()
    with torch.enable_grad():
        y = net.apply_params(params, x).squeeze(-1)
        (gradient,) = torch.autograd.grad(y.sum(), x)
    return y.detach(), gradient


FRESH = Behaviour(0.0, math.inf, 0.0)
"""of a network that is untrained"""


@dataclass(frozen=True)
class Hypothesis:
    """What the units of a field may be."""

    activation: str = "sin"
    first: float = OMEGA
    others: float = OMEGA

    def __str__(self) -> str:
        if self.activation != "sin":
            return self.activation
        if self.first == self.others:
            return f"sines of {self.first:g}"
        return f"sines of {self.first:g}, then {self.others:g}"

    @property
    def option(self) -> str:
        """The options that declare it."""
        if self.activation != "sin":
            return f"--activation {self.activation}"
        first = "" if self.first == self.others else f" --omega-first {self.first:g}"
        return f"--omega {self.others:g}{first}"


class Owner(NamedTuple):
    """How a network's owner reads it, so that the answers of both can be compared."""

    size: float = 1.0
    """half edge of the owner's cube"""
    scale: float = 1.0
    level: float = 0.0
    """(owner's value - level) * scale is the product's"""
    end: Callable[[Tensor], Tensor] | None = None
    """what the owner's program does at the end, and the product does not"""
    order: tuple[int, ...] = ()
    """for each of the product's classes, its place among the owner's; empty if the same"""

    def outputs(self, ours: Tensor) -> Tensor:
        """The owner's outputs by the product's."""
        if self.order:
            ours = ours[:, torch.tensor(self.order).argsort()]
        ours = ours / self.scale + self.level
        return self.end(ours) if self.end else ours


@dataclass
class Converted:
    """A network in the product's form, and how it came to be known what it does."""

    arch: Arch
    params: dict[str, Tensor]
    declared: list[str] = field(default_factory=list)
    detected: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    converted: list[str] = field(default_factory=list)
    measured: dict[str, float] = field(default_factory=dict)
    """what the detection rests on, columns of the zoo's table"""
    noted: list[str] = field(default_factory=list)
    """sentences that people must be told"""
    from_owner: Owner = Owner()  # noqa: RUF009  (never changed)

    @property
    def function(self) -> str:
        """In a line of the zoo's table: what the network is taken to be, and on what grounds."""
        parts = [f"{'; '.join(part)} ({word})" for word, part in self.grounds() if part]
        return "; ".join(parts)

    def grounds(self) -> list[tuple[str, list[str]]]:
        return [
            ("declared", self.declared), ("detected", self.detected), ("assumed", self.assumed),
            ("converted exactly", self.converted),
        ]  # fmt: skip


@dataclass
class Reader:
    """Reads coordinate networks of one import; what held for one is tried first for the next."""

    settled: dict[tuple[int, ...], list[Hypothesis]] = field(default_factory=dict)
    unclear: Counter = field(default_factory=Counter)

    def read(self, layers: Layers, said: Declaration, layout: str = "") -> Converted:
        """A file's linear layers as a field.

        Args:
            said: what is declared of it.
            layout: whose way of laying out files it is; that of the authors stands for the paper's convention.

        Raises:
            ImportRefused: it is no field, or it is not known what its values mean, naming the options that would say
                it.
        """
        if layers.of(NORM):
            raise ImportRefused(
                f"an MLP with batch norm ({layers.of(NORM)[0].name}): the file does not say whether that comes before "
                "or after the activation; fold it into the linear layers"
            )
        chain = chain_of(layers.of(LINEAR))
        layers.check_numbers(_omegas(layers))
        if layers.buffers:
            raise ImportRefused(
                f"it holds {' and '.join(layers.buffers)} beside its layers, of points or of values: fold them into "
                "its first or last layer"
            )
        params = _params(chain)
        spec, grounds = self._spec(chain, said)
        result = Converted(field_arch(spec), params)
        parts = Counter(layer.name.partition(".")[0] for layer in chain)
        if len(parts) > 1 and min(parts.values()) > 1:
            result.assumed.append(f"{' and '.join(f'{part}.*' for part in parts)} follow one another")
        result.declared += grounds
        hypothesis, measured = self._units(spec, params, layers, said, layout, result)
        spec, params = _under(spec, params, hypothesis)
        if hypothesis.activation == "sin" and (hypothesis.first, hypothesis.others) != (OMEGA, OMEGA):
            result.converted.append(f"{hypothesis} to sines of {OMEGA:g}")
        return finish(spec, params, measured, said, measured is FRESH or bool(layout or said.made_as), result)

    def _spec(self, chain: Sequence[Layer], said: Declaration) -> tuple[FieldSpec, list[str]]:
        """Widths and encoding; the activation is open."""
        shapes = [tuple(layer.tensors["weight"].shape) for layer in chain]
        widths = [shapes[0][1], *(o for o, _ in shapes)]
        words = "-".join(map(str, widths))
        if len(shapes) < 2:
            raise ImportRefused(f"a single linear layer {words} is no field")
        if widths[-1] != 1:
            raise ImportRefused(
                f"an MLP {words} is no field of a shape: it gives {widths[-1]} numbers and not one"
                + (f"; is it a classifier of {widths[-1]} classes?" if widths[0] > 60 else "")
            )
        if said.encoding and said.encoding != "none":
            encoding = Encoding.parse(said.encoding)
            if encoding.width(3) != widths[0]:
                raise ImportRefused(
                    f"its first layer takes {widths[0]} numbers, {said.encoding} of a point makes {encoding.width(3)}"
                )
            return self._field((3, *widths[1:]), encoding), [f"positional encoding {encoding}"]
        if widths[0] == 3:
            return self._field(tuple(widths), None), []
        if widths[0] == 2:
            raise ImportRefused(
                f"an MLP {words} maps a point of the plane: it holds an image, and images are not read here"
            )
        for bare in (False, True):
            if widths[0] % 3 == 0 and (widths[0] // 3 - (not bare)) % 2 == 0 and 1 <= widths[0] // 6 <= 32:
                name = f"pe{(widths[0] // 3 - (not bare)) // 2}{'bare' if bare else ''}"
                raise ImportRefused(
                    f"its first layer takes {widths[0]} numbers, as many as the positional encoding {name} of a point "
                    f"makes: say --encoding {name} (as NeRF's code orders it), {name}pi (angles times pi) or "
                    f"{name}blocks (all sines first), and --activation"
                )
        raise ImportRefused(
            f"an MLP {words} is no field of a shape: it takes {widths[0]} numbers and not a point of space"
        )

    @staticmethod
    def _field(widths: tuple[int, ...], encoding: Encoding | None) -> FieldSpec:
        try:
            return FieldSpec(widths, "sin", OMEGA, encoding)
        except ValueError as error:
            raise ImportRefused(str(error)) from error

    def _units(
        self,
        spec: FieldSpec,
        params: dict[str, Tensor],
        layers: Layers,
        said: Declaration,
        layout: str,
        result: Converted,
    ) -> tuple[Hypothesis, Behaviour | None]:
        """What its units are, and on what grounds; how it behaves under that, if that was the ground."""
        written = _written_omegas(layers, said)
        if said.activation and said.activation != "sin":
            if written:
                raise ImportRefused(f"declared is {said.activation}, but its buffers say {Hypothesis('sin', *written)}")
            result.declared.append(f"activation {said.activation}")
            return self._believed(spec, params, Hypothesis(said.activation, 1.0, 1.0), said)
        if said.omega:
            declared = Hypothesis("sin", said.omega_first or said.omega, said.omega)
            if written and declared != Hypothesis("sin", *written):
                raise ImportRefused(f"declared are {declared}, but its buffers say {Hypothesis('sin', *written)}")
            result.declared.append(str(declared))
            return self._believed(spec, params, declared, said)
        if written:
            result.detected.append(f"{Hypothesis('sin', *written)}, as its buffers say")
            return Hypothesis("sin", *written), None
        fresh = _fresh(spec, params)
        if fresh:
            result.detected.append(f"sines of {OMEGA:g}: its weights are those of a fresh SIREN of that factor")
            return Hypothesis(), FRESH
        found, tried = self._by_behaviour(spec, params, said)
        if found:
            measured = tried[found]
            result.detected.append(f"{found}: its values are signed distances")
            return found, measured
        made_as = said.made_as or ("paper" if layout == "authors" else None)
        if made_as and (omega := CONVENTIONS[made_as].omega) and not any(b.is_distance() for b in tried.values()):
            grounds = "the authors' layout of files" if not said.made_as else f"as {made_as}"
            result.assumed.append(f"sines of {omega:g}, {grounds}")
            return Hypothesis("sin", omega, omega), None
        raise ImportRefused(_asked(tried, _spread(spec, params)))

    def _believed(
        self, spec: FieldSpec, params: Params, declared: Hypothesis, said: Declaration
    ) -> tuple[Hypothesis, Behaviour]:
        """What is declared, unless the network's values speak clearly for something else."""
        measured = behaviour(*_under(spec, params, declared), FEW_POINTS, said.box or 1.0)
        if measured.is_distance(FEW_RESIDUAL) or said.field == OCCUPANCY:
            return declared, measured
        found, tried = self._by_behaviour(spec, params, Declaration(box=said.box))
        if found and found != declared:
            raise ImportRefused(
                f"declared are {declared}, but its values are signed distances under {found} (slope "
                f"{tried[found].slope:.2f}) and not under these (slope {measured.slope:.3g}): say {found.option}"
            )
        return declared, measured

    def _by_behaviour(
        self, spec: FieldSpec, params: dict[str, Tensor], said: Declaration
    ) -> tuple[Hypothesis | None, dict[Hypothesis, Behaviour]]:
        """The one usual hypothesis under which the values are signed distances; and what was tried."""
        key, size = spec.widths, said.box or 1.0
        for known in self.settled.get(key, []):
            quick = behaviour(*_under(spec, params, known), FEW_POINTS, size)
            if quick.is_distance(FEW_RESIDUAL):
                return known, {known: quick}
        sines = [] if spec.encoding else [Hypothesis("sin", *pair) for pair in SINES]
        if said.activation == "sin":
            units = []
        else:
            units = [Hypothesis(name, 1.0, 1.0) for name in UNITS]
        points = POINTS if self.unclear[key] < 2 else 2 * FEW_POINTS  # of a folder full of the same, all are unclear
        tried = {h: behaviour(*_under(spec, params, h), points, size) for h in (*sines, *units)}
        passing = sorted((h for h in tried if tried[h].is_distance()), key=lambda h: tried[h].residual)
        clear = len(passing) == 1 or (passing and tried[passing[1]].residual >= 2 * tried[passing[0]].residual)
        if not clear or passing[0].activation != "sin":
            self.unclear[key] += 1
            return None, tried
        self.settled.setdefault(key, []).insert(0, passing[0])
        return passing[0], tried


def _params(chain: Sequence[Layer]) -> dict[str, Tensor]:
    """Parameters of linear layers under a field's names, in float32; a layer without bias gets one of zeros."""
    params, bare = {}, without_bias(chain)
    for k, layer in enumerate(chain):
        weight = layer.tensors["weight"].float()
        bias = layer.tensors.get("bias")
        if bias is None and not bare:
            raise ImportRefused(f"linear layer {k + 1} ({layer.name}) has no bias, and others have one")
        if bias is not None and tuple(bias.shape) != (weight.shape[0],):
            raise ImportRefused(f"{layer.name}.bias has shape {tuple(bias.shape)} instead of ({weight.shape[0]},)")
        params |= {
            f"layers.{k}.weight": weight,
            f"layers.{k}.bias": torch.zeros(weight.shape[0]) if bias is None else bias.float(),
        }
    for name, t in params.items():
        bad = int((~t.isfinite()).sum())
        if bad:
            whole = sum(p.numel() for p in params.values())
            every = sum(int((~p.isfinite()).sum()) for p in params.values())
            raise ImportRefused(f"{every:,} of its {whole:,} weights are not finite numbers, the first in {name}")
    return params


def finish(
    spec: FieldSpec, params: Params, measured: Behaviour | None, said: Declaration, may_assume: bool, result: Converted
) -> Converted:
    """A field with sines of 30 in the product's form: negative inside, surface at 0, in [-1, 1]^3.

    Args:
        measured: how it behaves, if that is known.
        may_assume: it is a signed distance, negative inside, if its values do not tell.

    Raises:
        ImportRefused: it is not known which side is inside, or its box cannot be converted.
    """
    size, fresh = said.box or 1.0, measured is FRESH
    measured = measured or behaviour(spec, params, size=size)
    if not fresh:
        result.measured = {"slope": round(measured.slope, 4), "distance_left": round(measured.residual, 4)}
    sign = _sign(measured, said, may_assume, result)
    what = said.field
    if what:
        result.declared.append({SDF: "signed distances", OCCUPANCY: "an occupancy"}[what])
    elif fresh or measured.is_distance(FEW_RESIDUAL) or 1 / 3 < measured.slope < 3 or (may_assume and sign > 0):
        what = SDF
        if fresh:
            result.assumed.append("signed distances: it is untrained")
        elif not measured.is_distance(FEW_RESIDUAL):
            result.assumed.append("signed distances, though slope and steps by them do not bear it out")
    else:
        what = OCCUPANCY
        result.detected.append("an occupancy: its values are no distances")
    level = said.level or 0.0
    params = dict(params)
    last = f"layers.{len(spec.layers) - 1}"
    scale = sign / size if what == SDF else sign
    values = field_arch(spec).apply_params(params, _points(FEW_POINTS, size))
    if not values.isfinite().all():
        raise ImportRefused("its values in the cube are not finite numbers: its weights are too large")
    if float(values.max() - values.min()) <= 1e-6 * float(values.abs().max()):
        result.noted.append(f"its value is {float(values.mean()):.3g} everywhere in the cube: it holds no shape")
    result.from_owner = Owner(size, scale, level)
    if level:
        result.converted.append(f"surface at {level:g} to 0")
    if sign < 0:
        result.converted.append("positive inside to negative")
    if size != 1:
        if spec.encoding:
            raise ImportRefused(f"it encodes points of [-{size:g}, {size:g}]^3: that box cannot be converted exactly")
        result.converted.append(f"[-{size:g}, {size:g}]^3 to [-1, 1]^3")
        params["layers.0.weight"] = params["layers.0.weight"] * size
    params[f"{last}.bias"] = (params[f"{last}.bias"] - level) * scale
    params[f"{last}.weight"] = params[f"{last}.weight"] * scale
    result.arch, result.params = field_arch(replace(spec, field=what)), params
    return result


def _sign(measured: Behaviour, said: Declaration, may_assume: bool, result: Converted) -> float:
    """1 if the values are negative inside, -1 if positive."""
    if said.inside:
        result.declared.append(f"{said.inside} inside")
        sign = 1.0 if said.inside == "negative" else -1.0
        if not said.level and measured.sign == -sign and measured is not FRESH:
            result.noted.append(
                f"declared is {said.inside} inside, though its values are {said.inside} along the border of the cube, "
                "as outside of a shape"
            )
        return sign
    if said.level:
        raise ImportRefused(
            "a level is declared, but not which side of it is inside: say --inside negative or positive"
        )
    if measured.sign is not None and measured is not FRESH:
        result.detected.append(f"{'negative' if measured.sign > 0 else 'positive'} inside, by its sign at the border")
        return measured.sign
    if may_assume:
        result.assumed.append("negative inside")
        return 1.0
    raise ImportRefused(
        f"its values are negative on {measured.border:.0%} of the border of [-1, 1]^3, so that its sign does not "
        "tell inside from outside: say --inside negative or --inside positive (or --box, if it lives in a smaller "
        "cube)"
    )


def _under(spec: FieldSpec, params: dict[str, Tensor], units: Hypothesis) -> tuple[FieldSpec, dict[str, Tensor]]:
    """The network under a hypothesis about its units, its sines converted to those of 30."""
    if units.activation != "sin":
        return replace(spec, activation=units.activation), params
    factors = {0: units.first / OMEGA} | dict.fromkeys(range(1, len(spec.layers) - 1), units.others / OMEGA)
    scaled = {
        name: t * factors[k] if (k := int(name.split(".")[1])) in factors and factors[k] != 1 else t
        for name, t in params.items()
    }
    return spec, scaled


def _fresh(spec: FieldSpec, params: dict[str, Tensor]) -> bool:
    """Whether the weights lie in the very bounds of a fresh SIREN of 30, and fill them."""
    if spec.encoding or spec.activation != "sin":
        return False
    for k, (fan_in, _) in enumerate(spec.layers):
        bound = 1 / fan_in if k == 0 else math.sqrt(6 / fan_in) / OMEGA
        most = float(params[f"layers.{k}.weight"].abs().max())
        filled = 1 - 8 / params[f"layers.{k}.weight"].numel()
        if not filled * bound <= most <= bound * (1 + 1e-3):
            return False
    return True


_OMEGA_NAMES = re.compile(r"((first|hidden)_)?(omega|w)_?\d?(_(first|hidden))?", re.I)


def _omegas(layers: Layers) -> list[str]:
    """Names of the numbers beside the layers that are factors of sines, in the order of layers."""
    names = [name for name in layers.scalars if _OMEGA_NAMES.fullmatch(name.rpartition(".")[2])]
    parts = {name: [(not p.isdigit(), int(p) if p.isdigit() else 0, p) for p in name.split(".")] for name in names}
    return sorted(names, key=parts.get)  # first_omega before hidden_omega too


def _written_omegas(layers: Layers, said: Declaration) -> tuple[float, float] | None:
    """Factors (first layer, others) that a file keeps as single numbers beside its layers.

    Raises:
        ImportRefused: it has such numbers, but they do not say the factor of every layer, and none is declared.
    """
    names, hidden = _omegas(layers), len(layers.of(LINEAR)) - 1
    if not names:
        return None
    found = [layers.scalars[name] for name in names]
    module = names[0].rpartition(".")[0]
    owners = [x for x in layers.of(LINEAR) if f"{x.name}.".startswith(f"{module}.") or module.startswith(f"{x.name}.")]
    pair = len(found) == 2 and "first" in names[0].rpartition(".")[2]
    if len(found) == 1 and (not module or hidden == 1 or len(owners) != 1):
        first, others = found[0], {found[0]}
    elif pair or len(found) in (hidden, hidden + 1):
        first, others = found[0], set(found[1 : None if pair else hidden]) or {found[0]}
    else:
        first, others = found[0], set()
    if len(others) == 1 and all(0 < v < math.inf for v in found):
        return first, others.pop()
    if said.omega and set(found) <= {said.omega_first or said.omega, said.omega}:
        return None
    listed = ", ".join(f"{name} = {layers.scalars[name]:g}" for name in names[:4])
    raise ImportRefused(
        f"beside its layers it holds {listed}, which does not say one factor for the first sines and one for all "
        "others" + ("" if said.omega else ": say --omega and --omega-first, if it is so, or save the ONNX model")
    )


def _asked(tried: dict[Hypothesis, Behaviour], hint: str) -> str:
    """What to say if nothing tells what the units of a field are."""
    passing = [h for h, b in tried.items() if b.is_distance()]
    if passing:
        options = " or ".join(h.option for h in passing)
        return (
            f"the file does not say what its units are; its values are signed distances under "
            f"{' as under '.join(map(str, passing))}: say {options}"
        )
    sines = ", ".join(str(h).removeprefix("sines of ") for h in tried if h.activation == "sin")
    return (
        "the file does not say what its units are, and its values are no signed distances under any usual ones ("
        f"sines of {sines}; {', '.join(UNITS)}){hint}. Say --omega 30 (with --omega-first, if the first layer has "
        "another) or --activation relu; --inside positive, if it holds an occupancy; or --as paper, if it was made as "
        "the paper's"
    )


def _spread(spec: FieldSpec, params: dict[str, Tensor]) -> str:
    """What the spread of hidden weights suggests, in words; it is no proof: ReLU networks can be spread alike."""
    (inputs, units), std = spec.layers[1], float(params["layers.1.weight"].std())
    if spec.encoding or not std > 0 or units < 2:
        return ""
    return f"; its hidden weights are spread as those of fresh sines of {math.sqrt(2 / inputs) / std:.2g}"
