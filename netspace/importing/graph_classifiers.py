"""Image classifiers in ONNX graphs: rebuilt as an architecture or a sequence of layers, and proved on random images."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..errors import ImportRefused
from ..nets.archs import OF_ONE_DEPTH, Arch, arch_named
from ..nets.classifiers import Variant
from .class_order import with_classes
from .classifiers import asked_about, read_classifier
from .converted import Converted
from .declare import Declaration
from .graph import ACTIVATIONS, RANDOM_INPUTS, SAME, Graph, RebuiltGraph, relative_difference
from .recognise import read_layers


def rebuild_classifier(graph: Graph, original, said: Declaration, archs, images) -> RebuiltGraph:
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
    bases = [*OF_ONE_DEPTH, _depth(state)]
    x = torch.randn(RANDOM_INPUTS, 3, size, size, generator=torch.Generator().manual_seed(0))
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


def _proved(graph, original, read: Converted, record: dict, declaration, x: Tensor, entrance) -> RebuiltGraph:
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
    return RebuiltGraph(read, record, declaration, says, difference)


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
