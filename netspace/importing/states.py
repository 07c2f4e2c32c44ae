"""State dicts within what a file holds: found by looking at it, not by the keys that one program or another uses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from ..errors import ImportRefused
from .limits import NoNetwork
from .pickles import Array, Bag, Odd
from .readers import Cell, as_tensor, number

DEEPEST = 4
"""dictionaries within dictionaries in which a state dict is looked for"""
WRAPPERS = {
    "state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights", "params", "module",
    "net_state_dict", "state", "parameters", "nets", "mlp", "weight",
}  # fmt: skip
"""names that say no more than that a network follows: they are left out of its name, and preferred to others"""
ASIDE = re.compile(
    r"optim\w*|\w*optimi[sz]er\w*|\w*sched\w*|lr_\w+|\w*scaler\w*|amp|\w*rng\w*|callbacks|loops|grads?|history", re.I
)
"""names of what lies beside a network and is none"""
AVERAGE = re.compile(
    r"(?:^|[^a-z])(?:ema|swa|avg|averaged?|shadow|polyak|teacher|target|momentum)(?:$|[^a-z])", re.IGNORECASE
)
"""names of a second copy of a network: an average over training, or a slowly following one"""
SETTINGS_KEYS = re.compile(r"args|config|cfg|opt|options|hparams|hyper_?parameters|metrics|params|settings|meta", re.I)
"""names of dictionaries of which the numbers and words are columns"""
LEAVES = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked", "kernel", "scale", "mean", "var"}
RANDOM_STATES = re.compile(r"python|numpy|cpu|cuda|random_states|torch_manual_seed|numpy_random_seed")
"""keys under which trainers save the states of random number generators"""
LONGEST_WORD = 120
"""letters of a text that becomes a column"""
MOST_COLUMNS = 100
"""maximum number of columns that one network brings"""


class FoundState(NamedTuple):
    """A state dict in a file."""

    label: str
    """its name in the file; empty if it is the only one"""
    state: dict[str, Tensor]
    known: dict[str, float | int | str | bool]
    notes: tuple[str, ...]
    layout: str = ""
    """whose way of laying out files it is: authors, of the paper, {"mlp": state, "sdf": samples}; empty: nobody's"""


class _State(NamedTuple):
    path: tuple[str, ...]
    tensors: dict[str, Any]
    """tensors, and places of those that are not read"""
    known: dict


def scalar(value):
    """A number, a word or a truth that can stand in a table; None for all else."""
    if isinstance(value, Cell):
        value = number(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Array):
        value = as_tensor(value.value)
    if isinstance(value, Tensor):
        if value.numel() != 1 or value.is_complex():
            return None
        value = value.reshape(()).item()
    if isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return value if -(1 << 63) <= value < 1 << 63 else float(value) if abs(value) < 1 << 1000 else None
    if isinstance(value, str) and len(value) <= LONGEST_WORD and value.isprintable():
        return value
    return None


def scalars(held: dict) -> dict:
    """The numbers and words in a dictionary, and in those within it that hold settings; the outer ones win."""
    found: dict[str, Any] = {}
    inner: dict[str, Any] = {}
    for key, value in held.items():
        if isinstance(value, dict):
            if isinstance(key, str) and SETTINGS_KEYS.fullmatch(key):
                inner |= {str(k): s for k, v in list(value.items())[:1000] if (s := scalar(v)) is not None}
        elif (s := scalar(value)) is not None:
            found[str(key)] = s
    return dict(list((found | {k: v for k, v in inner.items() if k not in found}).items())[:MOST_COLUMNS])


def _tensor(value):
    """A tensor as it is or of an array; what is no tensor as it is."""
    return as_tensor(value.value) if isinstance(value, Array) else value


def _is_tensor(value) -> bool:
    return isinstance(value, Tensor) or (isinstance(value, Odd) and bool(value.what))


