"""Networks made elsewhere: read without running anything in them, recognised, converted, proved, written as a zoo.

files         what lies in a folder, a zip or a file, and what is known of it
declare       what state dicts do not say: activation, sines, sign, inputs, order of classes
recognise     which layers they hold, and of which architecture, whatever they are called
coordinates   fields: what the values mean is declared, detected by `behaviour`, or asked for; then put in `field_form`
classifiers   image classifiers: `match_classifier`, then `normalisation`, `class_order` and the like, the same way
rebuild       ONNX files, whose graph says all of it: `graph`, `graph_fields`, `graph_classifiers`
converted     what comes out: a network in the product's form, and the grounds for what it is taken to be
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..data.images import Images
from ..errors import FormatError, ImportRefused, UsageError
from ..io import atomic_folder
from ..nets.archs import ARCHS, Arch, Family, arch_named
from ..nets.fields import OCCUPANCY
from ..nets.network import Network
from ..outputs import check_folder
from ..tasks import task_of
from ..zoo.family import family_to_json, joint_family
from ..zoo.store import IMPORTED
from ..zoo.writer import ShardWriter
from .classifiers import TestImages, claimed_accuracy, read_classifier
from .columns import tidy
from .converted import Converted
from .coordinates import Reader
from .declare import Declaration, read_declaration
from .files import Read, ReadOptions, Refusal, networks_in
from .graph import SAME, load_graph, relative_difference, runner
from .limits import MOST_IMPORTED
from .match_classifier import ALL_CLASSIFIERS
from .rebuild import rebuild
from .recognise import CONV, LINEAR, read_layers

__all__ = ["Declaration", "Imported", "ReadOptions", "Refusal", "candidates", "import_networks"]

CLAIM_OFF = 0.02
"""An accuracy that a file claims counts as another than the one measured from this difference on."""
OWN_COLUMNS = ("name", "arch", "row", "split", "parameters", "batch_norm", "function", "warning", "test_accuracy")
"""of an imported zoo's table: what a file knows of itself under such a name gets a name of its own"""

Reference = Callable[[Tensor], Tensor]
"""A network as its owner runs it: points (n, 3) or images as the product normalises them (n, 3, S, S) -> outputs."""


class Imported(NamedTuple):
    """What became of a source."""

    folder: Path | None
    """the zoo; None if no network could be imported"""
    records: list[dict]
    """of the networks imported"""
    refused: list[Refusal]
    compared: str
    """what networks were compared on before and after fusing; empty if none had batch norm"""
    notes: list[str] = []  # noqa: RUF012  (never changed)
    """sentences about the source as a whole and about single networks"""


def candidates(family: Family | None, arch: str | None) -> list[Arch]:
    """Architectures that networks may be of: those of a family, or the one named, or all that there are."""
    if arch:
        return [arch_named(arch)]
    return list(family.archs) if family else list(ARCHS.values())


