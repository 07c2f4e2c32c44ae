"""State dicts made elsewhere: read without running anything in them, recognised by their layers, written as a zoo.

A folder of files, a zip of such a folder, or one file, of whatever suffix: `files` tells by content what holds weights.

Networks are recognised by the kinds and shapes of their layers in order, whatever these are called: the conventions of
plain PyTorch, torchvision, the usual CIFAR ResNets and the authors' code agree in that. What a state dict does not tell
is taken as the paper has it: strides, activations, and the 30 in a SIREN's sines.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..archs import ARCHS, PAPER_WIDTH, Arch, Family, arch_named
from ..evaluate import accuracy, classify
from ..fuse import fuse, trained_module
from ..images import Images, normalise
from ..network import Network
from ..prep import prep_size
from ..zoo import IMPORTED, BadFolder, joint_family, write_zoo
from .columns import tidy
from .files import ReadOptions, Refusal, Refused, Sources, networks_in
from .limits import MOST_IN_ALL
from .recognise import Recognised, recognise_state

COMPARED = 256
"""images on which a network is compared before and after its batch norm is fused"""
TOLERATED = 1e-3
"""difference of logits, over their size, that fusing may make"""


class Imported(NamedTuple):
    """What became of a source."""

    folder: Path | None
    """the zoo; None where no network could be imported"""
    records: list[dict]
    """of the networks imported"""
    refused: list[Refusal]
    compared: str
    """what networks were compared on before and after fusing; empty where none had batch norm"""


def candidates(family: Family | None, arch: str | None) -> list[Arch]:
    """Architectures that networks may be of: those of a family, or the one named, or all that there are."""
    if arch:
        return [arch_named(arch)]
    return list(family.archs) if family else list(ARCHS.values())


def import_networks(
    source: Path,
    out: Path,
    family: Family | None = None,
    arch: str | None = None,
    images: Callable[[Arch], Images | None] = lambda arch: None,
    progress: Callable[[int, int, str], None] = lambda done, total, words: None,
    options: ReadOptions | None = None,
) -> Imported:
    """Write the networks in a folder, a zip or a file as a zoo; those that do not fit are listed with the reason.

    Args:
        family: of a space that is to read them; None: whatever they are.
        arch: name of the architecture, where layers alone leave several.
        images: test images for an architecture, or None: on them its networks are tested, and compared before and
            after fusing; without, they are compared on random inputs and not tested.
        progress: called with the files done, all files, and what became of the last.
        options: which networks of the source are read.

    Raises:
        BadFolder: the source cannot be read, a zip is dangerous, or `out` holds a zoo already.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadFolder(f"{out} holds something already; choose another folder")
    if arch and family and arch not in family.names:
        raise ValueError(f"{arch} is not of the space's family: {', '.join(family.names)}")
    archs, source = candidates(family, arch), Path(source)
    with networks_in(source, options) as found:
        return _import(found, out, archs, family, images, progress, source.name)


def _import(found: Sources, out, archs, family, images, progress, title) -> Imported:
    params: dict[str, list[dict[str, Tensor]]] = {}
    records, refused, tests, compared, held = [], [], {}, "", 0
    for each in found:
        try:
            if isinstance(each, Refusal):
                raise Refused(each.reason)
            if each.onnx:
                raise Refused("an ONNX model, which is not read yet")
            known = recognise_state(each.state, archs)
            tests.setdefault(known.arch.name, images(known.arch) if known.arch.kind == "images" else None)
            test = tests[known.arch.name]
            weights, record = _prepared(known, test)
            held += 4 * known.arch.num_params
            if held > MOST_IN_ALL:
                raise Refused(f"more than {MOST_IN_ALL / 1e9:.1f} GB of weights are not imported at once")
            if known.trained:
                compared = f"{min(COMPARED, len(test))} test images" if test else f"{COMPARED} random inputs"
        except (Refused, RuntimeError) as reason:  # of whatever is wrong with one file, the others are imported
            words = str(reason).strip().splitlines()[0] if str(reason).strip() else "it cannot be read"
            refused.append(Refusal(each.name, words))
            progress(found.done, len(found), f"{each.name}: {words}")
            continue
        stack = params.setdefault(known.arch.name, [])
        own = {"name": each.name, "arch": known.arch.name, "row": len(stack), "split": IMPORTED}
        records.append(own | each.known | record)
        stack.append(weights)
        progress(found.done, len(found), f"{each.name}: {known.arch.name}")
    if not records:
        return Imported(None, [], refused, "")
    records = tidy(records)
    _write(out, records, params, family or joint_family([Family.of(name) for name in params]), title, refused, compared)
    return Imported(out, records, refused, compared)


def _prepared(known: Recognised, test: Images | None) -> tuple[dict[str, Tensor], dict]:
    """The parameters as a PRep holds them, and what is recorded of the network."""
    state = {name: t.detach().float() for name, t in known.state.items()}
    bad, whole = sum(int((~t.isfinite()).sum()) for t in state.values()), sum(t.numel() for t in state.values())
    if bad:
        raise Refused(f"{bad:,} of its {whole:,} weights are not finite numbers")
    record: dict = {"parameters": known.arch.num_params, "batch_norm": known.trained}
    if known.trained:
        size = known.arch.skeleton.size
        random = torch.randn(COMPARED, 3, size, size, generator=torch.Generator().manual_seed(0))
        module: nn.Module = trained_module(known.arch, state)
        fused = fuse(known.arch, module, normalise(test.pixels[:COMPARED].cpu()) if test else random)
        state = fused.params
        record |= {"fused_difference": fused.difference, "norms_never_run": len(fused.never_run)}
        logits = known.arch.apply_params(state, random).abs().max().item()
        if not fused.difference <= TOLERATED * max(1.0, logits):
            raise Refused(
                f"fusing its batch norm changes its logits by {fused.difference:.1e}, of {logits:.1e} at most"
            )
    if test is not None:
        network = Network.of(known.arch, state, prep_size(known.arch.num_params, PAPER_WIDTH))
        record["test_accuracy"] = accuracy(classify(network, test), test.labels)
    return {name: state[name] for name in known.arch.shapes}, record


def _write(
    out: Path, records: list[dict], params: dict, family: Family, title: str, refused: list[Refusal], compared: str
) -> None:
    import pandas as pd

    stacks = {}
    for arch in family.archs:
        mine = params.get(arch.name, [])
        for name, shape in arch.shapes.items():
            stacks[f"{arch.name}/{name}"] = torch.stack([p[name] for p in mine]) if mine else torch.empty(0, *shape)
    about = {"made_by": "zoo import", "from": title, "compared": compared}
    about["refused"] = [refusal._asdict() for refusal in refused]
    making = out.with_name(f".{out.name}.importing")  # a disk that is full leaves nothing in the zoo's place
    try:
        write_zoo(making, family, pd.DataFrame(records), stacks, about)
        making.replace(out)
    finally:
        shutil.rmtree(making, ignore_errors=True)
