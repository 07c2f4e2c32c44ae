"""Image fields in the app: pictures that are dragged into each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from torch import Tensor

from app.backend.catalogue import Loaded
from app.backend.path import StepPacket
from app.backend.rasters import RasterPath, pack_picture
from netspace.data.pictures import DIGITS, load_picture, load_pictures
from netspace.nets.network import Network
from netspace.tasks.image_field import CLOSE, COMPARED_SIZE, values_of
from netspace.tasks.measures import agreement

from .task import AppTask, EndAnswers, Measure, Score, Scores, Target


class ImageFieldInApp(AppTask[RasterPath]):
    """Coordinate networks (2 -> 1 or 3) that hold a picture."""

    name = "image-field"
    networks = "image fields"
    commands = (
        "python -m netspace zoo fit-image --recipe digits-images-zoo --out runs/pictures/zoo\n"
        "python -m netspace train --recipe digits-images-space --zoo runs/pictures/zoo --out runs/pictures/space"
    )
    measures = (
        Measure(
            "psnr", "PSNR with", "Peak signal-to-noise ratio with {}, in dB; from 35 on they look alike.", 1, True, 50.0
        ),
        Measure("agreement", "agreement with", "Share of the pixels within 0.05 of {}, of a range of 2.", 2, True),
        Measure(
            "variation", "variation",
            "How much neighbouring pixels differ on average, white less black being 1; noise varies more.",
        ),
    )  # fmt: skip
    pad_value = "variation"
    scores = Scores(
        {
            "PSNR": Score("psnr_median", 1),
            "agreement": Score("agreement_median", 3),
            "PSNR with the picture": Score("truth_psnr_median", 1),
        },
        "Medians over networks, decoded against original. PSNR in dB, with the original network and with the picture "
        "it was fitted to; agreement: share of pixels whose values are within 0.05, of a range of 2.",
        "not measured",
    )
    columns = {"label": "label", "psnr": "PSNR", "brightness": "brightness"}  # noqa: RUF012  (never changed)
    map_colour = "label"
    targets = (
        Target("digit", "Place of a digit in the data set", DIGITS, usual=1000, most=1796),
        Target("image file", "PNG, JPEG or another image", example="picture.png"),
    )
    target_help = "The picture to become, of which only some pixels are known: a handwritten digit, or an image file."
    score_title, asked_inputs = "PSNR", "pixels"
    answers_words = "pixels, within 0.05"
    function_words = "root mean squared difference of pictures"
    error_words = "Root mean squared difference of decode and original"
    decodes_differ = "decodes by {:.3f} (at most {:.3f}) root mean squared"
    likeness_words = "PSNR of original and decode, dB:"

    def reference(self, end: Network, k: int, data: None) -> Tensor:
        return values_of(end, COMPARED_SIZE).flatten()

    def answers(self, network: Network, references: Sequence[Tensor], data: None) -> EndAnswers:
        mine = values_of(network, COMPARED_SIZE).flatten()
        return EndAnswers([agreement(mine, end, CLOSE).item() for end in references], None)

    def target_words(self, target: str) -> str:
        """The label of a digit."""
        labels = load_pictures(DIGITS).labels or ()
        return f"a {labels[int(target.removeprefix(f'{DIGITS}:'))]}"

    def sources(self, records: pd.DataFrame) -> pd.Series:
        return records["source"].astype(str) + ":" + records["index"].astype(str)

    def draw_target(self, loaded: Loaded, target: str) -> StepPacket:
        pixels = load_picture(target, loaded.space.family.archs[0].skeleton.spec.widths[-1])  # (C, S, S)
        return pack_picture("target", 0, pixels.permute(1, 2, 0).numpy(), {})

    def expected(self, measured: Mapping[str, Any]) -> str:
        return (
            f"what it makes of {measured['count']} held-out networks has a median PSNR of "
            f"{measured['psnr_median']:.1f} dB with them."
        )