@dataclass
class Importer:
    """Turns the networks of one import into the product's form."""

    family: Family | None
    said: Declaration
    images: TestImages
    references: Mapping[str, Reference] = field(default_factory=dict)
    like: Arch | None = None
    """what the graph that speaks for all is of"""
    fields: Reader = field(default_factory=Reader)
    _images: dict = field(default_factory=dict)

    def convert(self, found: Read) -> tuple[Converted, dict, list[str]]:
        """A file's network, what is recorded of it, and sentences about it.

        Raises:
            ImportRefused: it is not read, or it is not known what it does; the message says what would help.
        """
        said, notes = self.said, list(found.notes)
        if found.declared is not None:
            beside = read_declaration(found.declared)
            notes += [f"its network.json says {words}: what is declared of all holds" for words in said.against(beside)]
            said = said.under(beside)
        archs = candidates(self.family, said.arch)
        if found.onnx is not None:
            rebuilt = rebuild(found.onnx, said, archs if said.arch or self.family else ALL_CLASSIFIERS, self._test)
            converted, recorded = rebuilt.read, dict(rebuilt.record)
            recorded["graph_difference"] = rebuilt.difference
            if said.arch and not _is_named(converted.arch, arch_named(said.arch)):
                raise ImportRefused(f"not a {said.arch}: it is a {converted.arch.name}")
            notes += [f"its graph says {words}, and holds" for words in said.against(rebuilt.graph)]
        else:
            converted, recorded = self._from_state(found, said, archs)
        record: dict[str, Any] = {"parameters": converted.arch.num_params, "batch_norm": False} | recorded
        if self.family is not None and converted.arch.name not in self.family.names:
            raise ImportRefused(
                f"it is a {converted.arch.name} ({converted.function}), and the space reads "
                f"{', '.join(self.family.names)} alone: import it without the space"
            )
        if self.like is not None and self.like.base != converted.arch.base:
            raise ImportRefused(
                f"it is a {converted.arch.name}, and the graph that is to speak for it a {self.like.name}"
            )
        notes += converted.noted
        record |= {"function": converted.function, **converted.measured}
        record |= self._proved(found, converted, notes)
        claim = claimed_accuracy(found.known)
        if claim is not None and "test_accuracy" in record and abs(claim - record["test_accuracy"]) > CLAIM_OFF:
            notes.append(
                f"its file says that it is right on {claim:.1%}, and here it is on {record['test_accuracy']:.1%} of "
                "the test images: activation, normalisation or classes may be others than taken"
            )
        if converted.assumed:
            notes.append(f"assumed: {'; '.join(converted.assumed)}")
        return converted, record, notes

    def _from_state(self, found: Read, said: Declaration, archs: Sequence[Arch]) -> tuple[Converted, dict]:
        try:
            layers = read_layers(found.state)
        except ImportRefused as reason:
            raise ImportRefused(f"{reason}{_part(found.state)}") from reason
        if not layers.layers:
            raise ImportRefused("no state dict: it holds no layer")
        if layers.of(CONV):
            classifiers = [arch for arch in archs if arch.convolutional]
            if not classifiers:
                wanted = ", ".join(arch.name for arch in archs[:4])
                raise ImportRefused(f"it has convolutions and is no field such as {wanted}")
            return read_classifier(layers, said, classifiers, self._test, named=bool(said.arch))
        if not layers.of(LINEAR):
            raise ImportRefused("it has no convolution and no linear layer")
        if said.arch and archs[0].convolutional:
            raise ImportRefused(f"not a {archs[0].name}: it has no convolutions")
        if said.arch:
            said = _from_name(archs[0], said)
        converted = self.fields.read(layers, said, found.layout)
        if said.arch and converted.arch.name != archs[0].name:
            raise ImportRefused(f"not a {archs[0].name}: it is a {converted.arch.name} ({converted.function})")
        return converted, {}

    def _test(self, arch: Arch, split: str) -> Images | None:
        """Images of a split, loaded once."""
        key = arch.data, split
        if key not in self._images:
            self._images[key] = self.images(arch, split)
        return self._images[key]

    def _proved(self, found: Read, converted: Converted, notes: list[str]) -> dict:
        """How far the imported network is from its owner's, if that is at hand; sentences about it go to the notes."""
        reference = self.references.get(found.name) or self.references.get("")
        if reference is None:
            if self.references:
                notes.append("none of the references has its name: it is compared with none")
            return {}
        arch, owner = converted.arch, converted.from_owner
        x = task_of(arch).inputs(arch, self._test(arch, "test"))
        ours = owner.outputs(arch.apply_params(converted.params, x))
        try:
            own = reference(arch.skeleton.enter(x) * owner.size)
            difference = relative_difference(own, ours)
        except Exception as error:  # it is the user's, and may do anything
            notes.append(f"its reference cannot be run ({str(error)[:120] or type(error).__name__})")
            return {}
        if arch.field == OCCUPANCY and own.min() >= 0 and own.max() <= 1:
            difference = min(difference, relative_difference(own, ours.sigmoid()))
        if own.numel() != ours.numel():
            notes.append(f"its reference answers {tuple(own.shape)} and not {tuple(ours.shape)}: it is of another kind")
            return {}
        if not difference < SAME:
            notes.append(
                f"its reference answers otherwise, by {difference:.1e} of the largest output: it is another network, "
                "or it is taken for what it is not"
            )
        return {"reference_difference": difference}


def _is_named(arch: Arch, named: Arch) -> bool:
    """Whether an architecture is the one named, apart from what the name may leave open."""
    return (arch.base, arch.skeleton.fixed) == (named.base, named.skeleton.fixed)


_OF_TRAINING = re.compile(r"criterion|loss\w*|\w*_loss|\w*_?metrics?|(train|val|test)_\w+", re.I)


