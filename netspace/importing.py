"""State dicts made elsewhere: read without running anything in them, recognised by their layers, written as a zoo.

A folder of files, a zip of such a folder, or one file: `.safetensors`, `.pt` and `.pth` (plain weights alone), and the
layout of Hugging Face's hub, a folder a network with `model.safetensors` or `pytorch_model.bin`.

Networks are recognised by the kinds and shapes of their layers in order, whatever these are called: the conventions of
plain PyTorch, torchvision, the usual CIFAR ResNets and the authors' code agree in that. What a state dict does not tell
is taken as the paper has it: strides, activations, and the 30 in a SIREN's sines.
"""

from __future__ import annotations

import io
import lzma
import os
import pickletools
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .archs import ARCHS, PAPER_WIDTH, Arch, Family, arch_named
from .evaluate import accuracy, classify
from .fuse import fuse, norms, trained_module
from .images import Images, normalise
from .network import Network
from .prep import prep_size
from .zoo import IMPORTED, BadFolder, joint_family, read_tensors, write_zoo

WEIGHTS = (".safetensors", ".pt", ".pth")
HUB = ("model.safetensors", "pytorch_model.bin")
"""what a network's file is called in the hub's layout, the one to be read first; its folder is its name"""
OTHERS = (
    ".bin",
    ".ckpt",
    ".h5",
    ".keras",
    ".npz",
    ".npy",
    ".onnx",
    ".pkl",
    ".pickle",
    ".joblib",
    ".tar",
    ".gz",
    ".zip",
)
"""kinds of files that may hold weights and are not read: they are listed, others are passed over"""
MOST_BYTES = 256 * 1024**2
"""of one file: 70 times the largest architecture here"""
MOST_IN_ALL = 2 * 1024**3
"""of what a zip unpacks to"""
MOST_FILES = 20_000
WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "params")
"""under which checkpoints keep a state dict"""
COMPARED = 256
"""images on which a network is compared before and after its batch norm is fused"""
TOLERATED = 1e-3
"""difference of logits, over their size, that fusing may make"""


class Refused(ValueError):
    """A file that is not imported; the message says why, without its name."""


class Refusal(NamedTuple):
    """A file that was not imported, and why."""

    name: str
    reason: str


# -- reading files -------------------------------------------------------------------------------------------------


class Source(NamedTuple):
    """A file that may hold a network."""

    name: str
    """of the network"""
    path: Path
    reason: str
    """why it is not read; empty where it is"""


def sources(folder: Path) -> list[Source]:
    """The files of a folder and the folders in it that may hold a network, by name.

    Raises:
        BadFolder: there is no such folder, it may not be read, or it is a zoo already.
    """
    if not folder.is_dir():
        raise BadFolder(f"no folder {folder}")
    if (folder / "zoo.json").exists():
        raise BadFolder(f"{folder} is a zoo already: it needs no import")
    found: list[Source] = []
    root = folder.resolve()
    for path in sorted(_files(folder)):
        relative = path.relative_to(folder)
        hub = path.name in HUB
        if path.suffix.lower() not in (*WEIGHTS, *OTHERS):
            continue
        stem = relative.parent if hub and relative.parent != Path() else relative.with_suffix("")
        reason = ""
        if not path.resolve().is_relative_to(root):
            reason = "a link to a file outside the folder"
        elif not path.is_file():
            reason = "no regular file"
        elif path.suffix == ".zip":
            reason = "a zip inside what is imported: import it by itself"
        elif path.suffix.lower() not in WEIGHTS and not hub:
            reason = f"{path.suffix} files are not read, only {', '.join(WEIGHTS)}"
        elif path.name == HUB[1] and path.with_name(HUB[0]).is_file():
            reason = f"{HUB[0]} beside it is taken to be the same network"
        found.append(Source("-".join(stem.parts), path, reason))
    counts, read = Counter(s.name for s in found), Counter(s.name for s in found if not s.reason)
    unclear = [counts[s.name] > 1 and (bool(s.reason) or read[s.name] > 1) for s in found]
    whole = [
        source._replace(name="-".join(source.path.relative_to(folder).parts)) if longer else source
        for source, longer in zip(found, unclear, strict=True)
    ]
    seen: Counter = Counter()
    for k, source in enumerate(whole):
        seen[source.name] += 1
        if seen[source.name] > 1:  # a/b.pt beside a-b.pt
            whole[k] = source._replace(name=f"{source.name}-{seen[source.name]}")
    return whole


