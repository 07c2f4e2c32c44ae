"""python examples/07_family_walk.py: walk from LeNetLike to ResNet32; which architecture does the space decode?"""

import netspace


def main() -> None:
    space = netspace.load(netspace.ASSETS / "digits-family" / "space")
    zoo = netspace.Zoo.load(netspace.ASSETS / "digits-family" / "zoo")
    first = {arch: zoo.records.name[zoo.records.arch == arch].iloc[0] for arch in zoo.records.arch.unique()}
    path = netspace.METHODS["latent"].open(space, zoo[first["lenetlike/digits"]], zoo[first["resnet32/digits"]])
    gammas = [k / 12 for k in range(13)]
    sure = path.class_logits(gammas).softmax(dim=1)  # (s, A)
    for gamma, network, row in zip(gammas, path.networks(gammas), sure, strict=True):
        print(f"gamma {gamma:.2f}: {network.arch.name}, {row.max():.0%}, {network.arch.num_params:,} parameters")


if __name__ == "__main__":
    main()
