"""The paper's settings and this product's, as values of the config dataclasses."""

from __future__ import annotations

from .make_zoo import FitConfig
from .train import TrainConfig

PAPER_SDF_ZOO = FitConfig(
    steps=10_000,
    batch=20_000,
    lr=1e-4,
    decay="steps",
    samples=500_000,
    half_inside=True,
    hidden_dtype="float32",
    store_dtype="float32",
    heldout_every=1_000_000,
)
"""Supplement V: 10,000 Adam steps of 20,000 points, lr 1e-4 times 0.9 every 1,000 steps."""

PAPER_SDF_SPACE = TrainConfig(
    preset="paper",
    encoder="prep",
    embedding=4096,
    steps=1_000_000,
    nets=4,
    points=50_000,
    queries=100_000,
    lr=1e-4,
    beta2=0.999,
    schedule="constant",
    average=0.0,
    select="train",
    stop_at=0.8,
    every=250,
    hidden_dtype="float32",
)
"""Supplement V: Adam 1e-4 for 4,000 epochs of 1,000 networks, 4 a step (authors' code), stopped at agreement 0.8."""

CHAIRS_ZOO = FitConfig()
CHAIRS_PREP = TrainConfig(encoder="prep", select="train", embedding=256, hidden=384, steps=50_000)
"""Reads weights. It recognises the networks it was trained on, and is selected on them."""
CHAIRS_PROBE = TrainConfig(
    encoder="probe", select="heldout", embedding=256, steps=32_000, noise=0.1, copies=8, stretch=0.25
)
"""Reads answers. It understands networks it has not seen, and is selected on those."""

RECIPES = {
    "paper-sdf-zoo": PAPER_SDF_ZOO,
    "paper-sdf-space": PAPER_SDF_SPACE,
    "chairs-zoo": CHAIRS_ZOO,
    "chairs-prep": CHAIRS_PREP,
    "chairs-probe": CHAIRS_PROBE,
}
