"""ONNX files rebuilt as networks of the product, which must answer as the file does."""

from __future__ import annotations

from pathlib import Path

from ..errors import ImportRefused
from .declare import Declaration
from .graph import RebuiltGraph, load_graph, runner
from .graph_classifiers import rebuild_classifier
from .graph_fields import rebuild_field


def rebuild(path: Path, said: Declaration, archs, images) -> RebuiltGraph:
    """The network of an ONNX file.

    Raises:
        ImportRefused: it is of a kind that is not read, naming the operator or shape, or the rebuilt network differs.
    """
    graph = load_graph(path)
    original = runner(path)
    if len(graph.shape) == 4:
        return rebuild_classifier(graph, original, said, archs, images)
    if len(graph.shape) == 2:
        return rebuild_field(graph, original, said)
    raise ImportRefused(f"its input has {len(graph.shape)} axes: points (n, 3) or images (n, channels, S, S) are read")
