"""ONNX files: the one format whose graph says what a network does. Rebuilt as one of the product's, and compared.

The graph gives weights, activations, factors and poolings; the rebuilt network must answer as the file does, or the
file is refused. Nothing but ONNX operators is run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..errors import ImportRefused
from ..nets.archs import Arch, arch_named, field_arch
from ..nets.classifiers import Variant
from ..nets.fields import Encoding, FieldSpec
from .classifiers import asked_about, read_classifier, with_classes
from .coordinates import Converted, finish
from .declare import Declaration
from .limits import MOST_BYTES
from .recognise import read_layers

SAME = 1e-4
"""difference of outputs, over the largest, up to which a rebuilt network counts as the graph's"""
ASKED = 64
"""random inputs on which both are compared"""

ACTIVATIONS = {
    "Relu": "relu", "LeakyRelu": "leaky_relu", "Elu": "elu", "Selu": "selu", "Softplus": "softplus", "Tanh": "tanh",
    "Sigmoid": "sigmoid", "Gelu": "gelu", "Erf": "gelu", "HardSwish": "hardswish", "Mish": "mish", "Swish": "silu",
    "Softsign": "softsign", "Sin": "sin",
}  # fmt: skip
"""operator -> activation"""


class Rebuilt(NamedTuple):
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
        model = onnx.load(path, load_external_data=False)
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
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        name, shape = session.get_inputs()[0].name, session.get_inputs()[0].shape
        run = lambda x: session.run(None, {name: x})[0]  # noqa: E731
    except ImportError:
        try:
            from onnx.reference import ReferenceEvaluator
        except ImportError as error:
            raise ImportRefused("an ONNX model, for which the package onnx has to be installed") from error
        evaluator = ReferenceEvaluator(path.read_bytes())
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


def rebuild(path: Path, said: Declaration, archs, images) -> Rebuilt:
    """The network of an ONNX file.

    Raises:
        ImportRefused: it is of a kind that is not read, naming the operator or shape, or the rebuilt network differs.
    """
    graph = load_graph(path)
    original = runner(path)
    if len(graph.shape) == 4:
        return _classifier(graph, original, said, archs, images)
    if len(graph.shape) == 2:
        return _field(graph, original, said)
    raise ImportRefused(f"its input has {len(graph.shape)} axes: points (n, 3) or images (n, channels, S, S) are read")


# -- fields --------------------------------------------------------------------------------------------------------


