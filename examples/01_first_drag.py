"""python examples/01_first_drag.py: decode the chair half-way between two chairs, and write its mesh."""

from pathlib import Path

import netspace
from netspace.geometry.mesh import write

OUT = Path("runs/examples")


def main() -> None:
    space = netspace.load(netspace.ASSETS / "chairs" / "space-probe")
    zoo = netspace.Zoo.load(netspace.ASSETS / "chairs" / "zoo")
    path = netspace.METHODS["latent"].open(space, zoo["chair-0086"], zoo["chair-0120"])
    chair = path(0.5)  # a network, half-way
    surface = netspace.surface_of(chair, resolution=64)
    OUT.mkdir(parents=True, exist_ok=True)
    write(surface.mesh, OUT / "half-way.ply")
    print(f"wrote {len(surface.mesh.faces):,} triangles to {OUT / 'half-way.ply'}")


if __name__ == "__main__":
    main()