def _files(folder: Path) -> list[Path]:
    """What is in a folder and the folders in it, hidden ones apart; BadFolder where that is too much or forbidden."""
    found: list[Path] = []

    def forbidden(error: OSError) -> None:
        if Path(error.filename) == folder:
            raise BadFolder(f"{folder} may not be read by this program ({error.strerror})") from error

    for where, folders, names in os.walk(folder, onerror=forbidden):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(where) / name for name in names if not name.startswith(".")]
        if len(found) > MOST_FILES:
            raise BadFolder(f"{folder} holds more than {MOST_FILES:,} files; import a part of it")
    return found


DAMAGED = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, OSError,
    UnicodeDecodeError,
)  # fmt: skip
"""what opening a damaged or odd zip raises"""


def unpack_zip(path: Path, folder: Path) -> None:
    """Unpack the weights in a zip; nothing is written outside the folder, and not more than is sensible.

    Raises:
        BadFolder: the zip is damaged, names a path outside, holds a link, or unpacks to too much.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            if len(members) > MOST_FILES:
                raise BadFolder(f"{path.name} holds {len(members):,} files, {MOST_FILES:,} at most are unpacked")
            for member in members:
                _check_member(path, member)
            members = [m for m in members if PurePosixPath(m.filename).suffix.lower() in (*WEIGHTS, *OTHERS)]
            declared = sum(m.file_size for m in members)
            if declared > MOST_IN_ALL:
                raise BadFolder(
                    f"{path.name} would unpack to {declared / 1e9:.1f} GB: refused, {MOST_IN_ALL / 1e9:.1f} GB at most"
                )
            left = MOST_IN_ALL
            for member in members:
                left -= _unpack_member(archive, member, folder, min(left, MOST_BYTES))
    except DAMAGED as error:
        raise BadFolder(f"{path.name} is damaged or not a zip ({type(error).__name__})") from error


def _check_member(path: Path, member: zipfile.ZipInfo) -> None:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or re.match(r"[A-Za-z]:", member.filename):
        raise BadFolder(
            f"{path.name} names the path {member.filename!r}, outside the folder it is unpacked to: refused"
        )
    if stat.S_ISLNK(member.external_attr >> 16):
        raise BadFolder(f"{path.name} holds the link {member.filename!r}: refused")
    if member.flag_bits & 1:
        raise BadFolder(f"{path.name} is encrypted")


def _unpack_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, most: int) -> int:
    """Write one file and return its size, counted as it comes: what a zip declares need not be so."""
    target = folder / member.filename.replace("\\", "/")
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with archive.open(member) as packed, target.open("wb") as file:
        while block := packed.read(1 << 20):
            written += len(block)
            if written > most:
                raise BadFolder(
                    f"{member.filename} in the zip unpacks to more than {most / 1e6:.0f} MB: refused as a zip bomb"
                )
            file.write(block)
    return written


def read_state(path: Path) -> dict[str, Tensor]:
    """The state dict in a file; Refused, saying why, where there is none or opening it could run code."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Refused(f"{path.stat().st_size / 1e6:.0f} MB, {MOST_BYTES / 1e6:.0f} MB at most are read")
        held = read_tensors(path) if path.suffix.lower() == ".safetensors" else _read_pickle(path)
    except BadFolder as error:
        words = str(error).removeprefix(f"{path} ").removeprefix("is ")
        raise Refused(words) from error
    except OSError as error:
        raise Refused(f"cannot be opened ({error.strerror})") from error
    return _only_weights(held)


HARMLESS = re.compile(
    r"collections OrderedDict|torch\._utils _rebuild_(tensor(_v2)?|parameter)|torch (\w+Storage|Size|[a-z]+\d*)"
    r"|torch\.storage (\w+Storage)"
)
"""what a pickle of weights names: containers of tensors, their storages and kinds of numbers"""


def _read_pickle(path: Path):
    data = path.read_bytes()
    pickles = [data]
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            declared = sum(member.file_size for member in archive.infolist())
            if declared > MOST_BYTES:
                raise Refused(f"it would unpack to {declared / 1e6:.0f} MB, {MOST_BYTES / 1e6:.0f} MB at most are read")
            try:
                pickles = [archive.read(name) for name in archive.namelist() if name.endswith(".pkl")]
            except DAMAGED as error:
                raise Refused("truncated or not a file of weights") from error
    for pickled in pickles:
        named = next((name for name in _named_in(pickled) if not HARMLESS.fullmatch(name)), None)
        if named:
            raise Refused(
                f"a pickle that holds {named.replace(' ', '.')} beside weights: opening it could run code; save the "
                "state_dict() alone"
            )
    try:
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file and one that wants to run code raise many kinds
        raise Refused("truncated or not a file of weights") from error


