"""A network as a file: safetensors with JSON, a state dict, ONNX, or the picture it holds."""

from __future__ import annotations

import io
import json

import torch

from ..errors import required_for
from ..nets.network import onnx_of
from ..tasks import task_of
from .archives import undated_zip
from .table import NetworkSubject


def _params(subject: NetworkSubject) -> dict[str, torch.Tensor]:
    return {name: p.detach().cpu().clone().contiguous() for name, p in subject.network.params.items()}


def write_zip(subject: NetworkSubject) -> bytes:
    """network.safetensors and, with where the network comes from, network.json."""
    from safetensors.torch import save

    card = subject.card
    weights = save(_params(subject), metadata={"netspace": json.dumps(card)})
    about = json.dumps(card, indent=2) + "\n"
    return undated_zip({"network.safetensors": weights, "network.json": about.encode()}, level=0)


def write_state_dict(subject: NetworkSubject) -> bytes:
    """For `torch.load(file, weights_only=True)`."""
    buffer = io.BytesIO()
    torch.save(_params(subject), buffer)
    return buffer.getvalue()


def write_onnx(subject: NetworkSubject) -> bytes:
    """An image classifier as ONNX, see `onnx_of`; MissingPackage if onnx or onnxscript is not installed."""
    with required_for("an ONNX file"):
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    return onnx_of(subject.network)


def write_picture(subject: NetworkSubject) -> bytes:
    """The picture of an image field as PNG."""
    with required_for("a picture"):
        from PIL import Image
    shown = subject.shown if subject.shown is not None else task_of(subject.network).show(subject.network)
    buffer = io.BytesIO()
    Image.fromarray(shown.squeeze()).save(buffer, "png")
    return buffer.getvalue()
