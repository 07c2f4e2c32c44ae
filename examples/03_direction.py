"""python examples/03_direction.py: raise the seat of a chair along the direction of a column, and measure it."""

import netspace
from netspace.kept import cache_folder
from netspace.latent.directions import direction_of
from netspace.latent.embeddings import embed_zoo


def main() -> None:
    space = netspace.load(netspace.ASSETS / "chairs" / "space-probe")
    zoo = netspace.Zoo.load(netspace.ASSETS / "chairs" / "zoo")
    z = embed_zoo(space, zoo, cache_folder())  # (b, E); embeddings of what ships are computed in advance
    direction = direction_of(z, zoo.records, "seat_height", zoo.ids("train"))
    print(f"R2 {direction.r2:.2f} on {direction.count} networks")
    measure = netspace.task_of(zoo).columns["seat_height"]
    chair = zoo.index("chair-0086")
    for by in (-0.15, 0.0, 0.15):
        moved = space.networks(direction.move(z[chair], by).reshape(1, -1))[0]
        print(f"moved by {by:+.2f}: seat height {measure(moved, 64):.2f}")


if __name__ == "__main__":
    main()