def _named_in(pickled: bytes) -> Iterator[str]:
    """Modules and names of what a pickle, or several one after the other, would call; nothing of it is run."""
    stream = io.BytesIO(pickled)
    try:
        while stream.tell() < len(pickled):
            strings: list[str] = []
            for code, argument, _ in pickletools.genops(stream):
                if code.name in ("GLOBAL", "INST"):
                    yield argument
                elif code.name == "STACK_GLOBAL":
                    yield " ".join(strings[-2:])
                elif isinstance(argument, str):
                    strings.append(argument)
    except Exception:  # what comes after the pickles of older files are numbers
        return


def _only_weights(held) -> dict[str, Tensor]:
    """The state dict in what a file holds."""
    for _ in range(3):
        wrapped = next((held[w] for w in WRAPPERS if isinstance(held, dict) and isinstance(held.get(w), dict)), None)
        if wrapped is None:
            break
        held = wrapped
    if not isinstance(held, dict):
        raise Refused("no state dict: not a mapping of names to tensors")
    state = {str(name): t for name, t in held.items() if isinstance(t, Tensor)}
    if not state:
        raise Refused("no state dict: it holds no tensors")
    for name, t in state.items():
        if t.layout != torch.strided or t.is_quantized or t.is_complex() or t.is_meta:
            raise Refused(f"{name} is not a dense tensor of real numbers")
    return state


# -- recognising architectures -------------------------------------------------------------------------------------


class Layer(NamedTuple):
    """A module with parameters: its kind tells what a tensor of these dimensions can be."""

    name: str
    kind: str
    """convolution, linear layer or batch norm"""
    tensors: dict[str, Tensor]
    """weight, bias, running_mean, running_var"""


KINDS = {4: "convolution", 2: "linear layer"}


def layers_of(state: dict[str, Tensor]) -> list[Layer]:
    """The modules of a state dict in its own order. Refused where a tensor belongs to no layer known here."""
    grouped: dict[str, dict[str, Tensor]] = {}
    for name, t in state.items():
        module, _, leaf = name.rpartition(".")
        if leaf != "num_batches_tracked":
            grouped.setdefault(module, {})[leaf] = t
    layers = []
    for module, tensors in grouped.items():
        unknown = set(tensors) - {"weight", "bias", "running_mean", "running_var"}
        if unknown:
            where = f"{module}.{min(unknown)}" if module else min(unknown)
            raise Refused(f"{where} belongs to no convolution, linear layer or batch norm")
        kind = (
            "batch norm"
            if "running_mean" in tensors
            else KINDS.get(tensors["weight"].dim() if "weight" in tensors else 0)
        )
        if kind is None:
            raise Refused(
                f"{module or 'its first layer'} is no convolution, linear layer or batch norm with statistics"
            )
        if kind == "batch norm" and len(tensors) < 4:
            raise Refused(f"the batch norm {module} has no weight, bias or statistics")
        layers.append(Layer(module, kind, tensors))
    return layers


def _natural(layer: Layer) -> list:
    """Sorts layer 9 before layer 10."""
    return [
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)|\.", layer.name) if part
    ]


def _expected(arch: Arch, trained: bool) -> list[Layer]:
    """The layers of an architecture, as a PRep holds it or as it is trained; without values."""
    with torch.device("meta"):
        return layers_of(((arch.build_trained if trained else None) or arch.build)().state_dict())


def _kinds(layers: Sequence[Layer]) -> dict[str, list[Layer]]:
    return {kind: [layer for layer in layers if layer.kind == kind] for kind in (*KINDS.values(), "batch norm")}


def _difference(found: Sequence[Layer], expected: Sequence[Layer]) -> str:
    """What first sets two lists of layers apart, kind by kind; empty where nothing does."""
    ours, theirs = _kinds(expected), _kinds(found)
    for kind in ours:
        for k, (a, b) in enumerate(zip(theirs[kind], ours[kind], strict=False), start=1):
            for leaf, t in b.tensors.items():
                if leaf not in a.tensors:
                    return f"{kind} {k} ({a.name}) has no {leaf}"
                shapes = tuple(a.tensors[leaf].shape), tuple(t.shape)
                if shapes[0] != shapes[1]:
                    return f"{kind} {k} ({a.name}) has a {leaf} of {shapes[0]} instead of {shapes[1]}"
        if len(theirs[kind]) != len(ours[kind]):
            return f"{_count(len(theirs[kind]), kind)} instead of {len(ours[kind]) or 'none'}"
    return ""


def _count(number: int, kind: str) -> str:
    return f"{number or 'no'} {kind}{'' if number == 1 else 's'}"


class Recognised(NamedTuple):
    """A state dict as an architecture names it."""

    arch: Arch
    state: dict[str, Tensor]
    trained: bool
    """whether it has batch norm, still to be fused"""


