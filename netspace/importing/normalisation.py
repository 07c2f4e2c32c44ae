"""What a classifier's images were normalised by: declared, written in its buffers, or told by its first batch norm."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..data.images import Images
from ..errors import ImportRefused
from ..nets.classifiers import LUMA
from .declare import NORMALISATIONS, Declaration
from .recognise import Layers

MISFIT = 0.25
"""Most by which the first batch norm of a network may miss the statistics of images, in standard deviations, in a
normalisation that counts as its own: trained ones come to 0.02 to 0.1, under others to 0.5 and more."""


def written_normalisation(layers: Layers) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Mean and standard deviation of pixels in [0, 1] that a file keeps; None if it keeps none."""
    if not layers.buffers:
        return None
    if len(layers.buffers) == 1:
        (name,) = layers.buffers
        raise ImportRefused(f"it holds {name} beside its layers, and no {'std' if name == 'mean' else 'mean'}")
    mean, std = layers.buffers["mean"].double(), layers.buffers["std"].double()
    if float(mean.max()) > 1:  # of pixels from 0 to 255
        mean, std = mean / 255, std / 255
    return tuple(round(v, 7) for v in mean.tolist()), tuple(round(v, 7) for v in std.tolist())


def normalisation_words(mean: Sequence[float], std: Sequence[float]) -> str:
    for name, (m, s) in NORMALISATIONS.items():
        if (tuple(mean), tuple(std)) in ((m, s), (m * 3, s * 3)):
            return name
    return f"mean {', '.join(f'{v:g}' for v in mean)} and std {', '.join(f'{v:g}' for v in std)}"


def never_ran(state: dict[str, Tensor]) -> bool:
    means = [t for name, t in state.items() if name.endswith("running_mean")]
    variances = [t for name, t in state.items() if name.endswith("running_var")]
    return bool(means) and not any(t.any() for t in means) and all(bool((t == 1).all()) for t in variances)


def normalisation_misfits(known, state, test: Images | None, said: Declaration) -> dict[str, float]:
    """By normalisation, how far the first batch norm's statistics are from those of images, in standard deviations.

    Empty without images, without batch norm, and if it never ran.
    """
    if test is None or not known.trained or never_ran(state) or "bn1.running_mean" not in state:
        return {}
    pixels = test.pixels[:512].cpu().float() / 255  # (n, 3, S, S)
    weight, mean, var = state["conv1.weight"], state["bn1.running_mean"], state["bn1.running_var"]
    if weight.shape[1] == 1:
        pixels = torch.einsum("c,nchw->nhw", torch.tensor(LUMA), pixels).unsqueeze(1)
    options = dict(NORMALISATIONS)
    if said.mean:
        options[normalisation_words(said.mean, said.std)] = (said.mean, said.std)
    found = {}
    for name, (m, s) in options.items():
        if len(m) > weight.shape[1]:
            continue
        shape = (-1, 1, 1)
        x = (pixels - torch.tensor(m).view(shape)) / torch.tensor(s).view(shape)
        y = nn.functional.conv2d(x, weight, padding=weight.shape[-1] // 2)
        spread = var.clamp(min=1e-12).sqrt()
        off = (y.mean((0, 2, 3)) - mean) / spread
        wider = 0.5 * (y.var((0, 2, 3)).clamp(min=1e-12) / var.clamp(min=1e-12)).log()
        found[name] = torch.cat([off, wider]).square().mean().sqrt().item()
    return found


def clear_normalisation(misfits: dict[str, float]) -> str | None:
    """The normalisation that fits, if the next that is another one fits much less."""
    if not misfits:
        return None
    best = min(misfits, key=misfits.get)
    others = [misfits[name] for name in misfits if name != best]
    return best if misfits[best] < MISFIT and min(others) > 2 * misfits[best] else None