def _part(state: Mapping[str, Tensor]) -> str:
    """How to read the network alone in a file that holds losses and metrics beside it; empty if it does not."""
    heads = dict.fromkeys(name.partition(".")[0] for name in state)
    others = [head for head in heads if not _OF_TRAINING.fullmatch(head)]
    return f"; --prefix {others[0]} reads that part of the file alone" if len(others) == 1 < len(heads) else ""


def _from_name(arch: Arch, said: Declaration) -> Declaration:
    """What an architecture's name says of a field's units."""
    spec = arch.skeleton.spec
    if spec.activation == "sin":
        # the table's SIRENs are named for their sizes: their factor has to show itself or be declared
        declared = Declaration(activation="sin")
    else:
        declared = Declaration(activation=spec.activation)
    if spec.encoding:
        declared = replace(declared, encoding=str(spec.encoding))
    if "@" in (said.arch or "") and spec.activation == "sin":
        declared = replace(declared, omega=spec.omega)
    return said.under(declared)


def import_networks(
    source: Path,
    out: Path,
    family: Family | None = None,
    arch: str | None = None,
    images: TestImages = lambda arch, split: None,
    progress: Callable[[int, int, str], None] = lambda done, total, words: None,
    *,
    said: Declaration | None = None,
    options: ReadOptions | None = None,
    reference: Path | Reference | Mapping[str, Reference] | None = None,
    like: Path | None = None,
) -> Imported:
    """Write the networks in a folder, a zip or a file as a zoo; those that do not fit are listed with the reason.

    Args:
        family: of a space that is to read them; None: whatever they are.
        arch: name of the architecture, if layers alone leave several.
        images: an architecture and a split -> images, or None: on test images its networks are tested, and compared
            before and after fusing; without, they are compared on random inputs and not tested.
        progress: called with the files done, all files, and what became of the last.
        said: what is declared of all of them; a `network.json` beside a file says more of that one.
        options: which files are read.
        reference: networks as their owner runs them, by name: an ONNX file of the only one, a folder of them, or
            functions; imported networks are compared with them on real inputs.
        like: an ONNX file of one of the networks, whose graph says what all of them do.

    Raises:
        FormatError: the source cannot be read, a zip is dangerous, or `out` holds something already.
        ValueError: the declaration contradicts itself or the family; ImportRefused: an ONNX file is not read.
    """
    check_folder(out, "zoo", empty=True)
    said = said or Declaration()
    if arch:
        said = replace(said, arch=arch_named(arch).name if ":" not in arch and "@" not in arch else arch)
    if said.arch and family and arch_named(said.arch).name not in family.names:
        raise UsageError(f"{said.arch} is not of the space's family: {', '.join(family.names)}")
    if like is not None:
        pool = candidates(family, said.arch) if said.arch or family else ALL_CLASSIFIERS
        rebuilt = rebuild(Path(like), said, pool, images)
        said = said.under(rebuilt.declaration)
    importer = Importer(family, said, images, _references(reference), rebuilt.read.arch if like is not None else None)
    return _import(Path(source), out, importer, options or ReadOptions(), progress)


def _references(reference) -> Mapping[str, Reference]:
    if reference is None:
        return {}
    if callable(reference):
        return {"": reference}
    if isinstance(reference, Mapping):
        return reference
    if Path(reference).is_dir():
        files = sorted(Path(reference).glob("*.onnx"))
        if not files:
            raise FormatError(f"{reference} holds no .onnx file to compare with")
        return {path.stem: _run(path) for path in files}
    return {"": _run(Path(reference))}


def _run(path: Path) -> Reference:
    """An ONNX model as a function. ImportRefused, naming the file, if it cannot be run."""
    try:
        load_graph(path)
        return runner(path)
    except (ImportRefused, OSError) as error:
        raise ImportRefused(f"{path.name}: {error}") from error


