# %% [markdown]
# # Classifiers and latent space optimization
#
# The digits zoo holds ResNet8 classifiers that were stopped early or late, so their accuracy ranges from a guess to 98
# %. We walk from a weak one to a strong one, and then let gradient descent find the way.

# %%
import netspace

space = netspace.load(netspace.ASSETS / "digits" / "space")
zoo = netspace.Zoo.load(netspace.ASSETS / "digits" / "zoo")
ranked = zoo.records[zoo.records.split == "train"].sort_values("test_accuracy")
weak, strong = ranked.name.iloc[0], ranked.name.iloc[-1]
ranked[["name", "epochs", "test_accuracy"]].iloc[[0, len(ranked) // 2, -1]]

# %% [markdown]
# ## Walk

# %%
images = netspace.load_images("digits", "test")
some = images.take(slice(90))


def accuracy(network) -> float:
    return netspace.accuracy(netspace.classify(network, some), some.labels)


gammas = [0, 0.25, 0.5, 0.75, 1]
for name in ("latent", "weights"):
    path = netspace.METHODS[name].open(space, zoo[weak], zoo[strong])
    print(f"{name:8}", *(f"{accuracy(network):.2f}" for network in path.networks(gammas)))

# %% [markdown]
# Accuracy rises along the latent path. Through raw weights it may fall to a guess before it recovers.
#
# ## Optimize
#
# Latent space optimization freezes the space and moves one embedding, so that the *decoded* network gets better at
# what is asked of it: here, the labels of the training images (Eq. 4). `optimise` is a generator of log entries.

# %%
from pathlib import Path

from netspace.tasks import task_of

config = netspace.LsoConfig(loss="task", steps=24, lr=4e-2, points=32, queries=128, every=12)
start = netspace.start_from(space, zoo, weak)
goal = task_of(space).goal(space, config)
for entry in netspace.optimise(space, start, goal, config, Path("lso")):
    print(entry.step, {name: round(value, 3) for name, value in entry.measures.items()}, "*" if entry.best else "")

# %%
result = netspace.read_result(Path("lso"))
{name: round(value, 3) for name, value in result.test.items()}

# %% [markdown]
# *start* is what the space decodes for the weak network, *best* is selected on validation images and tested once. With
# the 600 steps of the recipe `digits-lso`, the best reaches 0.98. It comes close to the best network of the zoo and
# does not exceed it ([results](../results.md)).
#
# **Next.** The page Optimise shows the same while it runs, and `netspace lso --help` lists teachers and targets.