def _is_weight(value) -> bool:
    return (isinstance(value, Tensor) and value.dim() > 0 and value.is_floating_point()) or (
        isinstance(value, Odd) and bool(value.what)
    )


def _collect(held, path: tuple[str, ...], known: dict, depth: int, seen: set[int]) -> Iterator[_State]:
    """State dicts in nested dictionaries and lists; tensors beside them (samples, say) belong to none."""
    if id(held) in seen or depth > DEEPEST:
        return
    seen.add(id(held))
    if isinstance(held, (list, tuple)):
        if held and all(_is_weight(_tensor(v)) for v in held):
            if (named := _named(held)) is not None:
                yield _State(path, named, known)
            return
        for k, value in enumerate(held):
            if isinstance(value, (dict, list, tuple)):
                yield from _collect(value, (*path, f"{k:0{len(str(len(held) - 1))}d}"), known, depth + 1, seen)
        return
    if not isinstance(held, dict) or {"state", "param_groups"} <= set(held):
        return
    if isinstance(held, Bag) and any(isinstance(v, Bag) for v in held.values()) and (flat := dict(_flat(held))):
        yield _State(path, flat, known)
        return
    mine = {str(key): _tensor(value) for key, value in held.items()}
    tensors = {key: value for key, value in mine.items() if _is_tensor(value)}
    nested = {k: v for k, v in mine.items() if isinstance(v, (dict, list, tuple)) and not ASIDE.fullmatch(k)}
    inner: list[_State] = []
    if nested:
        known = known | scalars(held)
        for key, value in nested.items():
            inner += _collect(value, (*path, key), known, depth + 1, seen)
    if inner and all(len(each.path) == len(path) + 1 and set(each.tensors) <= LEAVES for each in inner):
        layers = {f"{each.path[-1]}.{leaf}": t for each in inner for leaf, t in each.tensors.items()}
        yield _State(path, tensors | layers, known)  # a dictionary of layers
    elif inner:
        yield from inner
    elif any(_is_weight(t) for t in tensors.values()):
        yield _State(path, tensors, known | scalars({k: v for k, v in mine.items() if k not in tensors}))


