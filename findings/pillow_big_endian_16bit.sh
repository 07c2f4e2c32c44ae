#!/usr/bin/env bash
# Pillow resizes and rotates big-endian 16-bit images into noise.
#
# Versions: Pillow 13.0.0, numpy 2.4.6.
# Expected: a big-endian 16-bit TIFF opens in mode I;16B and behaves like the same image
#   in mode I;16; operations that do not support the mode raise, as several do.
# Happens: resize with BILINEAR, BICUBIC, HAMMING or LANCZOS and rotate with BILINEAR or
#   BICUBIC return pixels that are off by up to the whole range. NEAREST, BOX, crop and
#   convert are correct. Saving as JPEG 2000 swaps the two bytes of every pixel; PNG and
#   TIFF are correct.
# Remedy: Image.fromarray(np.array(image).astype(np.uint16)) after opening.
# Seen on 2026-11-28: a ramp halved with BILINEAR starts 28939 808 840 instead of
#   742 771 803, 30 % of its pixels are wrong; doubled with LANCZOS nearly all; a pixel
#   of 16 comes back from JPEG 2000 as 4096.
# Source: Pillow handbook, Concepts, Modes ("limited support for a few additional
#   modes", I;16B among them); src/libImaging/Resample.c, Geometry.c, Jpeg2KEncode.c.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 WORK="$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check Pillow==13.0.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import io
import sys

import numpy as np
from PIL import Image


def state(holds, what):
    """Say what was seen, or stop because it is no longer so."""
    if not holds:
        sys.exit("changed: " + what)
    print("as stated:", what)


ramp = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16
stored = io.BytesIO()
Image.fromarray(ramp.astype(">u2")).save(stored, "TIFF")
big = Image.open(stored)
native = Image.fromarray(ramp)
state((big.mode, native.mode) == ("I;16B", "I;16") and np.array_equal(np.array(big), ramp),
      f"the TIFF opens as {big.mode} with the right pixels")


def wrong(do):
    one, two = (np.array(do(image)).astype(int) for image in (native, big))
    return (one != two).mean(), abs(one - two).max(), one, two


share, most, one, two = wrong(lambda i: i.resize((32, 32), Image.Resampling.BILINEAR))
state(share > 0.2 and most > 10000, f"halved, bilinear: {two[0, :4].tolist()} in place of {one[0, :4].tolist()}, {share:.0%} wrong")
for name, low in (("BILINEAR", 0.02), ("BICUBIC", 0.1), ("HAMMING", 0.9), ("LANCZOS", 0.9)):
    share, most, *_ = wrong(lambda i: i.resize((128, 128), Image.Resampling[name]))
    state(share > low and most > 32, f"doubled, {name}: {share:.0%} of the pixels wrong, by up to {most}")
for name in ("NEAREST", "BOX"):
    share, *_ = wrong(lambda i: i.resize((128, 128), Image.Resampling[name]))
    state(share == 0, f"doubled, {name}: right")
share, most, *_ = wrong(lambda i: i.rotate(10, Image.Resampling.BILINEAR))
state(share > 0.5 and most > 10000, f"rotated, bilinear: {share:.0%} wrong, by up to {most}")

for kind in ("PNG", "JPEG2000"):
    for image in (native, big):
        file = io.BytesIO()
        image.save(file, kind)
        back = np.array(Image.open(file)).astype(np.uint16)
        swapped = kind == "JPEG2000" and image is big
        state(np.array_equal(back, ramp.byteswap() if swapped else ramp),
              f"{image.mode} as {kind}: 0 16 32 comes back as {back[0, :3].tolist()}")
PY