class _ZooInTheMaking:
    """Networks that are written as they come: each kind of data by itself, and one of them becomes the zoo."""

    def __init__(self, out: Path, stack: ExitStack) -> None:
        """Make nothing until there is a network; `stack` puts the folder in its place, or removes it after an error."""
        self.out, self._stack = out, stack
        self._making: Path | None = None
        self._writers: dict[str, ShardWriter] = {}

    def append(self, arch: Arch, params: Mapping[str, Tensor]) -> int:
        """Append a network, and return its row."""
        if self._making is None:
            self._making = self._stack.enter_context(atomic_folder(self.out))
        if arch.data not in self._writers:
            self._writers[arch.data] = self._stack.enter_context(ShardWriter(self._making).closing())
        stacks = {name: t.detach().to(torch.float32).unsqueeze(0) for name, t in params.items()}
        return self._writers[arch.data].append(arch.name, stacks)[0]

    def commit(self, family: Family, records: list[dict], about: dict) -> None:
        """Write those of a family as the zoo, and nothing else."""
        import pandas as pd

        empty = {
            f"{arch.name}/{name}": torch.empty(0, *shape)
            for arch in family.archs
            for name, shape in arch.shapes.items()
        }
        about = {"family": family_to_json(family)} | about
        self._writers[family.archs[0].data].commit(about, pd.DataFrame(records), empty)


def _import(source: Path, out: Path, importer: Importer, options: ReadOptions, progress) -> Imported:
    records: list[dict] = []
    refused: list[Refusal] = []
    notes: list[str] = []
    compared, held = "", 0
    with ExitStack() as stack, networks_in(source, options) as found:
        zoo = _ZooInTheMaking(out, stack)
        for one in found:
            k, total = found.done, max(len(found), found.done)
            if isinstance(one, Refusal):
                refused.append(one)
                progress(k, total, f"{one.name}: {one.reason}")
                continue
            try:
                converted, record, said = importer.convert(one)
                held += 4 * converted.arch.num_params
                if held > MOST_IMPORTED:
                    raise ImportRefused(f"more than {MOST_IMPORTED / 1e9:.1f} GB of weights are not imported at once")
            except Exception as reason:  # of whatever is wrong with one file, others are imported
                words = str(reason).strip().splitlines()[0] if str(reason).strip() else "it cannot be read"
                refused.append(Refusal(one.name, words))
                progress(k, total, f"{one.name}: {words}")
                continue
            if "fused_difference" in record:
                test = importer._test(converted.arch, "test")
                compared = f"{min(256, len(test))} test images" if test else "256 random inputs"
            row = zoo.append(converted.arch, converted.params)
            base = {"name": one.name, "arch": converted.arch.name, "row": row, "split": IMPORTED}
            records.append(base | record | {"warning": "; ".join(said)} | _columns(one.known, record))
            notes += [f"{one.name}: {words}" for words in said]
            progress(k, total, f"{one.name}: {converted.arch.name}")
        notes += [*found.notes, *filter(None, [found.passed_over])]
        if not records:
            return Imported(None, [], refused, "", notes)
        records = tidy(records)
        refused += _not_joined(records)
        family = importer.family or joint_family(
            [Family.of(name) for name in dict.fromkeys(record["arch"] for record in records)]
        )
        about: dict[str, Any] = {"made_by": "zoo import", "from": source.name, "compared": compared}
        about["refused"] = [refusal._asdict() for refusal in refused]
        about["declared"] = {k: list(v) if isinstance(v, tuple) else v for k, v in importer.said.said().items()}
        zoo.commit(family, records, about | {"notes": notes[:MOST_NOTES]})
    return Imported(out, records, refused, compared, notes)


MOST_NOTES = 200


def _columns(known: dict, record: dict) -> dict:
    """What a file knows of itself, under names that the product's own columns leave free."""
    taken = {*OWN_COLUMNS, *record}
    return {(f"file_{name}" if name in taken else name): value for name, value in known.items()}


def _not_joined(records: list[dict]) -> list[Refusal]:
    """Take networks for other data than most out: they make no family. Returns why, of each."""
    data = {name: arch_named(name).data for name in dict.fromkeys(r["arch"] for r in records)}
    if len(set(data.values())) == 1:
        return []
    counts = {d: sum(data[r["arch"]] == d for r in records) for d in dict.fromkeys(data.values())}
    kept = max(counts, key=counts.get)
    out = [r for r in records if data[r["arch"]] != kept]
    records[:] = [r for r in records if data[r["arch"]] == kept]
    return [
        Refusal(r["name"], f"a {r['arch']} among networks for {kept}: one zoo holds one kind, import it by itself")
        for r in out
    ]


def network_of(converted: Converted) -> Network:
    """A converted network by itself."""
    from ..nets.prep import prep_size

    arch = converted.arch
    return Network.of(arch, converted.params, prep_size(arch.num_params, 10_000))
