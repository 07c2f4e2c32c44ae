"""python examples/04_mix_and_arithmetic.py: the mean of three chairs, and one chair minus another plus a third."""

import torch

import netspace
from netspace.latent.embeddings import embed
from netspace.latent.families import analogy, blend


def main() -> None:
    space = netspace.load(netspace.ASSETS / "chairs" / "space-probe")
    zoo = netspace.Zoo.load(netspace.ASSETS / "chairs" / "zoo")
    ids = [zoo.index(name) for name in ("chair-0086", "chair-0120", zoo.records.name[0])]
    z = embed(space, zoo, ids)  # (3, E)
    points = {"mean of three": blend(z, torch.full((1, 3), 1 / 3))[0], "a - b + c": analogy(*z)}
    for name, point in points.items():
        surface = netspace.surface_of(space.networks(point.unsqueeze(0))[0], resolution=32)
        print(f"{name}: {len(surface.mesh.faces):,} triangles, {surface.inside.mean():.1%} of the cube inside")


if __name__ == "__main__":
    main()