def _field(graph: Graph, original, said: Declaration) -> Rebuilt:
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
    x = torch.rand(ASKED * 4, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    target = original(x)
    ends = _after_last_linear(graph)
    best = (float("inf"), None, None)
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
    return Rebuilt(read, {}, declaration, Declaration(**(declaration.said() | {"field": None})), difference)


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
    inverse = {torch.sigmoid: torch.logit, torch.tanh: torch.atanh}.get(end)
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


# -- classifiers ---------------------------------------------------------------------------------------------------


def _classifier(graph: Graph, original, said: Declaration, archs, images) -> Rebuilt:
    channels, size = graph.shape[1], graph.shape[2]
    if channels not in (1, 3) or not size or size != graph.shape[3]:
        raise ImportRefused(
            f"it reads images of shape {graph.shape[1:]}: 1 or 3 channels and a fixed square size are read"
        )
    state, entrance, eps = _convolutions(graph)
    activation = _activation_of(graph)
    if not state:
        raise ImportRefused("its graph has no convolutions")
    classes = [t for t in state.values() if t.dim() == 2][-1:] or [torch.empty(0)]
    count = classes[0].shape[0]
    images_of = _data_of(archs, size, count)
    bases = ["lenetlike", "vanillacnn", _depth(state)]
    x = torch.randn(ASKED, 3, size, size, generator=torch.Generator().manual_seed(0))
    # what the graph's owner puts in, of what the product's networks see: settled by the normalisation
    plain = Declaration(
        activation=activation, norm_eps=eps, made_as=said.made_as, mean=entrance[0] or said.mean,
        std=entrance[1] or said.std, pool="global" if "GlobalAveragePool" in _ops(graph) else None,
    )  # fmt: skip
    problems = []
    for base in filter(None, bases):
        for shortcut in (None, "pad-both", "pad-end"):
            try:
                arch = arch_named(f"{base}/{images_of}")
                tried = Declaration(**(plain.said() | ({"shortcut": shortcut} if shortcut else {})))
                read, record = read_classifier(read_layers(state), said.under(tried), [arch], images)
            except (ImportRefused, ValueError) as error:
                problems.append(str(error))
                continue
            return _proved(graph, original, read, record, tried, x, entrance)
    asked = next((words for words in problems if "does not say" in words), None)
    if asked:
        raise ImportRefused(asked)
    text = _sequence(graph)
    if said.mean is None and entrance[0] is None and said.made_as is None:
        raise ImportRefused(
            "its graph does not say what its images are normalised by: say --mean imagenet (or half, cifar10, ... or "
            "numbers, with --std)"
        )
    mean, std = (entrance[:2] if entrance[0] else (said.mean, said.std)) if (entrance[0] or said.mean) else ((), ())
    try:
        variant = Variant("leaky_relu", channels, tuple(mean or ()), tuple(std or ()))
        arch = arch_named(f"cnn[{text}]/{images_of}{variant}")
    except ValueError as error:
        raise ImportRefused(f"its graph is no sequence that is read: {error}") from error
    params = {}
    for (name, shape), t in zip(arch.shapes.items(), _in_order(state), strict=False):
        if tuple(t.shape) != tuple(shape):
            raise ImportRefused(
                f"its graph is no sequence that is read: {name} is {tuple(t.shape)} instead of {tuple(shape)}"
            )
        params[name] = t
    read = Converted(arch, params)
    read.detected.append("a sequence of layers, as its ONNX graph says")
    questions: list[tuple[str, str]] = []
    read.params = with_classes(arch, params, said, images, read, questions)
    if questions:
        raise ImportRefused(asked_about(arch, questions))
    record = {"parameters": arch.num_params, "batch_norm": False}
    return _proved(graph, original, read, record, plain, x, entrance)


def _ops(graph: Graph) -> set[str]:
    return {node.op_type for node in graph.nodes}


def _in_order(state: dict[str, Tensor]) -> list[Tensor]:
    return list(state.values())


def _data_of(archs, size: int, classes: int) -> str:
    """A data set of these archs with images of this size and classes, else its generic name."""
    names = dict.fromkeys(
        a.data for a in archs if a.convolutional and (a.skeleton.size, a.skeleton.classes) == (size, classes)
    )
    return next(iter(names)) if len(names) == 1 else f"{size}px-{classes}c"


def _depth(state: dict[str, Tensor]) -> str:
    three = sum(t.dim() == 4 and tuple(t.shape[2:]) == (3, 3) for t in state.values())
    depth = three + 1
    return f"resnet{depth}" if depth >= 8 and (depth - 2) % 6 == 0 else ""


def _activation_of(graph: Graph) -> str | None:
    """The one activation of a graph; None if it has none or several."""
    found = set()
    for node in graph.nodes:
        name = ACTIVATIONS.get(node.op_type)
        if name is None:
            continue
        if name in ("leaky_relu", "elu"):
            alpha = graph.attribute(node, "alpha", 0.01 if name == "leaky_relu" else 1.0)
            name = f"{name}{float(np.float32(alpha)):.6g}"
        found.add(name)
    return found.pop() if len(found) == 1 else None


def _convolutions(graph: Graph) -> tuple[dict[str, Tensor], tuple, float | None]:
    """Layers in their order as a state dict, the normalisation before the first one, and the epsilon of batch norms."""
    state: dict[str, Tensor] = {}
    count, eps = 0, None
    mean = std = None
    seen = False
    for node in graph.nodes:
        get = lambda i, n=node: graph.constants.get(n.input[i]) if len(n.input) > i else None  # noqa: E731
        if not seen and node.op_type in ("Sub", "Div") and get(1) is not None:
            value = tuple(float(v) for v in np.asarray(get(1)).reshape(-1))
            mean, std = (value, std) if node.op_type == "Sub" else (mean, value)
        if node.op_type == "Conv" and get(1) is not None:
            seen, count = True, count + 1
            state[f"conv{count}.weight"] = _tensor(get(1))
            if get(2) is not None:
                state[f"conv{count}.bias"] = _tensor(get(2))
        elif node.op_type == "BatchNormalization" and get(4) is not None:
            eps = float(graph.attribute(node, "epsilon", 1e-5))
            for leaf, i in (("weight", 1), ("bias", 2), ("running_mean", 3), ("running_var", 4)):
                state[f"bn{count}.{leaf}"] = _tensor(get(i))
        elif node.op_type == "Gemm" and get(1) is not None:
            weight = get(1) if graph.attribute(node, "transB", 0) else get(1).T
            state[f"fc{len(state)}.weight"] = _tensor(weight)
            if get(2) is not None:
                state[f"fc{len(state) - 1}.bias"] = _tensor(get(2))
    if not (mean and std):
        return state, (None, None, 1), eps
    scale = 255 if max(mean) > 1 else 1  # of pixels from 0 to 255
    return state, (tuple(v / scale for v in mean), tuple(v / scale for v in std), scale), eps


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(array, np.float32))


