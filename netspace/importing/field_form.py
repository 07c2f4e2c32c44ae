"""Fields in the product's form: negative inside, surface at 0, in [-1, 1]^3."""

from __future__ import annotations

from dataclasses import replace

from ..errors import ImportRefused
from ..nets.archs import field_arch
from ..nets.fields import OCCUPANCY, SDF, FieldSpec
from ..nets.prep import Params
from .behaviour import FEW_POINTS, FEW_RESIDUAL, FRESH, Behaviour, behaviour, spread_points
from .converted import Converted, Owner
from .declare import Declaration


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
    values = field_arch(spec).apply_params(params, spread_points(FEW_POINTS, size))
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
