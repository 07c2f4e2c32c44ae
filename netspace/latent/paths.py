"""Paths between two networks; the table METHODS holds the ways to go (Fig. 4: latent against raw weights).

A method opens a path once, which encodes, aligns or solves whatever both ends need; every network along it is then
cheap. A new method is a module with a `Path` and an entry in METHODS: the command line, the figures and the app's views
follow from that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path as Folder

import torch
from torch import Tensor

from ..align import Repair, aligned_once, calibration_inputs, can_calibrate, reads_images
from ..config import MOST_ITEMS
from ..errors import UsageError
from ..nets.archs import Arch, arch_title
from ..nets.network import Network
from ..space.space import NetSpace
from ..threads import held_threads

PATH_STEPS = 33
"""number of networks along a path unless asked otherwise: the app's frames"""


def gammas(steps: int) -> list[float]:
    """Return `steps` positions from 0 to 1, evenly spaced. UsageError for fewer than 2."""
    if steps < 2:
        raise UsageError(f"a path has at least 2 steps, got {steps}")
    if steps > MOST_ITEMS:
        raise UsageError(f"a path has at most {MOST_ITEMS:,} steps, got {steps:,}")
    return [i / (steps - 1) for i in range(steps)]


class Path:
    """The networks from A (gamma 0) to B (gamma 1), also beyond both; safe to use from several threads."""

    notes: Sequence[str] = ()
    """how it was prepared, as far as that depends on the pair, in sentences without a full stop"""

    def __call__(self, gamma: float) -> Network:
        """Return the network at a position."""
        return self.networks([gamma])[0]

    def networks(self, gammas: Sequence[float]) -> list[Network]:
        """Return the networks at many positions, computed as one batch."""
        raise NotImplementedError

    def class_logits(self, gammas: Sequence[float]) -> Tensor | None:
        """Return the class head's logits (s, A) at the positions; None if no class head chooses the architecture."""
        return None


class LatentPath(Path):
    """The line (1 - gamma) e_a + gamma e_b between two embeddings, decoded at every position (section IV)."""

    def __init__(self, space: NetSpace, a: Network, b: Network) -> None:
        self.space = space
        with torch.inference_mode(), held_threads():
            self.ends = space.encode(torch.stack([a.prep, b.prep]))  # (2, E)

    def embeddings(self, gammas: Sequence[float]) -> Tensor:
        """Return the embeddings (s, E) at the positions."""
        gamma = torch.tensor(gammas, dtype=self.ends.dtype, device=self.ends.device).unsqueeze(1)  # (s, 1)
        with torch.inference_mode():
            return (1 - gamma) * self.ends[0] + gamma * self.ends[1]

    def networks(self, gammas: Sequence[float]) -> list[Network]:
        """Return the decoded networks; at the ends too they are decoded and not the originals."""
        with torch.inference_mode(), held_threads():
            return self.space.networks(self.embeddings(gammas))

    def class_logits(self, gammas: Sequence[float]) -> Tensor | None:
        if self.space.head is None:
            return None
        with torch.inference_mode(), held_threads():
            return self.space.head(self.embeddings(gammas))


class WeightsPath(Path):
    """The weights (1 - gamma) w_a + gamma w_b: the paper's baseline; its ends are the originals.

    Raises:
        UsageError: the networks are of different architectures.
    """

    def __init__(self, space: NetSpace, a: Network, b: Network) -> None:
        reason = no_weights_path(a, b)
        if reason:
            raise UsageError(reason)
        self.a, self.b = a, b

    def networks(self, gammas: Sequence[float]) -> list[Network]:
        return [Network(self.a.arch, torch.lerp(self.a.prep, self.b.prep, gamma)) for gamma in gammas]


class AlignedPath(Path):
    """The weights (1 - gamma) w_a + gamma w_b, with B's units moved to those of A's that they are most like.

    B moved computes what B does: both ends are the originals' functions. Git Re-Basin (Ainsworth et al. 2023), with the
    signs and phases of sines; see `netspace.align`.

    Args:
        images: folder of the images whose training split units are compared on; None: looked for.

    Raises:
        UsageError: the networks are of different architectures, or their weights are not finite.
        DataError: the images of the folder cannot be read.
    """

    def __init__(self, space: NetSpace, a: Network, b: Network, images: Folder | None = None) -> None:
        reason = no_weights_path(a, b)
        if reason:
            raise UsageError(reason)
        x = calibration_inputs(a.arch, images)
        x = x if x is None else x.to(a.prep.device)
        found = aligned_once(a, b, x)
        self.a, self.b = a, found.network
        judged = f"no training images of {a.arch.data} are at hand to compare their answers"
        if x is not None:
            judged = f"judged on {len(x)} {'training images' if reads_images(a.arch) else 'points'}"
        self.inputs = x
        self.notes = (f"B's units are matched with A's {found.how}: {judged}", *found.notes)

    def networks(self, gammas: Sequence[float]) -> list[Network]:
        return [Network(self.a.arch, torch.lerp(self.a.prep, self.b.prep, gamma)) for gamma in gammas]


