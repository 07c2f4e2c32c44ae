# %% [markdown]
# # A space of your own
#
# Three steps: a zoo, a space, an evaluation. The settings here are tiny, so that all of it takes seconds; the space
# will be bad, and the numbers say so. The recipes `chairs-zoo` and `chairs-probe` are the real ones.
#
# ## A zoo
#
# Fit one small SIREN per shape. Shapes are procedural chairs here; `file_sources(folder)` reads meshes. Making a zoo
# is a generator, so you decide about printing and stopping.

# %%
from pathlib import Path

from netspace.train.fit_sdf import FitConfig, chair_sources, fit_sdf_zoo

fit = FitConfig(arch="siren64", steps=120, batch=512, samples=4000, heldout_every=3, hidden_dtype="float32")
for progress in fit_sdf_zoo(Path("zoo"), chair_sources(4), fit, workers=0):  # 0: in this process
    print(f"{progress.done}/{progress.total} {progress.name}: IoU {progress.record['fit_iou']:.2f}")

# %%
import netspace

zoo = netspace.Zoo.load("zoo")
zoo.records[["name", "split", "fit_iou", "legs"]]

# %% [markdown]
# ## A space
#
# `TrainConfig` holds all settings; the command line has the same names. Training is a generator of log entries, one
# per validation, and resumes to the same numbers after a crash.

# %%
train = netspace.TrainConfig(
    encoder="probe",
    embedding=32,
    hidden=32,
    steps=40,
    nets=2,
    points=64,
    queries=512,
    every=20,
    hidden_dtype="float32",
)
for entry in netspace.train_space(zoo, train, Path("space")):
    print(entry.step, {name: f"{value:.3g}" for name, value in {**entry.terms, **entry.measures}.items()})

# %% [markdown]
# ## An evaluation
#
# A task knows how networks of its kind are compared: embed one, decode it, and compare.

# %%
space = netspace.load("space")
task = netspace.task_of(zoo)
rows = [row for i in range(len(zoo)) if (row := task.reconstruct(space, zoo, i, resolution=32))]
for row in rows:
    print(row.name, row.split, f"agreement {row.agreement:.2f}", row.problem)

# %% [markdown]
# A low agreement after 40 steps is what to expect; the space that ships was trained for 32,000 steps and has 0.775 on
# training networks.
#
# **Next.** `netspace zoo fit-sdf --meshes FOLDER`, then `netspace train`, both as jobs that the page Jobs shows.
# [Zoos and spaces](../guides/spaces.md) covers meshes, classifiers and families.
