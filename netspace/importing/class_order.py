"""In which order a classifier's last layer gives its classes: declared, or seen on labelled images."""

from __future__ import annotations

import torch
from torch import Tensor

from ..data.images import Images
from ..errors import ImportRefused
from ..nets.archs import Arch
from ..nets.network import Network
from ..nets.prep import prep_size
from ..tasks.measures import accuracy, classify
from .converted import Converted, Owner
from .declare import Declaration

ORDER_CLEAR = 3.0
"""An order of classes counts as the network's own if it is this many times as often right as the other."""


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
