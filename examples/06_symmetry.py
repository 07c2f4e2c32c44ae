"""python examples/06_symmetry.py: permute the hidden units of a network; what do function and embedding do?"""

import torch

import netspace
from netspace.align import random_element, transform


def main() -> None:
    space = netspace.load(netspace.ASSETS / "chairs" / "space-probe")  # its encoder reads answers
    zoo = netspace.Zoo.load(netspace.ASSETS / "chairs" / "zoo")
    chair = zoo["chair-0086"]
    copy = transform(chair, random_element(chair.arch, torch.Generator().manual_seed(0)))
    points = torch.rand(500, 3, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.inference_mode():
        weights = (chair.prep - copy.prep).norm() / chair.prep.norm()
        answers = (chair(points) - copy(points)).abs().max()
        a, b = space.encode(torch.stack([chair.prep, copy.prep]))
    print(f"weights differ by {weights:.0%} of their norm, answers by {answers:.1e} at most")
    print(f"embeddings differ by {(a - b).norm() / a.norm():.1e} of their norm")


if __name__ == "__main__":
    main()
