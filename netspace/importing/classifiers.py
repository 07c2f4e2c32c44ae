"""Image classifiers from elsewhere: which architecture they are of, and what their state dicts do not say of them.

A state dict holds neither activations nor what the images were normalised by, nor the epsilon of batch norms, nor in
which order the classes come. Statistics of a first batch norm tell the normalisation where images are at hand; the
activation they do not tell (ReLU and leaky ReLU differ by less than their noise), so it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ..data.images import Images
from ..data.transforms import normalise
from ..errors import ImportRefused
from ..nets.archs import Arch, arch_named
from ..nets.classifiers import Variant
from ..nets.fuse import Fused, fuse, trained_module
from ..nets.inputs import MEAN, STD
from ..nets.network import Network
from ..nets.prep import prep_size
from ..tasks.measures import accuracy, classify
from .class_order import with_classes
from .converted import Converted
from .declare import CONVENTIONS, NORMALISATIONS, Declaration
from .match_classifier import recognise_classifier
from .normalisation import (
    MISFIT,
    clear_normalisation,
    never_ran,
    normalisation_misfits,
    normalisation_words,
    written_normalisation,
)
from .recognise import Layers

TestImages = Callable[[Arch, str], Images | None]
"""An architecture and a split -> its images, or None if they are not at hand."""

COMPARED = 256
"""images on which a network is compared before and after its batch norm is fused"""
TOLERATED = 1e-3
"""difference of logits, over their size, that fusing may make"""
EPS = 1e-5
FEW = 32
"""images on which the effect of an epsilon is measured"""
EPS_MATTERS = 0.01
"""An epsilon of 1e-3 that changes logits by more, as a share of their size, is asked about."""


# -- what a state dict does not say --------------------------------------------------------------------------------


def read_classifier(
    layers: Layers, said: Declaration, archs: Sequence[Arch], images: TestImages, named: bool = False
) -> tuple[Converted, dict]:
    """A classifier in the product's form, and what is recorded of it.

    Args:
        archs: what it may be of.
        images: an architecture and a split -> images.
        named: the architecture was named by the user, rather than found among several.

    Raises:
        ImportRefused: it is none of `archs`, its weights are not finite, or it is not known how it answers; the
            message names the options that would say it.
    """
    known = recognise_classifier(layers, archs)
    layers.check_numbers()
    state = {name: t.detach().float() for name, t in known.state.items()}
    bad, whole = sum(int((~t.isfinite()).sum()) for t in state.values()), sum(t.numel() for t in state.values())
    if bad:
        raise ImportRefused(f"{bad:,} of its {whole:,} weights are not finite numbers")
    below = next((name for name, t in state.items() if name.endswith("running_var") and bool((t < 0).any())), None)
    if below:
        raise ImportRefused(f"{below} holds variances below zero: the file is damaged")
    test = images(known.arch, "test")
    result = Converted(known.arch, state)
    open_questions: list[tuple[str, str]] = []
    fresh = known.trained and never_ran(state)
    variant = _variant(known, said, layers, state, test, named and fresh, result, open_questions)
    arch = _with(known.arch, variant)
    eps = said.norm_eps or EPS
    state = _with_shortcuts(known, said, state, eps, result, open_questions)
    record: dict = {"parameters": arch.num_params, "batch_norm": known.trained}
    params = state
    if known.trained and state:
        params, more = _fused(arch, state, eps, test)
        record |= more
        _settle_eps(arch, state, said, record.pop("logits"), params, result, open_questions)
    if not open_questions or said.classes:
        params = with_classes(arch, params, said, images, result, open_questions)
    if open_questions:
        raise ImportRefused(asked_about(known.arch, open_questions))
    _check_answers(arch, params, result)
    if test is not None and params:
        network = Network.of(arch, params, prep_size(arch.num_params, 10_000))
        record["test_accuracy"] = accuracy(classify(network, test), test.labels)
    result.arch, result.params = arch, {name: params[name] for name in arch.shapes}
    return result, record


def _check_answers(arch: Arch, params: dict[str, Tensor], result: Converted) -> None:
    """ImportRefused if logits are not finite; noted if they are the same for all images."""
    size = arch.skeleton.size
    logits = arch.apply_params(params, torch.randn(8, 3, size, size, generator=torch.Generator().manual_seed(0)))
    if not logits.isfinite().all():
        raise ImportRefused("its logits are not finite numbers: its weights are too large")
    if float((logits - logits[:1]).abs().max()) <= 1e-6 * float(logits.abs().max()):
        result.noted.append("its answers to all images are the same")


def _with(arch: Arch, variant: Variant) -> Arch:
    base = arch.name.partition(":")[0]
    return arch_named(f"{base}{variant}")


def _variant(known, said, layers, state, test, may_assume, result, open_questions) -> Variant:
    """Activation and inputs, each on its grounds; what is open is added to the questions."""
    spelled = known.arch.skeleton.variant
    convention = CONVENTIONS.get(said.made_as or "")
    activation = spelled.activation
    if said.activation and said.activation != "sin":
        activation = said.activation
        result.declared.append(f"activation {activation}")
    elif said.arch and _spells_activation(said.arch):
        result.declared.append(f"activation {activation}")
    elif convention:
        activation = convention.activation
        result.assumed.append(f"activation {activation}, as {said.made_as}")
    elif may_assume:
        result.assumed.append(f"activation {activation}: its batch norms never ran, so that it is untrained")
    else:
        open_questions.append(("its activation", "--activation relu (or leaky_relu, the paper's)"))
    mean, std = spelled.mean, spelled.std
    buffers = written_normalisation(layers)
    misfits = normalisation_misfits(known, state, test, said)
    if said.mean:
        mean, std = said.mean, said.std
        if buffers and normalisation_words(*buffers) != normalisation_words(mean, std):
            result.noted.append(
                f"declared are images normalised by {normalisation_words(mean, std)}, but its buffers say "
                f"{normalisation_words(*buffers)}"
            )
        words = normalisation_words(mean, std)
        result.declared.append(f"images normalised by {words}")
        own = misfits.get(words)
        best = min(misfits, key=misfits.get) if misfits else words
        if own is not None and own > MISFIT and misfits[best] < own / 3:
            result.assumed.append(f"that, though its first batch norm was run on images normalised by {best}")
    elif spelled.mean:
        result.declared.append(f"images normalised by {normalisation_words(mean, std)}")
    elif buffers:
        mean, std = buffers
        result.detected.append(f"images normalised by {normalisation_words(mean, std)}, as its buffers say")
    elif (best := clear_normalisation(misfits)) is not None:
        mean, std = NORMALISATIONS[best]
        result.detected.append(
            f"images normalised by {best}: its first batch norm misses their statistics by {misfits[best]:.2f} "
            "standard deviations, and more by others"
        )
    elif convention and convention.normalisation:
        mean, std = NORMALISATIONS[convention.normalisation]
        result.assumed.append(f"images normalised by {convention.normalisation}, as {said.made_as}")
    elif may_assume:
        result.assumed.append("images normalised by imagenet")
    else:
        open_questions.append(
            ("the normalisation of its images", "--mean imagenet (or half, cifar10, ... or numbers, with --std)")
        )
    pool = said.pool if said.pool == "global" else spelled.pool
    if spelled.channels == 1:
        result.converted.append("grey images: colours are mixed into one channel first")
        mean, std = tuple(mean[:1]), tuple(std[:1])  # of a colour normalisation, the first channel's
        if not mean:
            mean, std = (MEAN[0],), (STD[0],)
    return Variant(
        activation, spelled.channels, tuple(mean), tuple(std), pool if known.arch.skeleton.size != 32 else ""
    )


def _spells_activation(name: str) -> bool:
    words = name.split(":")[1:]
    return any(word not in ("gray", "global") and "=" not in word for word in words)


def _with_shortcuts(known, said, state, eps, result, open_questions) -> dict[str, Tensor]:
    """With identity convolutions in place of shortcuts without parameters (option A of He et al. 2016)."""
    if not known.shortcut:
        return state
    if not said.shortcut:
        open_questions.append(
            ("where its shortcuts without parameters add channels", "--shortcut pad-both (He et al.'s) or pad-end")
        )
        return {}
    result.declared.append(f"shortcuts {said.shortcut}")
    result.converted.append("shortcuts without parameters to convolutions by the identity")
    whole = dict(state)
    expected = known.arch.build_trained if known.trained else known.arch.build
    with torch.device("meta"):
        shapes = {n: t.shape for n, t in expected().state_dict().items() if "downsample" in n}
    for name, shape in shapes.items():
        if name.endswith("weight") and len(shape) == 4:
            o, i = shape[:2]
            start = (o - i) // 2 if said.shortcut == "pad-both" else 0
            weight = torch.zeros(shape)
            weight[range(start, start + i), range(i), 0, 0] = 1
            whole[name] = weight
        elif name.endswith("running_var"):
            whole[name] = torch.full(shape, 1 - eps)
        elif name.endswith("weight"):
            whole[name] = torch.ones(shape)
        elif not name.endswith("num_batches_tracked"):
            whole[name] = torch.zeros(shape)
    return whole


def _fused(arch: Arch, state: dict[str, Tensor], eps: float, test: Images | None) -> tuple[dict[str, Tensor], dict]:
    """The parameters as a PRep holds them, and what fusing changed."""
    size = arch.skeleton.size
    random = torch.randn(COMPARED, 3, size, size, generator=torch.Generator().manual_seed(0))
    x = normalise(test.pixels[:COMPARED].cpu()) if test else random
    fused = _fuse(arch, state, eps, x)
    x = x[:FEW]
    logits = arch.apply_params(fused.params, x).abs().max().item()
    if not fused.difference <= TOLERATED * max(1.0, logits):
        raise ImportRefused(
            f"fusing its batch norm changes its logits by {fused.difference:.1e}, of {logits:.1e} at most"
        )
    record = {"fused_difference": fused.difference, "norms_never_run": len(fused.never_run), "logits": (x, logits)}
    return fused.params, record


def _fuse(arch: Arch, state: dict[str, Tensor], eps: float, x: Tensor) -> Fused:
    module = trained_module(arch, state)
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.eps = eps
    return fuse(arch, module, x)


def _settle_eps(arch, state, said, compared, params, result, open_questions) -> None:
    """Which epsilon its batch norms have: another one may matter or not."""
    if said.norm_eps:
        result.declared.append(f"epsilon of batch norm {said.norm_eps:g}")
        return
    x, logits = compared
    other = _fuse(arch, state, 1e-3, x).params
    change = (arch.apply_params(other, x) - arch.apply_params(params, x)).abs().max().item()
    share = change / max(logits, 1e-12)
    result.measured["norm_eps_matters"] = round(share, 6)
    words = f"epsilon of batch norm {EPS:g} (with 1e-3 it would {'hardly ' * (share < EPS_MATTERS)}answer otherwise)"
    if said.made_as or share < EPS_MATTERS:
        result.assumed.append(words)
    else:
        open_questions.append(
            (
                f"the epsilon of its batch norms (1e-5 or 1e-3 makes {share:.1%} of difference)",
                "--norm-eps 1e-5 (PyTorch's)",
            )
        )


def asked_about(arch: Arch, questions: list[tuple[str, str]]) -> str:
    what = [q for q, _ in questions]
    listed = what[0] if len(what) == 1 else f"{', '.join(what[:-1])} and {what[-1]}"
    return (
        f"its layers are those of {arch.name}, but the file does not say {listed}. Say "
        f"{'; '.join(o for _, o in questions)}; or --as paper, if it was made as the paper's networks"
    )


def claimed_accuracy(known: dict) -> float | None:
    """An accuracy that a file claims of itself, from 0 to 1; None if it claims none."""
    names = re.compile(r"(test_|val_|valid_|eval_|best_)*(acc|accuracy|acc1|top1|prec1|acc_top1)(1)?", re.I)
    for name, value in known.items():
        plain = name.removeprefix("file_")
        if names.fullmatch(plain) and isinstance(value, int | float) and not isinstance(value, bool):
            if 0 <= value <= 1:
                return float(value)
            if 1 < value <= 100:
                return float(value) / 100
    return None
