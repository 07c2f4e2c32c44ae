"""ONNX files: the one format whose graph says what a network does. RebuiltGraph as one of the product's, and compared.

The graph gives weights, activations, factors and poolings; the rebuilt network must answer as the file does, or the
file is refused. Nothing but ONNX operators is run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..errors import ImportRefused
from ..io import read_bytes
from .converted import Converted
from .declare import Declaration
from .limits import MOST_BYTES

SAME = 1e-4
"""difference of outputs, over the largest, up to which a rebuilt network counts as the graph's"""
RANDOM_INPUTS = 64
"""random inputs on which both are compared"""

ACTIVATIONS = {
    "Relu": "relu", "LeakyRelu": "leaky_relu", "Elu": "elu", "Selu": "selu", "Softplus": "softplus", "Tanh": "tanh",
    "Sigmoid": "sigmoid", "Gelu": "gelu", "Erf": "gelu", "HardSwish": "hardswish", "Mish": "mish", "Swish": "silu",
    "Softsign": "softsign", "Sin": "sin",
}  # fmt: skip
"""operator -> activation"""


class RebuiltGraph(NamedTuple):
    """A graph's network as one of the product's."""

    read: Converted
    record: dict
    declaration: Declaration
    """what the graph says of its kind of networks"""
    graph: Declaration
    """that of it which no declaration can change"""
    difference: float
    """largest difference of outputs, over the largest output, on random inputs"""


@dataclass
class Graph:
    """A model's operators, constants and inputs."""

    nodes: list
    constants: dict[str, np.ndarray]
    shape: tuple[int | None, ...]
    """of the input; None where any number goes"""
    input: str
    output: str
    users: dict[str, list] = field(default_factory=dict)
    makers: dict[str, Any] = field(default_factory=dict)

    def attribute(self, node, name: str, default=None):
        import onnx

        return next((onnx.helper.get_attribute_value(a) for a in node.attribute if a.name == name), default)

    def scalar(self, name: str) -> float | None:
        """The value of a constant of one number."""
        value = self.constants.get(name)
        return float(value.reshape(-1)[0]) if value is not None and value.size == 1 else None


def load_graph(path: Path) -> Graph:
    """The graph in an ONNX file. ImportRefused, saying why, if it is none or has several inputs or outputs."""
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError as error:
        raise ImportRefused("an ONNX model, for which the package onnx has to be installed") from error
    if path.stat().st_size > MOST_BYTES:
        raise ImportRefused(f"{path.stat().st_size / 1e6:.0f} MB, {MOST_BYTES / 1e6:.0f} MB at most are read")
    try:
        model = onnx.load_model_from_string(read_bytes(path))
    except Exception as error:  # protobuf raises kinds of its own
        raise ImportRefused("not a readable ONNX model") from error
    held = model.graph
    if again := next((n.op_type for n in held.node if n.op_type in ("Loop", "Scan", "If")), None):
        raise ImportRefused(f"its graph has the operator {again}, which is not read: it may run for ever")
    if any(t.data_location == onnx.TensorProto.EXTERNAL for t in held.initializer):
        raise ImportRefused("an ONNX model whose weights lie in another file: save it with its weights inside")
    try:
        constants = {t.name: numpy_helper.to_array(t) for t in held.initializer}
        for node in held.node:
            if node.op_type == "Constant":
                value = next((a for a in node.attribute if a.name == "value"), None)
                if value is not None:
                    constants[node.output[0]] = numpy_helper.to_array(value.t)
                else:
                    number = onnx.helper.get_attribute_value(node.attribute[0])
                    constants[node.output[0]] = np.asarray(number)
    except Exception as error:
        raise ImportRefused(f"its constants cannot be read ({type(error).__name__})") from error
    inputs = [i for i in held.input if i.name not in constants]
    if len(inputs) != 1 or len(held.output) != 1:
        raise ImportRefused(
            f"an ONNX model of {len(inputs)} inputs and {len(held.output)} outputs, one of each is read"
        )
    dims = inputs[0].type.tensor_type.shape.dim
    shape = tuple(d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None for d in dims)
    nodes = [n for n in held.node if n.op_type != "Constant"]
    graph = Graph(nodes, constants, shape, inputs[0].name, held.output[0].name)
    for node in nodes:
        for name in node.input:
            graph.users.setdefault(name, []).append(node)
        graph.makers |= dict.fromkeys(node.output, node)
    return graph


def runner(path: Path) -> Callable[[Tensor], Tensor]:
    """An ONNX file as a function of its input; by onnxruntime, else by ONNX's own reference.

    Raises:
        ImportRefused: neither can run it.
    """
    try:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(read_bytes(path), options, providers=["CPUExecutionProvider"])
        name, shape = session.get_inputs()[0].name, session.get_inputs()[0].shape
        run = lambda x: session.run(None, {name: x})[0]  # noqa: E731
    except ImportError:
        try:
            from onnx.reference import ReferenceEvaluator
        except ImportError as error:
            raise ImportRefused("an ONNX model, for which the package onnx has to be installed") from error
        evaluator: Any = ReferenceEvaluator(read_bytes(path))
        name, shape = evaluator.input_names[0], [None]
        run = lambda x: evaluator.run(None, {name: x})[0]  # noqa: E731
    except Exception as error:  # onnxruntime raises kinds of its own
        raise ImportRefused(f"an ONNX model that cannot be run ({str(error).splitlines()[0][:120]})") from error
    rows = shape[0] if shape and isinstance(shape[0], int) and shape[0] > 0 else None

    def answer(x: Tensor) -> Tensor:
        try:
            parts = []
            for part in x.split(rows or len(x)):
                whole = (
                    part
                    if rows is None or len(part) == rows
                    else torch.cat([part, part[:1].expand(rows - len(part), *part.shape[1:])])
                )
                parts.append(torch.from_numpy(np.array(run(whole.float().numpy())))[: len(part)])
            return torch.cat(parts)
        except Exception as error:
            raise ImportRefused(f"an ONNX model that cannot be run ({str(error).splitlines()[0][:120]})") from error

    return answer


def relative_difference(a: Tensor, b: Tensor) -> float:
    """Largest difference of two outputs, over the largest of the first."""
    if a.shape != b.shape:
        b = b.reshape(a.shape) if a.numel() == b.numel() else b.new_full(a.shape, torch.nan)
    found = (a - b).abs().max() / a.abs().max().clamp(min=1e-12)
    return float(found)
