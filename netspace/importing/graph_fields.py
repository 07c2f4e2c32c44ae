"""Coordinate networks in ONNX graphs: their linear layers, and the reading of operators that answers as the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import ImportRefused
from ..nets.archs import field_arch
from ..nets.fields import Encoding, FieldSpec
from .converted import Converted
from .declare import Declaration
from .field_form import finish
from .graph import ACTIVATIONS, RANDOM_INPUTS, SAME, Graph, RebuiltGraph, relative_difference


def rebuild_field(graph: Graph, original, said: Declaration) -> RebuiltGraph:
    """A coordinate network: its linear layers, and every reading of its operators until one answers as the graph."""
    state, sines = _linear_layers(graph)
    if len(state) < 4:
        raise ImportRefused("its graph has no two linear layers")
    shapes = [tuple(t.shape) for name, t in state.items() if name.endswith("weight")]
    coordinates = graph.shape[1] or shapes[0][1]
    widths = (coordinates, *(o for o, _ in shapes))
    if coordinates != 3 or widths[-1] != 1:
        raise ImportRefused(
            f"a network {'-'.join(map(str, widths))} is no field of a shape: points (n, 3) to one number are"
        )
    ops = {node.op_type for node in graph.nodes}
    x = torch.rand(RANDOM_INPUTS * 4, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    target = original(x)
    ends = _after_last_linear(graph)
    best: tuple[float, Any, Any] = (float("inf"), None, None)
    for encoding in _encodings(shapes[0][1]):
        for spec, factors in _readings(widths, encoding, ops, graph, sines):
            params = {name: t.float() * factors.get(int(name.split(".")[1]), 1.0) for name, t in state.items()}
            try:
                answered = field_arch(spec).apply_params(params, x)
            except (RuntimeError, ValueError):
                continue
            answered = ends(answered)
            difference = relative_difference(target, answered)
            if difference < best[0]:
                best = (difference, spec, params)
    difference, spec, params = best
    if spec is None or not difference < SAME:
        raise ImportRefused(
            f"its graph ({', '.join(sorted(ops))}) is of no kind of field that is read"
            + ("" if spec is None else f": the nearest differs by {difference:.1e} of its largest value")
        )
    # sines of a factor for every layer are read here, and cannot be declared of other files
    told = spec.activation == "sin" and len(set(sines[1:])) <= 1
    declaration = Declaration(
        activation=spec.activation, omega=sines[-1] if told else None, omega_first=sines[0] if told else None,
        encoding=str(spec.encoding) if spec.encoding else None,
        field="occupancy" if _ends_in(graph, "Sigmoid") else None,
    )  # fmt: skip
    if _ends_in(graph, "Neg"):
        last = f"layers.{len(spec.layers) - 1}"
        params |= {f"{last}.{leaf}": -params[f"{last}.{leaf}"] for leaf in ("weight", "bias")}
    read = Converted(field_arch(spec), params)
    read.detected.append(f"{spec.name}, as its ONNX graph says")
    for op, words in (("Sigmoid", "sigmoid"), ("Tanh", "tanh")):
        if _ends_in(graph, op):
            read.converted.append(f"the {words} at its end left out, which moves no surface")
    said = said.under(declaration)
    if said.level is not None and ends is not torch.neg:
        said = replace(said, level=_before_end(ends, said.level))
    read = finish(spec, params, None, said, False, read)
    if _ends_in(graph, "Neg") or read.converted:
        read.from_owner = read.from_owner._replace(end=ends)
    return RebuiltGraph(read, {}, declaration, Declaration(**(declaration.said() | {"field": None})), difference)


def _readings(widths, encoding, ops, graph, sines) -> Iterator[tuple[FieldSpec, dict[int, float]]]:
    """Specs that the operators allow, and factors that make the sines those of 30."""
    if "Sin" in ops and sines:
        factors = {k: omega / 30.0 for k, omega in enumerate(sines)}
        yield FieldSpec(widths, "sin", 30.0, encoding), factors
    for node in graph.nodes:
        name = ACTIVATIONS.get(node.op_type)
        if name in (None, "sin"):
            continue
        number = graph.attribute(node, "alpha")
        if node.op_type == "Gelu" and graph.attribute(node, "approximate", b"none") == b"tanh":
            name = "gelu_tanh"
        if name in ("leaky_relu", "elu"):
            number = {"leaky_relu": 0.01, "elu": 1.0}[name] if number is None else number
            name = f"{name}{float(np.float32(number)):.6g}"
        from ..nets.activations import activation_name

        yield FieldSpec(widths, activation_name(name), 30.0, encoding), {}
    if {"Sigmoid", "Mul"} <= ops:
        yield FieldSpec(widths, "silu", 30.0, encoding), {}
    if {"Tanh", "Pow"} <= ops:
        yield FieldSpec(widths, "gelu_tanh", 30.0, encoding), {}
    if "Softplus" in ops:
        for scale in {v for n in graph.constants if (v := graph.scalar(n)) and v > 1}:
            yield FieldSpec(widths, f"softplus{scale:g}", 30.0, encoding), {}


def _encodings(features: int) -> list[Encoding | None]:
    if features == 3:
        return [None]
    found = []
    for bare in (False, True):
        count = features // 3 - (not bare)
        if features % 3 == 0 and count % 2 == 0 and 1 <= count // 2 <= 32:
            found += [Encoding(count // 2, pi, bare, blocks) for pi in (False, True) for blocks in (False, True)]
    return found


def _linear_layers(graph: Graph) -> tuple[dict[str, Tensor], list[float]]:
    """Linear layers in their order as a state dict, and the factor of every sine after one."""
    state: dict[str, Tensor] = {}
    count, sines = 0, []
    for node in graph.nodes:
        weight, bias, out = None, None, node.output[0]
        if node.op_type == "Gemm" and node.input[1] in graph.constants:
            weight = graph.constants[node.input[1]] * float(graph.attribute(node, "alpha", 1.0))
            weight = weight if graph.attribute(node, "transB", 0) else weight.T
            if len(node.input) > 2 and node.input[2]:
                bias = graph.constants.get(node.input[2])
                bias = None if bias is None else bias * float(graph.attribute(node, "beta", 1.0))
        elif node.op_type == "MatMul" and node.input[1] in graph.constants:
            weight = graph.constants[node.input[1]].T
            adds = [n for n in graph.users.get(out, []) if n.op_type == "Add"]
            if len(adds) == 1:
                bias = next((graph.constants[i] for i in adds[0].input if i in graph.constants), None)
                out = adds[0].output[0] if bias is not None else out
        if weight is None or weight.ndim != 2:
            continue
        name = f"layers.{count}"
        state[f"{name}.weight"] = torch.from_numpy(np.array(weight, np.float32))
        zeros = np.zeros(weight.shape[0])
        state[f"{name}.bias"] = torch.from_numpy(np.array(zeros if bias is None else bias, np.float32).reshape(-1))
        omega = _sine_after(graph, out)
        if omega is not None:
            sines.append(omega)
        count += 1
    return state, sines


def _sine_after(graph: Graph, name: str, factor: float = 1.0) -> float | None:
    """The factor between a value and the sine that is taken of it; None if none is."""
    for node in graph.users.get(name, []):
        if node.op_type == "Sin":
            return factor
        if node.op_type in ("Mul", "Div"):
            other = next((graph.scalar(i) for i in node.input if graph.scalar(i) is not None), None)
            if other:
                found = _sine_after(graph, node.output[0], factor * (other if node.op_type == "Mul" else 1 / other))
                if found is not None:
                    return found
    return None


def _after_last_linear(graph: Graph) -> Callable[[Tensor], Tensor]:
    """What comes after the last linear layer, where it changes nothing about the surface."""
    if _ends_in(graph, "Sigmoid"):
        return torch.sigmoid
    if _ends_in(graph, "Tanh"):
        return torch.tanh
    if _ends_in(graph, "Neg"):
        return torch.neg
    return lambda y: y


def _before_end(end: Callable[[Tensor], Tensor], level: float) -> float:
    """The value whose sigmoid or tanh is the level at which the owner sees the surface."""
    inverses: dict[Any, Callable[[Tensor], Tensor]] = {torch.sigmoid: torch.logit, torch.tanh: torch.atanh}
    inverse = inverses.get(end)
    if inverse is None:
        return level
    found = float(inverse(torch.tensor(level, dtype=torch.float64)))
    if not np.isfinite(found):
        raise ImportRefused(f"a level of {level:g} is declared, which its outputs never reach")
    return found


def _ends_in(graph: Graph, op: str) -> bool:
    """Whether an operator is applied after the last linear layer."""
    after = graph.makers.get(graph.output)
    while after is not None and after.op_type in ("Reshape", "Squeeze", "Identity", "Cast", "Flatten"):
        after = graph.makers.get(after.input[0])
    return after is not None and after.op_type == op
