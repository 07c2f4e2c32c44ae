"""python examples/08_export.py: write a decoded network as a plain state dict, and read it without this library."""

from pathlib import Path

import torch

import netspace
from netspace.export import EXPORTS
from netspace.export.table import NetworkSubject

OUT = Path("runs/examples")


def main() -> None:
    space = netspace.load(netspace.ASSETS / "digits" / "space")
    zoo = netspace.Zoo.load(netspace.ASSETS / "digits" / "zoo")
    network = space.networks(space.encode(zoo.preps([0])))[0]
    OUT.mkdir(parents=True, exist_ok=True)
    for name in ("pt", "zip"):
        path = OUT / f"decoded.{EXPORTS[name].suffix}"
        path.write_bytes(EXPORTS[name].write(NetworkSubject(network, {"decoded_from": zoo.records.name[0]})))
        print(f"{EXPORTS[name].words}: {path}, {path.stat().st_size:,} bytes")
    print(len(torch.load(OUT / "decoded.pt", weights_only=True)), "entries read back")


if __name__ == "__main__":
    main()
