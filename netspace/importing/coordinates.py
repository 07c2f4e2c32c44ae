"""Coordinate networks from elsewhere: what their values mean is declared, detected by what they do, or asked for.

Equal shapes are not equal functions: sines of another factor, ReLU instead of sines, positive inside. A signed distance
betrays itself: stepping against its gradient by its value ends on its surface. The hypotheses under which that holds
are few, and of those that are usual at most one.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..errors import ImportRefused
from ..nets.archs import field_arch
from ..nets.fields import OCCUPANCY, Encoding, FieldSpec
from ..nets.prep import Params
from .behaviour import FEW_POINTS, FEW_RESIDUAL, FRESH, SPREAD_POINTS, Behaviour, behaviour
from .converted import Converted
from .declare import CONVENTIONS, Declaration
from .field_form import finish
from .recognise import LINEAR, NORM, Layer, Layers, chain_of, without_bias

OMEGA = 30.0
"""to which sines of other factors are converted, by scaling their layers"""
SINES = ((30.0, 30.0), (30.0, 1.0), (1.0, 1.0), (10.0, 10.0), (20.0, 20.0), (60.0, 60.0), (100.0, 100.0), (30.0, 10.0))
"""Factors (first layer, others) in use: the paper's and Sitzmann et al.'s, siren-pytorch's, folded into weights ..."""
UNITS = ("relu", "leaky_relu", "softplus100", "gelu", "tanh", "silu", "elu", "softplus")


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
        found = _params(chain)
        params: Params = found
        spec, grounds = self._spec(chain, said)
        result = Converted(field_arch(spec), found)
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
        params: Params,
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
        self, spec: FieldSpec, params: Params, said: Declaration
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
        points = (
            SPREAD_POINTS if self.unclear[key] < 2 else 2 * FEW_POINTS
        )  # of a folder full of the same, all are unclear
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
    params: dict[str, Tensor] = {}
    bare = without_bias(chain)
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


def _under(spec: FieldSpec, params: Params, units: Hypothesis) -> tuple[FieldSpec, Params]:
    """The network under a hypothesis about its units, its sines converted to those of 30."""
    if units.activation != "sin":
        return replace(spec, activation=units.activation), params
    factors = {0: units.first / OMEGA} | dict.fromkeys(range(1, len(spec.layers) - 1), units.others / OMEGA)
    scaled = {
        name: t * factors[k] if (k := int(name.split(".")[1])) in factors and factors[k] != 1 else t
        for name, t in params.items()
    }
    return spec, scaled


def _fresh(spec: FieldSpec, params: Params) -> bool:
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


def _spread(spec: FieldSpec, params: Params) -> str:
    """What the spread of hidden weights suggests, in words; it is no proof: ReLU networks can be spread alike."""
    (inputs, units), std = spec.layers[1], float(params["layers.1.weight"].std())
    if spec.encoding or not std > 0 or units < 2:
        return ""
    return f"; its hidden weights are spread as those of fresh sines of {math.sqrt(2 / inputs) / std:.2g}"
