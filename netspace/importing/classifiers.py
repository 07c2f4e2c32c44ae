"""Image classifiers from elsewhere: which architecture they are of, and what their state dicts do not say of them.

A state dict holds neither activations nor what the images were normalised by, nor the epsilon of batch norms, nor in
which order the classes come. Statistics of a first batch norm tell the normalisation where images are at hand; the
activation they do not tell (ReLU and leaky ReLU differ by less than their noise), so it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..data.images import Images
from ..data.transforms import normalise
from ..errors import ImportRefused
from ..nets.archs import IMAGE_CLASSIFIERS, Arch, arch_named
from ..nets.classifiers import LUMA, Variant
from ..nets.fuse import Fused, fuse, trained_module
from ..nets.inputs import MEAN, STD
from ..nets.network import Network
from ..nets.prep import prep_size
from ..tasks.measures import accuracy, classify
from .coordinates import Converted, Owner
from .declare import CONVENTIONS, NORMALISATIONS, Declaration
from .recognise import CONV, LINEAR, NORM, Layers, expected_layers, match, renamed

TestImages = Callable[[Arch, str], Images | None]
"""An architecture and a split -> its images, or None if they are not at hand."""

COMPARED = 256
"""images on which a network is compared before and after its batch norm is fused"""
TOLERATED = 1e-3
"""difference of logits, over their size, that fusing may make"""
MISFIT = 0.25
"""Most by which the first batch norm of a network may miss the statistics of images, in standard deviations, in a
normalisation that counts as its own: trained ones come to 0.02 to 0.1, under others to 0.5 and more."""
EPS = 1e-5
FEW = 32
"""images on which the effect of an epsilon is measured"""
EPS_MATTERS = 0.01
"""An epsilon of 1e-3 that changes logits by more, as a share of their size, is asked about."""
ORDER_CLEAR = 3.0
"""An order of classes counts as the network's own if it is this many times as often right as the other."""


class Recognised(NamedTuple):
    """A state dict as an architecture names it; the architecture's activation and inputs are still to be settled."""

    arch: Arch
    state: dict[str, Tensor]
    trained: bool
    """whether it has batch norm, still to be fused"""
    shortcut: bool = False
    """whether its ResNet has no projections, whose place identity convolutions take"""


def recognise_classifier(layers: Layers, archs: Sequence[Arch]) -> Recognised:
    """The architecture of a file with convolutions.

    Raises:
        ImportRefused: it is none of these architectures, naming the first difference from the one that comes
            nearest, or it could be several.
    """
    found, problem = _matches(layers, archs)
    if not found:
        suggested = _suggested(layers)
        if suggested and suggested not in {arch.name for arch in archs}:
            raise ImportRefused(f"its layers are those of {suggested}: name it (--arch {suggested}) to read it")
        raise ImportRefused(
            f"{problem}; a CNN of another design is read from its ONNX model, which says strides and poolings too"
            if problem
            else "it has convolutions, and no classifier is looked for"
        )
    if len(found) > 1:
        names = " or ".join(dict.fromkeys(r.arch.name for r in found))
        raise ImportRefused(f"its layers are those of {names}: name the architecture (--arch) or a space (--space)")
    return found[0]


def _matches(layers: Layers, archs: Sequence[Arch]) -> tuple[list[Recognised], str]:
    """The architectures that a file's layers are of, and what sets them apart from the one that comes nearest."""
    normed, found, problems = bool(layers.of(NORM)), [], []
    for arch in archs:
        for candidate in _variants(arch, layers):
            trained = normed and candidate.build_trained is not None
            expected = expected_layers(candidate, trained)
            bare = _bare_shortcuts(candidate, layers)
            wanted = [x for x in expected if not (bare and "downsample" in x.name)]
            matched = match(layers.layers, wanted)
            if not matched.problem:
                state = renamed(matched, layers.layers, candidate, trained)
                found.append(Recognised(candidate, state, trained, bare))
            problems.append((matched.distance, len(problems), f"not a {candidate.name}: {matched.problem}"))
    return found, min(problems)[2] if problems and not found else ""


def _variants(arch: Arch, layers: Layers) -> list[Arch]:
    """The architecture, for grey images and with global pooling if the file's first and last layers need that."""
    if not arch.convolutional:
        return []
    convs, linear = layers.of(CONV), layers.of(LINEAR)
    channels = convs[0].tensors["weight"].shape[1] if convs else 3
    name = arch.name
    if channels == 1 and arch.skeleton.variant.channels == 3:
        name += ":gray"
    if "resnet" in arch.name and arch.skeleton.size >= 48 and linear and linear[-1].tensors["weight"].shape[1] == 64:
        name += "" if ":global" in name else ":global"
    return [arch_named(name)]


