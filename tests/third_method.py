"""A third way from one network to another, as a module that is added would bring it; tests register it."""

from netspace.latent.paths import METHODS, Look, Method, WeightsPath

THIRD = Method(
    "third",
    "third way",
    Look("#7A5CC8", (2, 3), "diamond", "9"),
    ends="the original network",
    between="interpolated in a third way",
    words="As raw weights, under another name.",
    open=WeightsPath,
    beyond="extrapolated in a third way",
)


def register() -> None:
    METHODS[THIRD.name] = THIRD
