#!/usr/bin/env bash
# scikit-image's PSNR rises by 6 dB as soon as one value of the first image is below zero.
#
# Versions: scikit-image 0.26.0, numpy 2.4.6.
# Expected: the PSNR of two float images depends on their differences and one fixed range;
#   exchanging the images changes nothing. structural_similarity refuses float images
#   without data_range.
# Happens: peak_signal_noise_ratio takes the range of float images as 1 if the first image
#   has no value below zero, and as 2 otherwise. One pixel of -1e-9, which interpolation or
#   a network easily gives, adds 20 log10(2) = 6.02 dB. Documentation: "estimated from the
#   image data-type".
# Remedy: always pass data_range.
# Seen on 2026-11-30: 39.96 dB, and 45.98 dB after setting one black pixel of the
#   first image to -1e-9; 39.96 dB and 45.98 dB for the same two images in either order.
# Source: skimage/metrics/simple_metrics.py, peak_signal_noise_ratio ("if true_min >= 0").
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 WORK="$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check scikit-image==0.26.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import sys

import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity


def state(holds, what):
    """Say what was seen, or stop because it is no longer so."""
    if not holds:
        sys.exit("changed: " + what)
    print("as stated:", what)


jump = 20 * np.log10(2)
rng = np.random.default_rng(0)
image = 0.8 * rng.random((64, 64))
image[:8] = 0                                         # a black border
guess = image + 0.01 * rng.normal(size=image.shape)   # has values below zero
touched = image.copy()
touched[0, 0] = -1e-9

before, after = peak_signal_noise_ratio(image, guess), peak_signal_noise_ratio(touched, guess)
state(abs(after - before - jump) < 0.01, f"{before:.2f} dB, with one pixel at -1e-9 {after:.2f} dB")
swapped = peak_signal_noise_ratio(guess, image)
state(abs(swapped - before - jump) < 0.01, f"{before:.2f} dB, with the images exchanged {swapped:.2f} dB")
fixed = [peak_signal_noise_ratio(*pair, data_range=1) for pair in ((image, guess), (touched, guess), (guess, image))]
state(np.ptp(fixed) < 0.01, f"with data_range=1: {', '.join(f'{value:.2f}' for value in fixed)} dB")
try:
    structural_similarity(image, guess)
    refused = False
except ValueError:
    refused = True
state(refused, "structural_similarity refuses the same images without data_range")
PY
