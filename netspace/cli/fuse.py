"""Fold the batch norms of a trained classifier into its convolutions, as a PRep needs it.

Example:
    netspace fuse --arch resnet8/cifar10 --state trained.pt --out runs/fused.safetensors
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

from ..errors import FormatError, UsageError
from ..io import open_regular, read_tensors, write_tensors
from ..nets.archs import arch_named
from .options import add_image_folder
from .outputs import Output

NAME, HELP = "fuse", "fold the batch norms of a trained classifier, as a PRep needs it"


def add_arguments(parser: argparse.ArgumentParser) -> None:

    parser.add_argument("--arch", required=True, help="its architecture, see `archs`")
    parser.add_argument("--state", type=Path, required=True, help="state dict: .safetensors, .pt or .pth")
    parser.add_argument(
        "--out", action=Output, suffixes=[".safetensors"], required=True, help="file to write, .safetensors"
    )
    add_image_folder(parser)


def run(args: argparse.Namespace) -> None:
    import torch

    from ..data.images import load_images
    from ..data.transforms import normalise
    from ..nets.fuse import fuse, trained_module
    from ..tasks.distillation import check_classes

    arch = arch_named(args.arch)
    if not arch.convolutional:
        raise UsageError(f"{arch.name} has no batch norm to fuse")
    if args.state.suffix in (".pt", ".pth"):
        with open_regular(args.state) as file:
            content = io.BytesIO(file.read())
        try:
            state = torch.load(content, map_location="cpu", weights_only=True)
        except Exception as error:  # a damaged file and one that wants to run code raise many kinds
            why = (str(error) or type(error).__name__).splitlines()[0]
            raise FormatError(f"{args.state} cannot be read as plain weights ({why})") from error
    else:
        state = read_tensors(args.state)
    if not isinstance(state, dict) or not all(isinstance(t, torch.Tensor) for t in state.values()):
        raise UsageError(f"{args.state} holds no state dict: a mapping of names to tensors")
    module = trained_module(arch, state)
    test = load_images(arch.data, "test", args.data)
    check_classes(arch, test)
    fused = fuse(arch, module, normalise(test.pixels[:256]))
    write_tensors(args.out, fused.params)
    print(
        f"wrote {args.out}: on {min(256, len(test))} test images of {arch.data} its logits differ from the original's "
        f"by at most {fused.difference:.1e}"
    )
    if fused.never_run:
        print(f"warning: {', '.join(fused.never_run)} were never run (mean 0, variance 1): the network is not trained")
