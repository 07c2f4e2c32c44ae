"""python examples/09_own_zoo_and_space.py: fit SIRENs to pictures, train a space on them, evaluate it."""

import shutil
from pathlib import Path

import netspace
from netspace.train.fit_image import ImageConfig, fit_image_zoo

OUT = Path("runs/examples/fields")


def main() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    config = ImageConfig(count=12, validation=2, heldout=2, steps=60)
    for progress in fit_image_zoo(OUT / "zoo", config, workers=0, group=12):
        print(f"{progress.name}: PSNR {progress.record['psnr']:.1f} dB")
    zoo = netspace.Zoo.load(OUT / "zoo")
    settings = netspace.TrainConfig(
        encoder="probe", embedding=16, hidden=32, steps=30, nets=4, points=64, queries=256, every=15, lr=3e-3,
        hidden_dtype="float32",
    )  # fmt: skip
    for entry in netspace.train_space(zoo, settings, OUT / "space"):
        print(f"step {entry.step}:", {name: round(value, 4) for name, value in entry.measures.items()})
    print(netspace.task_of(zoo).reconstruct(netspace.load(OUT / "space"), zoo, 0))


if __name__ == "__main__":
    main()
