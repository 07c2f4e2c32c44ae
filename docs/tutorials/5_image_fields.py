# %% [markdown]
# # Image fields
#
# A SIREN can hold a picture: a position (2) goes in, a grey value comes out. Fitting one takes a fraction of a second,
# so this is the quickest way to see the whole pipeline on networks of your own.

# %%
from pathlib import Path

import netspace
from netspace.train.fit_image import ImageConfig, fit_image_zoo

config = ImageConfig(images="digits", count=24, validation=4, heldout=4)
made = list(fit_image_zoo(Path("zoo"), config, workers=0, group=24))  # in this process, all at once
zoo = netspace.Zoo.load("zoo")
print(f"{len(made)} networks, PSNR of the last {made[-1].record['psnr']:.1f} dB")
zoo.records[["name", "split", "label", "psnr"]].head(3)

# %% [markdown]
# ## Train a space on them

# %%
train = netspace.TrainConfig(
    encoder="probe",
    embedding=32,
    hidden=32,
    steps=120,
    nets=4,
    points=64,
    queries=256,
    every=60,
    lr=3e-3,
    hidden_dtype="float32",
)
for entry in netspace.train_space(zoo, train, Path("space")):
    print(entry.step, {name: f"{value:.3g}" for name, value in entry.measures.items()})
space = netspace.load("space")

# %% [markdown]
# ## From one picture to another

# %%
import matplotlib.pyplot as plt

a, b = zoo["digit-0000"], zoo["digit-0006"]
task, gammas = netspace.task_of(zoo), [0, 0.25, 0.5, 0.75, 1]
figure, axes = plt.subplots(2, len(gammas), figsize=(6, 2.6))
for row, name in zip(axes, ("latent", "weights"), strict=True):
    for axis, network in zip(row, netspace.METHODS[name].open(space, a, b).networks(gammas), strict=True):
        axis.imshow(task.show(network), cmap="gray", vmin=0, vmax=1)
        axis.set_axis_off()
    row[0].set_title(netspace.METHODS[name].title, loc="left", fontsize=9)

# %% [markdown]
# With 16 training networks and 120 steps the pictures are blurred. The space that ships with the repository
# (`assets/digits-images`) was trained on 400 networks and decodes held-out pictures with a median PSNR of 28.6 dB.
#
# **Next.** The page Pictures shows such spaces; `--images` takes a folder of your own
# ([guide](../guides/spaces.md#image-fields)).
