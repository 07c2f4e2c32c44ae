"""List the image data sets and whether they are here, or load one and count its images.

Examples:
    netspace images
    netspace images cifar10 --download
    netspace images mine --folder data/mine
"""

from __future__ import annotations

import argparse
from pathlib import Path

NAME, HELP = "images", "list the image data sets, or load one and count its images"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    parser.add_argument("name", nargs="?", help="name of a data set, or of an image folder given by --folder")
    parser.add_argument("--folder", type=Path, help="where it is; else it is looked for in NETSPACE_DATA and data/")
    parser.add_argument("--download", action="store_true", help="fetch it first")


def run(args: argparse.Namespace) -> None:
    from ..data.images import available, data_folders, download_images, load_images
    from ..nets.inputs import IMAGE_SETS

    if not args.name:
        for name, spec in IMAGE_SETS.items():
            here = "here" if available(name) else "not here"
            print(f"{name:14} {spec.size} x {spec.size} pixels, {spec.classes:3} classes: {here}")
        return
    if args.download:
        download_images(args.name, args.folder or data_folders()[-1])
    for split in ("train", "validation", "test"):
        found = load_images(args.name, split, args.folder)
        print(f"{split:10} {len(found):6} images, {found.size} x {found.size} pixels, {len(found.classes)} classes")