class RepairedPath(AlignedPath):
    """Aligned weights with the statistics of every channel interpolated too (REPAIR: Jordan et al. 2023).

    At the ends nothing is repaired. Classifiers only: others have no channels that vary over images.

    Raises:
        UsageError: as `AlignedPath`, or the networks are no image classifiers, or no training images are at hand.
        DataError: the images of the folder cannot be read.
    """

    def __init__(self, space: NetSpace, a: Network, b: Network, images: Folder | None = None) -> None:
        reason = no_weights_path(a, b) or (no_repaired_path(a, b) if images is None else no_repair(a))
        if reason:
            raise UsageError(reason)
        super().__init__(space, a, b, images)
        self.repair = Repair(self.a, self.b, self.inputs)

    def networks(self, gammas: Sequence[float]) -> list[Network]:
        steps = zip(super().networks(gammas), gammas, strict=True)
        return [network if gamma in (0, 1) else self.repair(network, gamma) for network, gamma in steps]


def no_repair(a: Network) -> str | None:
    """Return why networks of this architecture are not repaired; None if they are."""
    return None if reads_images(a.arch) else "REPAIR sets channel statistics on images: it is for image classifiers."


def no_repaired_path(a: Network, b: Network) -> str | None:
    """Return why no path leads through repaired weights, with images where they are looked for; None if one does."""
    missing = f"There are no training images of {a.arch.data} at hand to repair averaged weights on."
    return no_weights_path(a, b) or no_repair(a) or (None if can_calibrate(a.arch) else missing)


def no_weights_path(a: Network, b: Network) -> str | None:
    """Return why no path leads through the weights of two networks, in whatever order; None if one does."""
    if a.arch.name == b.arch.name:
        return None
    one, other = arch_title(a.arch.name), arch_title(b.arch.name)
    return f"There is no path through weights: those of {one} and {other} do not correspond."


def always(a: Network, b: Network) -> str | None:
    """Apply to any two networks."""
    return None


def fits_all(arch: Arch) -> bool:
    """Fit networks of any architecture."""
    return True


@dataclass(frozen=True)
class Look:
    """How a method is told apart everywhere: on the app's views, in figures, on the command line's pictures."""

    colour: str
    """#rrggbb, at least 3:1 against the paper of either theme"""
    dash: tuple[float, ...]
    """lengths of strokes and gaps of its lines, in pixels; empty for a solid line"""
    mark: str
    """shape of its points: circle, square, triangle, diamond, pentagon or star"""
    key: str
    """key that chooses it in the app"""


@dataclass(frozen=True)
class Method:
    """A way from one network to another."""

    name: str
    title: str
    look: Look
    ends: str
    """what the networks at gamma 0 and 1 are"""
    between: str
    """what those in between are"""
    words: str
    """how it goes, in a sentence or two"""
    open: Callable[..., Path]
    """prepare the path from A to B, once per pair: (space, a, b), and `images` if it is `calibrated`; UsageError if
    there is none"""
    applies: Callable[[Network, Network], str | None] = always
    """why no path leads from A to B, in a sentence; None if one does"""
    fits: Callable[[Arch], bool] = fits_all
    """whether networks of an architecture can have such a path at all; where not, views do not speak of it"""
    beyond: str = ""
    """what networks beyond the ends are"""
    embedded: bool = False
    """whether its networks are decoded from embeddings: the class head chooses their architecture, and they can be far
    from all training networks"""
    straight: bool = False
    """whether its weights lie on the straight line between the originals', so that both ends say all"""
    calibrated: bool = False
    """whether images prepare it: its `open` takes the folder in which those are"""

    def path_between(self, space: NetSpace, a: Network, b: Network, images: Folder | None = None) -> Path:
        """Open the path from A to B; `images` is a folder of images, None where they are looked for."""
        return self.open(space, a, b, images=images) if self.calibrated else self.open(space, a, b)


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            "latent",
            "latent path",
            Look("#0F9D8A", (), "circle", "1"),
            ends="decoded from its embedding",
            between="decoded from the interpolated embedding",
            words="Both networks are embedded, the embeddings interpolated linearly, and every step decoded "
            "(section IV).",
            open=LatentPath,
            beyond="decoded from the extrapolated embedding",
            embedded=True,
        ),
        Method(
            "weights",
            "raw weights",
            Look("#D9652B", (6, 4), "square", "2"),
            ends="the original network",
            between="interpolated weights",
            words="The weights of both networks are interpolated linearly, without any latent space: the paper's "
            "baseline.",
            open=WeightsPath,
            applies=no_weights_path,
            beyond="extrapolated weights",
            straight=True,
        ),
        Method(
            "aligned",
            "aligned weights",
            Look("#3B7DD8", (10, 4), "triangle", "3"),
            ends="the original network; B with its units in another order, which computes the same",
            between="interpolated weights, after matching units",
            words="The units of B are matched with those of A (Git Re-Basin; sines with their signs and phases), then "
            "the weights interpolated linearly.",
            open=AlignedPath,
            applies=no_weights_path,
            beyond="extrapolated weights, after matching units",
            calibrated=True,
        ),
        Method(
            "repaired",
            "aligned + REPAIR",
            Look("#B0559F", (10, 3, 2, 3), "pentagon", "4"),
            ends="the original network; B with its units in another order, which computes the same",
            between="interpolated weights, after matching units, with channel statistics repaired",
            words="As aligned weights; then mean and deviation of every channel are set to those interpolated between "
            "both ends on training images (REPAIR).",
            open=RepairedPath,
            applies=no_repaired_path,
            fits=reads_images,
            beyond="extrapolated weights, after matching units, with channel statistics repaired",
            calibrated=True,
        ),
    )
}
"""Ways from one network to another, by name."""
FIRST = next(iter(METHODS))
"""name of the method that is used unless asked otherwise: the latent path"""
