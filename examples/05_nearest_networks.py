"""python examples/05_nearest_networks.py: which chairs lie near a chair in the space?"""

import netspace
from netspace.kept import cache_folder
from netspace.latent.embeddings import embed_zoo, nearest


def main() -> None:
    space = netspace.load(netspace.ASSETS / "chairs" / "space-probe")
    zoo = netspace.Zoo.load(netspace.ASSETS / "chairs" / "zoo")
    z = embed_zoo(space, zoo, cache_folder())  # (b, E)
    one = zoo.index("chair-0120")
    found = nearest(z[one : one + 1], z, 4)
    shown = ["name", "kind", "legs", "back", "seat_height"]
    table = zoo.records.loc[found.ids[0].tolist(), shown].assign(distance=found.distances[0].tolist())
    print(table.to_string(index=False, float_format="%.3f"))


if __name__ == "__main__":
    main()