def _sequence(graph: Graph) -> str:
    """A graph without branches as layers, as `classifiers.parse_layers` reads them. ImportRefused if it is none."""
    words: list[str] = []
    for node in graph.nodes:
        if any(len(graph.users.get(out, [])) > 1 for out in node.output):
            raise ImportRefused(f"its graph branches after {node.op_type} and is no ResNet of CIFAR's kind")
        op = node.op_type
        get = lambda name, default, n=node: graph.attribute(n, name, default)  # noqa: E731
        if op in ("Conv", "MaxPool", "AveragePool"):
            words.append(_pooled(op, node, graph, get))
        elif op == "GlobalAveragePool":
            words.append("gap")
        elif op in ("Flatten", "Reshape"):
            words += [] if "flatten" in words else ["flatten"]
        elif op == "Gemm":
            weight = graph.constants[node.input[1]]
            words.append(f"fc{weight.shape[0 if get('transB', 0) else 1]}")
        elif op in ACTIVATIONS:
            name = ACTIVATIONS[op]
            if name in ("leaky_relu", "elu"):
                name += f"{float(np.float32(get('alpha', 0.01 if name == 'leaky_relu' else 1.0))):.6g}"
            words.append(name)
        elif op in ("Identity", "Dropout", "Cast") or (op in ("Sub", "Div") and not words):
            continue
        else:
            raise ImportRefused(f"its graph has the operator {op}, which is not read")
    return "-".join(words)


def _pooled(op: str, node, graph: Graph, get) -> str:
    kernel, strides = get("kernel_shape", None), get("strides", None)
    weight = graph.constants.get(node.input[1]) if op == "Conv" else None
    kernel = list(kernel or weight.shape[2:])
    strides, pads = list(strides or [1, 1]), list(get("pads", None) or [0, 0, 0, 0])
    dilations = list(get("dilations", None) or [1, 1])
    if len(set(kernel)) > 1 or len(set(strides)) > 1 or len(set(pads)) > 1 or len(set(dilations)) > 1:
        raise ImportRefused(
            f"its graph has a {op} of kernel {kernel}, strides {strides}, pads {pads}: only equal ones are read"
        )
    if get("ceil_mode", 0) or get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise ImportRefused(f"its graph has a {op} that rounds up or pads by itself, which is not read")
    if op == "Conv":
        bias = "" if len(node.input) > 2 and node.input[2] else "n"
        parts = [f"conv{weight.shape[0]}k{kernel[0]}"]
    else:
        bias, parts = "", [f"{'maxpool' if op == 'MaxPool' else 'avgpool'}{kernel[0]}"]
    parts += [f"s{strides[0]}"] if op != "Conv" or strides[0] != 1 else []
    parts += [f"p{pads[0]}"] if pads[0] else []
    parts += [f"d{dilations[0]}"] if dilations[0] != 1 else []
    parts += [f"g{get('group', 1)}"] if op == "Conv" and get("group", 1) != 1 else []
    return "".join(parts) + bias


def _proved(graph, original, read: Converted, record: dict, declaration, x: Tensor, entrance) -> Rebuilt:
    """The rebuilt classifier, if it answers as the graph on random images."""
    arch: Arch = read.arch
    ours = read.from_owner.outputs(arch.apply_params(read.params, x))
    theirs = original(_as_owner(arch, x, entrance))
    difference = relative_difference(theirs, ours)
    if not difference < SAME:
        raise ImportRefused(
            f"rebuilt as {arch.name} it differs from its graph by {difference:.1e} of the largest logit: not read"
        )
    read.detected.append("the same answers as its ONNX graph")
    says = Declaration(
        activation=declaration.activation, mean=entrance[0], std=entrance[1],
        norm_eps=declaration.norm_eps,
    )  # fmt: skip
    return Rebuilt(read, record, declaration, says, difference)


def _as_owner(arch: Arch, x: Tensor, entrance) -> Tensor:
    """Images as the product's networks see them -> as the graph reads them: pixels if it normalises them."""
    from ..nets.inputs import MEAN, STD

    if not entrance[0]:
        return arch.skeleton.enter(x)
    pixels = x * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]
    return entrance[2] * (pixels if arch.skeleton.variant.channels == 3 else _luma(pixels))


def _luma(pixels: Tensor) -> Tensor:
    from ..nets.classifiers import LUMA

    return torch.einsum("c,nchw->nhw", torch.tensor(LUMA), pixels).unsqueeze(1)