def _flat(bag: Bag, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a module of TorchScript and of those within it, under the names of a state dict."""
    if depth > 50:
        return
    for name, value in bag.items():
        if _is_tensor(value):
            yield f"{prefix}{name}", value
        elif isinstance(value, Bag):
            yield from _flat(value, f"{prefix}{name}.", depth + 1)


def _named(values) -> dict[str, Tensor] | None:
    """Names for a list of weights and biases by turns; None if it is not one."""
    tensors = [_tensor(v) for v in values]
    if len(tensors) % 2 or not all(isinstance(t, Tensor) for t in tensors):
        return None
    pairs = list(zip(tensors[::2], tensors[1::2], strict=True))
    if any(w.dim() < 2 or b.dim() != 1 or len(b) != len(w) for w, b in pairs):
        return None
    return {f"{k}.{leaf}": t for k, pair in enumerate(pairs) for leaf, t in zip(("weight", "bias"), pair, strict=True)}


def find_states(held, prefix: str = "") -> list[FoundState]:
    """The networks in what a file holds, each with what is known of it.

    Args:
        prefix: name of the state dict, or of the part of one, that is to be read if there are several.

    Raises:
        NoNetwork: it is an optimizer's state or the like.
        ImportRefused: it holds no state dict, or none of this name, or one with tensors that are no dense numbers.
    """
    held = _tensor(held)
    states = list(_collect(held, (), {}, 0, set()))
    if not states:
        raise _nothing(held)
    states, notes = _asked_for(states, prefix) if prefix else _preferred(states)
    found: list[FoundState] = []
    layout = "authors" if isinstance(held, dict) and set(held) == {"mlp", "sdf"} else ""
    several = len(states) > 1
    for state in states:
        label = "-".join(part for part in state.path if part not in WRAPPERS) or "-".join(state.path)
        for part, tensors, more in _networks(state.tensors, bool(prefix)):
            name = "-".join(filter(None, [label if several else "", part]))
            found.append(FoundState(name, _dense(tensors), state.known, (*notes, *more), layout))
    return found


def _asked_for(states: list[_State], prefix: str) -> tuple[list[_State], tuple[str, ...]]:
    for fits in (
        lambda part: part == prefix,
        lambda part: prefix.lower() in re.split(r"[^a-z0-9]+", part.lower()),
    ):
        if chosen := [state for state in states if any(map(fits, state.path))]:
            return chosen, ()
    start = prefix.rstrip(".") + "."
    inside = [
        state._replace(tensors={k.removeprefix(start): t for k, t in state.tensors.items() if k.startswith(start)})
        for state in states
    ]
    if inside := [state for state in inside if state.tensors]:
        return inside, ()
    names = {state.path[-1] for state in states if state.path}
    names |= {k.split(".")[0] + "." for state in states for k in state.tensors if "." in k}
    raise ImportRefused(
        f"no state dict {prefix!r} in it; there are {', '.join(sorted(names)[:8]) or 'no names to choose by'}"
    )


def _preferred(states: list[_State]) -> tuple[list[_State], tuple[str, ...]]:
    """Of the state dicts beside each other: those that are no average over training; a wrapper before any other."""
    if len(states) == 1:
        return states, ()
    beside: dict[tuple[str, ...], list[_State]] = {}
    for state in states:
        beside.setdefault(state.path[:-1], []).append(state)
    kept, notes = [], []
    for group in beside.values():
        plain = [state for state in group if not AVERAGE.search(state.path[-1] if state.path else "")]
        taken = plain or group
        named = [state for state in taken if state.path and state.path[-1] in WRAPPERS]
        taken = named if len(named) == 1 else taken
        kept += taken
        others = [state.path[-1] for state in group if state not in taken]
        if others:
            words = ", ".join(f"{name!r}" for name in others)
            mine = ", ".join(f"{state.path[-1]!r}" for state in taken[:3])
            notes.append(f"it holds several state dicts: {mine} is read, {words} not (--prefix {others[0]} reads that)")
    return kept, tuple(dict.fromkeys(notes))


def _networks(tensors: dict, chosen: bool) -> Iterator[tuple[str, dict, tuple[str, ...]]]:
    """The networks in one dictionary of tensors: one; or by groups of names; or stacked along a first axis."""
    groups: dict[str, dict] = {}
    if all("/" in name for name in tensors):
        for name, t in tensors.items():
            group, _, rest = name.partition("/")
            groups.setdefault(group, {})[rest] = t
    alike = {tuple(sorted((n, tuple(getattr(t, "shape", ()))) for n, t in g.items())) for g in groups.values()}
    if len(groups) > 1 and len(alike) == 1 and len(next(iter(alike))) > 1:
        for group, mine in groups.items():
            yield group, mine, ()
        return
    note: tuple[str, ...] = ()
    if not chosen:
        tensors, note = _without_average(tensors)
    count, unclear = _stacked(tensors)
    if unclear:
        yield "", tensors, (*note, unclear)
    elif count:
        for k in range(count):
            yield f"{k:0{len(str(count - 1))}d}", {name: t[k] for name, t in tensors.items()}, note
    else:
        yield "", tensors, note


def _without_average(tensors: dict) -> tuple[dict, tuple[str, ...]]:
    """A state dict without the copy of its network that is an average over training, told by name and shapes."""
    heads = {name.partition(".")[0] for name in tensors if "." in name}
    for head in sorted(head for head in heads if AVERAGE.search(head)):
        copy = {name: t for name, t in tensors.items() if name.partition(".")[0] == head}
        rest = {name: t for name, t in tensors.items() if name not in copy}
        shapes = [Counter(tuple(t.shape) for t in part.values() if _is_weight(t)) for part in (copy, rest)]
        if shapes[0] and not shapes[0] - shapes[1]:
            return rest, (f"it holds the network twice: {head}.* is not read (--prefix {head} reads that)",)
    return tensors, ()


def _stacked(tensors: dict) -> tuple[int, str]:
    """The number of networks stacked along the tensors' first axis, 0 if it is one; and what to say if unclear."""
    dense = {name: t for name, t in tensors.items() if isinstance(t, Tensor)}
    if not dense or len(dense) < len(tensors) or any(t.dim() < 1 + t.is_floating_point() for t in dense.values()):
        return 0, ""
    counts = {len(t) for t in dense.values()}
    biases = [t for name, t in dense.items() if name.rpartition(".")[2].rpartition("/")[2] in ("bias", "b")]
    floats = [t for t in dense.values() if t.is_floating_point()]
    if len(counts) > 1:
        return 0, ""
    if biases and all(t.dim() == 2 for t in biases):
        return counts.pop(), ""
    if not biases and len(floats) > 1 and all(t.dim() in (3, 5) for t in floats):
        return 0, (
            f"all its tensors have a first axis of {counts.pop()}: if these are stacked networks, it has no biases to "
            "tell by; save a list of state dicts"
        )
    return 0, ""


def _dense(tensors: dict) -> dict[str, Tensor]:
    for name, t in tensors.items():
        if isinstance(t, Odd):
            raise ImportRefused(f"{name} is {t.what}: not a dense tensor of real numbers")
        if t.is_complex():
            raise ImportRefused(f"{name} is complex: not a dense tensor of real numbers")
    return tensors


def _nothing(held) -> ImportRefused:
    """Why what a file holds is no state dict; true, and with what it takes."""
    if isinstance(held, Tensor):
        shape = tuple(held.shape)
        if held.dim() == 2 and held.is_floating_point():
            return ImportRefused(
                f"one array of {shape} without names: if these are {shape[0]} flattened networks, it does not say "
                "which of the numbers belong to which layer; save a list of state dicts"
            )
        return ImportRefused(f"one array of {shape} without names, no state dict")
    if isinstance(held, (list, tuple)):
        tensors = [v for v in held if _is_tensor(_tensor(v))]
        if tensors:
            return ImportRefused(f"a list of {len(tensors)} tensors without names: save the state_dict()")
        return ImportRefused("no state dict: not a mapping of names to tensors")
    if not isinstance(held, dict):
        return ImportRefused("no state dict: not a mapping of names to tensors")
    keys = {str(key) for key in held}
    if {"state", "param_groups"} <= keys:
        return NoNetwork("an optimizer's state", "optimizer states")
    if keys & {"base_lrs", "_step_count", "_last_lr", "lr_lambdas"}:
        return NoNetwork("a scheduler's state", "scheduler states")
    if {"scale", "growth_factor"} <= keys:
        return NoNetwork("a gradient scaler's state", "gradient scaler states")
    tensors = _tensors_in(held)
    if any(map(RANDOM_STATES.fullmatch, keys)) and not any(t.is_floating_point() for t in tensors):
        return NoNetwork("the state of random numbers", "states of random numbers")
    words = ", ".join(sorted(keys)[:5])
    if not tensors:
        return ImportRefused(f"no state dict: it holds no tensors{f', only {words}' if words else ''}")
    some = "1 tensor" if len(tensors) == 1 else f"{len(tensors):,} tensors"
    return ImportRefused(f"no state dict: of the {some} in it ({words}) none is seen to be a layer's weight")


def _tensors_in(held) -> list[Tensor]:
    """The tensors anywhere in what a file holds, a hundred thousand things at most."""
    found: list[Tensor] = []
    todo: list[Any] = [held]
    seen: set[int] = set()
    while todo and len(seen) < 100_000:
        value = _tensor(todo.pop())
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, (dict, list, tuple)) and id(value) not in seen:
            todo += value.values() if isinstance(value, dict) else value
            seen.add(id(value))
    return found