def _bare_shortcuts(arch: Arch, layers: Layers) -> bool:
    """Whether a file has the convolutions of this ResNet but none of its projections."""
    one = [x for x in layers.of(CONV) if tuple(x.tensors["weight"].shape[2:]) == (1, 1)]
    return arch.name.startswith("resnet") and not one


def _suggested(layers: Layers) -> str:
    """The name of an architecture that these layers are of, whatever images it is for; empty if none is known."""
    convs, linear = layers.of(CONV), layers.of(LINEAR)
    if not convs or not linear:
        return ""
    classes, features = linear[-1].tensors["weight"].shape
    gray = ":gray" if convs[0].tensors["weight"].shape[1] == 1 else ""
    three = [x for x in convs if tuple(x.tensors["weight"].shape[2:]) == (3, 3)]
    depth, names = 2 + len(three) - 1, []
    if len(linear) == 1 and (depth - 2) % 6 == 0 and depth >= 8:
        names = [f"resnet{depth}/{size}px-{classes}c{gray}" for size in (32, 64) if features == 64 * (size // 32) ** 2]
    names += [f"{base}/{size}px-{classes}c{gray}" for base in ("lenetlike", "vanillacnn") for size in (32, 64, 28, 48)]
    for name in names:
        try:
            if _matches(layers, [arch_named(name)])[0]:
                return name
        except (ImportRefused, ValueError):
            continue
    return ""


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
    result, open_questions = Converted(known.arch, state), []
    fresh = known.trained and _never_ran(state)
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
    buffers = _buffers(layers)
    misfits = _misfits(known, state, test, said)
    if said.mean:
        mean, std = said.mean, said.std
        if buffers and _in_words(*buffers) != _in_words(mean, std):
            result.noted.append(
                f"declared are images normalised by {_in_words(mean, std)}, but its buffers say {_in_words(*buffers)}"
            )
        words = _in_words(mean, std)
        result.declared.append(f"images normalised by {words}")
        own = misfits.get(words)
        best = min(misfits, key=misfits.get) if misfits else words
        if own is not None and own > MISFIT and misfits[best] < own / 3:
            result.assumed.append(f"that, though its first batch norm was run on images normalised by {best}")
    elif spelled.mean:
        result.declared.append(f"images normalised by {_in_words(mean, std)}")
    elif buffers:
        mean, std = buffers
        result.detected.append(f"images normalised by {_in_words(mean, std)}, as its buffers say")
    elif (best := _clear(misfits)) is not None:
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


def _buffers(layers: Layers) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Mean and standard deviation of pixels in [0, 1] that a file keeps; None if it keeps none."""
    if not layers.buffers:
        return None
    if len(layers.buffers) == 1:
        (name,) = layers.buffers
        raise ImportRefused(f"it holds {name} beside its layers, and no {'std' if name == 'mean' else 'mean'}")
    mean, std = layers.buffers["mean"].double(), layers.buffers["std"].double()
    if float(mean.max()) > 1:  # of pixels from 0 to 255
        mean, std = mean / 255, std / 255
    return tuple(round(v, 7) for v in mean.tolist()), tuple(round(v, 7) for v in std.tolist())


def _spells_activation(name: str) -> bool:
    words = name.split(":")[1:]
    return any(word not in ("gray", "global") and "=" not in word for word in words)


def _in_words(mean: Sequence[float], std: Sequence[float]) -> str:
    for name, (m, s) in NORMALISATIONS.items():
        if (tuple(mean), tuple(std)) in ((m, s), (m * 3, s * 3)):
            return name
    return f"mean {', '.join(f'{v:g}' for v in mean)} and std {', '.join(f'{v:g}' for v in std)}"


def _never_ran(state: dict[str, Tensor]) -> bool:
    means = [t for name, t in state.items() if name.endswith("running_mean")]
    variances = [t for name, t in state.items() if name.endswith("running_var")]
    return bool(means) and not any(t.any() for t in means) and all(bool((t == 1).all()) for t in variances)


def _misfits(known, state, test: Images | None, said: Declaration) -> dict[str, float]:
    """By normalisation, how far the first batch norm's statistics are from those of images, in standard deviations.

    Empty without images, without batch norm, and if it never ran.
    """
    if test is None or not known.trained or _never_ran(state) or "bn1.running_mean" not in state:
        return {}
    pixels = test.pixels[:512].cpu().float() / 255  # (n, 3, S, S)
    weight, mean, var = state["conv1.weight"], state["bn1.running_mean"], state["bn1.running_var"]
    if weight.shape[1] == 1:
        pixels = torch.einsum("c,nchw->nhw", torch.tensor(LUMA), pixels).unsqueeze(1)
    options = dict(NORMALISATIONS)
    if said.mean:
        options[_in_words(said.mean, said.std)] = (said.mean, said.std)
    found = {}
    for name, (m, s) in options.items():
        if len(m) > weight.shape[1]:
            continue
        shape = (-1, 1, 1)
        x = (pixels - torch.tensor(m).view(shape)) / torch.tensor(s).view(shape)
        y = nn.functional.conv2d(x, weight, padding=weight.shape[-1] // 2)
        spread = var.clamp(min=1e-12).sqrt()
        off = (y.mean((0, 2, 3)) - mean) / spread
        wider = 0.5 * (y.var((0, 2, 3)).clamp(min=1e-12) / var.clamp(min=1e-12)).log()
        found[name] = torch.cat([off, wider]).square().mean().sqrt().item()
    return found


def _clear(misfits: dict[str, float]) -> str | None:
    """The normalisation that fits, if the next that is another one fits much less."""
    if not misfits:
        return None
    best = min(misfits, key=misfits.get)
    others = [misfits[name] for name in misfits if name != best]
    return best if misfits[best] < MISFIT and min(others) > 2 * misfits[best] else None


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


def with_classes(arch, params, said, images, result, open_questions) -> dict[str, Tensor]:
    """The last layer's rows in the product's order of classes."""
    test = images(arch, "test")
    if said.classes is None and (test is None or not test.ids or tuple(sorted(test.ids)) == test.ids):
        return params
    if not params:
        return params
    if said.classes is None:
        order = _order_by_answers(arch, params, images, result, open_questions)
    else:
        order = _declared_order(arch, said, test, result)
    if order is None:
        return params
    result.from_owner = Owner(order=tuple(order))
    return _reordered(arch, params, order)


def _declared_order(arch: Arch, said: Declaration, test: Images | None, result: Converted) -> list[int] | None:
    """For each of the product's classes, the place that it has among the network's outputs; None if the same."""
    if said.classes in (("wnids",), ("product",)):
        result.declared.append("classes in the data set's order")
        return None
    if test is None:
        raise ImportRefused(f"an order of classes is declared, and {arch.data} is not here to know its own: --data")
    ours = [name.lower() for name in test.classes], [i.lower() for i in test.ids]
    # folders are sorted before letters are made small: Zebra, apple
    theirs = [n.lower() for n in (sorted(test.ids or test.classes) if said.classes == ("sorted",) else said.classes)]
    if twice := [name for name in dict.fromkeys(theirs) if theirs.count(name) > 1]:
        raise ImportRefused(f"the declared classes hold {twice[0]!r} more than once")
    for names in ours:
        if names and set(names) == set(theirs):
            result.declared.append(f"{len(theirs)} classes in an order of their own")
            order = [theirs.index(name) for name in names]
            if order == sorted(order):
                return None
            result.converted.append("the last layer's rows to the data set's order of classes")
            return order
    known = next((names for names in ours if set(names) & set(theirs)), ours[0])
    missing = sorted(set(known) - set(theirs))
    raise ImportRefused(
        f"the declared classes are not those of {arch.data}: {len(theirs)} of {len(ours[0])}"
        + (f", {missing[0]!r} is missing" if missing else "")
    )


def _order_by_answers(arch, params, images, result, open_questions) -> list[int] | None:
    """Whether the classes come in the data set's order or sorted, by labelled images that are not tested on."""
    held = images(arch, "validation")
    names = sorted(held.ids)
    order = [names.index(i) for i in held.ids]
    network = Network.of(arch, {n: params[n] for n in arch.shapes}, prep_size(arch.num_params, 10_000))
    logits = classify(network, held)
    right = [accuracy(logits, held.labels), accuracy(logits[:, order], held.labels)]
    words = (
        f"in the data set's order it is right on {right[0]:.1%} of {len(held)} validation images, in sorted order on "
    )
    words += f"{right[1]:.1%}"
    if max(right) < ORDER_CLEAR * max(min(right), 1 / len(names)):
        open_questions.append(
            (f"the order of its classes ({words})", "--classes sorted (ImageFolder's), wnids, or a file")
        )
        return None
    own = right[0] > right[1]
    result.detected.append(f"classes in {'the data set’s' if own else 'sorted'} order: {words}")
    if not own:
        result.converted.append("the last layer's rows to the data set's order of classes")
    return None if own else order


def _reordered(arch: Arch, params: dict[str, Tensor], order: list[int]) -> dict[str, Tensor]:
    last = [name for name in arch.shapes if name.endswith("weight")][-1].removesuffix("weight")
    index = torch.tensor(order)
    return params | {name: params[name][index] for name in (f"{last}weight", f"{last}bias") if name in params}


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


ALL_CLASSIFIERS = tuple(IMAGE_CLASSIFIERS.values())
