"""python examples/10_new_method.py: add a method of your own; everything that reads the table METHODS then has it.

This one walks along the sphere between two embeddings (Shoemake 1985) instead of the straight line.
"""

from collections.abc import Sequence

import torch

import netspace
from netspace.latent.paths import LatentPath, Look, Method


class SphericalPath(LatentPath):
    """Spherical interpolation of two embeddings; their lengths are interpolated linearly."""

    def embeddings(self, gammas: Sequence[float]) -> torch.Tensor:
        """Return the embeddings (s, E) at the positions."""
        lengths = self.ends.norm(dim=1, keepdim=True)  # (2, 1)
        a, b = self.ends / lengths
        angle = torch.acos((a @ b).clamp(-1, 1))
        gamma = torch.tensor(gammas).unsqueeze(1)  # (s, 1)
        turned = (torch.sin((1 - gamma) * angle) * a + torch.sin(gamma * angle) * b) / torch.sin(angle)
        return turned * torch.lerp(lengths[0], lengths[1], gamma)


SPHERICAL = Method(
    "spherical",
    "spherical path",
    Look("#7A5CC8", (2, 3), "diamond", "5"),
    ends="decoded from its embedding",
    between="decoded from the spherically interpolated embedding",
    words="Both networks are embedded, and every step is decoded from the arc between the embeddings.",
    open=SphericalPath,
    embedded=True,
)


def main() -> None:
    netspace.METHODS[SPHERICAL.name] = SPHERICAL
    space = netspace.load(netspace.ASSETS / "chairs" / "space-probe")
    zoo = netspace.Zoo.load(netspace.ASSETS / "chairs" / "zoo")
    for name in ("latent", "spherical"):
        path = netspace.METHODS[name].open(space, zoo["chair-0086"], zoo["chair-0120"])
        surface = netspace.surface_of(path(0.5), resolution=32)
        print(f"{netspace.METHODS[name].title}: {surface.inside.mean():.2%} of the cube is inside half-way")


if __name__ == "__main__":
    main()
