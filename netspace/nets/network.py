"""A network is a pair (architecture, PRep): zoo entries, decoded networks and interpolated ones alike."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UsageError
from .archs import Arch
from .prep import pack, unpack


@dataclass(frozen=True)
class Network:
    """One network: call it on inputs; differentiable in `prep`."""

    arch: Arch
    prep: Tensor
    """(1, H, W)"""

    def __call__(self, x: Tensor) -> Tensor:
        """Inputs (n, ...) -> outputs (n, ...)."""
        return self.arch.apply_params(self.params, x)

    def to(self, device: torch.device | str) -> Network:
        """The same network on a device."""
        return Network(self.arch, self.prep.to(device))

    def check_finite(self, name: str) -> None:
        """Raise ValueError, calling the network by this name, if its weights are not finite."""
        if not self.prep.isfinite().all():
            raise UsageError(f"the weights of {name} are not finite")

    @property
    def params(self) -> dict[str, Tensor]:
        """Parameter name -> tensor; views of the PRep."""
        return unpack(self.prep, self.arch.shapes)

    def compiled(self, hidden_dtype: torch.dtype | None = None) -> Callable[[Tensor], Tensor]:
        """The network as a fast function for inference; an SDF maps (n, 3) -> (n,)."""
        return self.arch.compile_params(self.params, hidden_dtype)

    def module(self) -> nn.Module:
        """A plain torch module with these weights."""
        module = self.arch.build()
        module.load_state_dict({name: p.detach().clone() for name, p in self.params.items()})
        return module

    @classmethod
    def of(cls, arch: Arch, params: dict[str, Tensor], size: tuple[int, int]) -> Network:
        """Pack a state dict of this architecture; ValueError, naming the differences, if it is of another."""
        arch.check({name: p.shape for name, p in params.items()})
        return cls(arch, pack({name: params[name] for name in arch.shapes}, size))


def run_many(arch: Arch, preps: Tensor, x: Tensor, hidden_dtype: torch.dtype | None = None) -> Tensor:
    """Outputs of many networks: PReps (*b, 1, H, W), inputs (n, ...) shared or (*b, n, ...) -> (*b, n, ...)."""
    return arch.apply_params(unpack(preps, arch.shapes), x, hidden_dtype)


def onnx_of(network: Network) -> bytes:
    """An image classifier as an ONNX file: "images" (n, 3, S, S) float32, normalised -> "logits" (n, C), any n."""
    import contextlib
    import io

    size = network.arch.skeleton.size
    buffer = io.BytesIO()
    with contextlib.redirect_stdout(io.StringIO()):  # the exporter tells its steps
        program: Any = torch.onnx.export(
            network.module().eval().cpu(), (torch.zeros(2, 3, size, size),), dynamo=True, verbose=False,
            input_names=["images"], output_names=["logits"], dynamic_shapes=({0: torch.export.Dim("n")},),
        )  # fmt: skip
        program.save(buffer)
    return buffer.getvalue()


@functools.cache
def fast_dtype(device: torch.device) -> torch.dtype | None:
    """bfloat16 where this device multiplies it faster than float32, measured once in a few milliseconds; else None."""

    def seconds(dtype: torch.dtype) -> float:
        x, w = torch.ones(2048, 256, device=device, dtype=dtype), torch.ones(256, 256, device=device, dtype=dtype)
        times = []
        for _ in range(4):
            start = time.perf_counter()
            (x @ w).sum().item()
            times.append(time.perf_counter() - start)
        return min(times)

    return torch.bfloat16 if seconds(torch.bfloat16) < 0.8 * seconds(torch.float32) else None
