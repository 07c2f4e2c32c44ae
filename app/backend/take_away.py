"""What can be kept: network files, and the commands that do the same."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import torch

from netspace.jobs import Command
from netspace.latent.paths import METHODS
from netspace.nets.network import Network, onnx_of
from netspace.tasks import task_of

from .catalogue import ROOT, Loaded
from .path import STEPS, NetworkPath, several


def method_title(side: str) -> str:
    return METHODS[side].title


def arch_name(work: NetworkPath, side: str, i: int) -> str:
    """The architecture of a network of a path."""
    return work.loaded.space.family.names[work.arch_at(side, i)]


def file_name(work: NetworkPath, side: str, i: int, a: str, b: str) -> str:
    """What a network's file is called, without what says its kind; in a family it names the architecture."""
    arch = f"_{arch_name(work, side, i).split('/')[0]}" if several(work.loaded) else ""
    return f"{a}_{b}_{side}_{work.gammas[i]:.3f}{arch}"


def about_network(work: NetworkPath, side: str, i: int, a: str, b: str) -> dict:
    """Where a network of a path comes from; travels with its file."""
    method = METHODS[side]
    return {
        "architecture": arch_name(work, side, i),
        "method": side,
        "gamma": work.gammas[i],
        "a": a,
        "b": b,
        "is": method.ends if i in (0, STEPS - 1) else method.between,
        "space": work.loaded.space_info.id,
        "zoo": work.loaded.zoo_info.id,
        "evaluate": task_of(work.ends[0]).formula,
    }


def step_file(work: NetworkPath, side: str, i: int, about: dict, kind: str) -> bytes:
    """A network as `zip` (network.safetensors and network.json), as `pt` for torch.load(weights_only=True), or `onnx`.

    Only image classifiers as `onnx`, which takes a few seconds.
    """
    return network_bytes(work.network(side, i), about, kind)


def network_bytes(network: Network, about: dict, kind: str) -> bytes:
    """As `step_file`, of any network."""
    from safetensors.torch import save

    if kind == "onnx":
        return onnx_of(network)
    params = {name: p.detach().cpu().clone().contiguous() for name, p in network.params.items()}
    buffer = io.BytesIO()
    if kind == "pt":
        torch.save(params, buffer)
    else:
        with zipfile.ZipFile(buffer, "w") as bundle:
            bundle.writestr("network.safetensors", save(params, metadata={"netspace": json.dumps(about)}))
            bundle.writestr("network.json", json.dumps(about, indent=2) + "\n")
    return buffer.getvalue()


def path_command(loaded: Loaded, a: str, b: str, method: str, steps: int = STEPS) -> str:
    """The command line that writes the same path."""
    options = {"a": a, "b": b, "method": method, "steps": steps}
    return Command("interpolate", _both(loaded) | options, out="path").line


def eval_command(loaded: Loaded, **options: str) -> str:
    """The command line that measures what `reconstruction` reads."""
    return Command("eval", _both(loaded) | options | {"save": True}).line


def _both(loaded: Loaded) -> dict[str, Path]:
    """The options that name the space and the zoo, relative to the product's folder if they lie in it."""
    folders = {"space": loaded.space_info.folder, "zoo": loaded.zoo_info.folder}
    return {name: f.relative_to(ROOT) if f.is_relative_to(ROOT) else f for name, f in folders.items()}
