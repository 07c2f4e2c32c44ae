"""python examples/02_four_methods.py: accuracy half-way between two classifiers, by every method."""

import netspace


def main() -> None:
    space = netspace.load(netspace.ASSETS / "digits" / "space")
    zoo = netspace.Zoo.load(netspace.ASSETS / "digits" / "zoo")
    images = netspace.load_images("digits", "test").take(slice(60))
    best = zoo.records[zoo.records.split == "heldout"].sort_values("test_accuracy").name
    a, b = zoo[best.iloc[-1]], zoo[best.iloc[-2]]
    for method in netspace.METHODS.values():
        reason = method.applies(a, b)
        if reason:
            print(f"{method.title:16} {reason}")
            continue
        middle = method.path_between(space, a, b)(0.5)
        print(f"{method.title:16} {netspace.accuracy(netspace.classify(middle, images), images.labels):.2f}")


if __name__ == "__main__":
    main()