def recognise_state(state: dict[str, Tensor], archs: Sequence[Arch]) -> Recognised:
    """The architecture of a state dict, by its layers in the order they are saved in, else in that of their names.

    Raises:
        Refused: it is none of these architectures, naming the first difference from the one that comes nearest, or it
            could be several.
    """
    layers = layers_of(state)
    normed = any(layer.kind == "batch norm" for layer in layers)
    found, problems = [], []
    for arch in archs:
        trained = normed and arch.build_trained is not None
        expected = _expected(arch, trained)
        differences = []
        for order in (layers, sorted(layers, key=_natural)):
            differences.append(_difference(order, expected))
            if not differences[-1]:
                found.append(Recognised(arch, _renamed(order, expected, arch, trained), trained))
                break
        problems.append((abs(len(layers) - len(expected)), f"not a {arch.name}: {differences[-1]}"))
    if not found:
        raise Refused(min(problems)[1])
    if len(found) > 1:
        names = " or ".join(r.arch.name for r in found)
        raise Refused(f"its layers are those of {names}: name the architecture (--arch) or a space (--space)")
    return found[0]


def _belong(conv: str, norm: str) -> bool:
    """Whether a batch norm is the one after a convolution by their names: conv1 and bn1, 0 and 1, conv and norm."""
    parents, lasts = zip(*(name.rpartition(".")[::2] for name in (conv, norm)), strict=True)
    numbers = [re.findall(r"\d+", last) for last in lasts]
    if parents[0] != parents[1] or len(numbers[0]) != len(numbers[1]):
        return False
    if all(last.isdigit() for last in lasts):
        return int(lasts[1]) == int(lasts[0]) + 1
    return numbers[0] == numbers[1]


def _renamed(layers: Sequence[Layer], expected: Sequence[Layer], arch: Arch, trained: bool) -> dict[str, Tensor]:
    """The tensors under the architecture's names. A convolution's bias before a batch norm moves into its mean."""
    pairs = {
        b.name: a for kind, ours in _kinds(expected).items() for a, b in zip(_kinds(layers)[kind], ours, strict=True)
    }
    state = {f"{b.name}.{leaf}": pairs[b.name].tensors[leaf] for b in expected for leaf in b.tensors}
    if trained:
        with torch.device("meta"):
            before = norms(arch.build_trained())
        for norm, conv in before.items():
            if not _belong(pairs[conv].name, pairs[norm].name):
                raise Refused(
                    f"its names do not tell which batch norm follows which convolution: {pairs[norm].name} does not go "
                    f"with {pairs[conv].name}"
                )
            bias = pairs[conv].tensors.get("bias")
            if bias is not None:  # w x + b - mean = w x - (mean - b)
                state[f"{norm}.running_mean"] = state[f"{norm}.running_mean"] - bias
    return state


# -- importing -----------------------------------------------------------------------------------------------------


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
) -> Imported:
    """Write the networks in a folder, a zip or a file as a zoo; those that do not fit are listed with the reason.

    Args:
        family: of a space that is to read them; None: whatever they are.
        arch: name of the architecture, where layers alone leave several.
        images: test images for an architecture, or None: on them its networks are tested, and compared before and
            after fusing; without, they are compared on random inputs and not tested.
        progress: called with the files done, all files, and what became of the last.

    Raises:
        BadFolder: the source cannot be read, a zip is dangerous, or `out` holds a zoo already.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadFolder(f"{out} holds something already; choose another folder")
    if arch and family and arch not in family.names:
        raise ValueError(f"{arch} is not of the space's family: {', '.join(family.names)}")
    archs, source = candidates(family, arch), Path(source)
    with tempfile.TemporaryDirectory() as scratch:
        if source.is_file() and source.suffix.lower() == ".zip":
            unpack_zip(source, Path(scratch))
            found = sources(Path(scratch))
        elif source.is_file():
            known = source.suffix.lower() in WEIGHTS
            reason = "" if known else f"{source.suffix} files are not read, only {', '.join(WEIGHTS)}"
            found = [Source(source.stem, source, reason)]
        else:
            found = sources(source)
        return _import(found, out, archs, family, images, progress, source.name)


def _import(found, out, archs, family, images, progress, title) -> Imported:
    params: dict[str, list[dict[str, Tensor]]] = {}
    records, refused, tests, compared, held = [], [], {}, "", 0
    for k, source in enumerate(found, start=1):
        try:
            if source.reason:
                raise Refused(source.reason)
            known = recognise_state(read_state(source.path), archs)
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
            refused.append(Refusal(source.name, words))
            progress(k, len(found), f"{source.name}: {words}")
            continue
        stack = params.setdefault(known.arch.name, [])
        records.append({"name": source.name, "arch": known.arch.name, "row": len(stack), "split": IMPORTED} | record)
        stack.append(weights)
        progress(k, len(found), f"{source.name}: {known.arch.name}")
    if not records:
        return Imported(None, [], refused, "")
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
