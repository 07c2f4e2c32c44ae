"""Networks as images: the values of a PRep in colour, original against decoded."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
import streamlit as st
import torch

from .catalogue import DEVICE, Loaded

FOLD = 720
"""values in a row of the pictures"""
LOW, MIDDLE, HIGH = np.array([[31, 95, 191], [246, 247, 248], [199, 62, 29]], np.float32)


@dataclass(frozen=True)
class Pictures:
    """A network beside what the space makes of it; pictures (h, FOLD, 3) uint8 on one scale."""

    original: np.ndarray
    decoded: np.ndarray
    difference: np.ndarray
    scale: float
    """the value at which colours saturate: 99 % of the original's values are smaller"""
    rms: float
    """root mean square of the original's values"""
    error: float
    """and of the differences"""
    layers: list[dict]
    """name, shape, number of values and first row in the pictures of every parameter"""


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs={Loaded: lambda loaded: loaded.key})
def pictures(loaded: Loaded, i: int) -> Pictures:
    """The pictures of a network of the zoo."""
    network = loaded.zoo[i].to(DEVICE)
    count = network.arch.num_params
    with torch.inference_mode():
        decoded = loaded.space.networks(loaded.space.encode(network.prep.unsqueeze(0)))[0].prep
    ours, theirs = (prep.flatten()[:count].cpu().numpy() for prep in (network.prep, decoded))
    scale = float(np.quantile(np.abs(ours), 0.99)) or 1.0
    layers, start = [], 0
    for name, shape in network.arch.shapes.items():
        size = shape.numel()
        layers.append({"parameter": name, "shape": " × ".join(map(str, shape)), "values": size, "row": start // FOLD})
        start += size
    images = (_coloured(values, scale) for values in (ours, theirs, theirs - ours))
    rms, error = (float(np.sqrt(np.mean(values**2))) for values in (ours, theirs - ours))
    return Pictures(*images, scale, rms, error, layers)


def _coloured(values: np.ndarray, scale: float) -> np.ndarray:
    """Values (P,) as rows of FOLD pixels: blue below zero, red above, nearly white at zero."""
    rows = np.zeros(ceil(len(values) / FOLD) * FOLD, np.float32)
    rows[: len(values)] = np.clip(values / scale, -1, 1)
    v = rows.reshape(-1, FOLD, 1)
    return (MIDDLE + np.abs(v) * np.where(v < 0, LOW - MIDDLE, HIGH - MIDDLE)).round().astype(np.uint8)
