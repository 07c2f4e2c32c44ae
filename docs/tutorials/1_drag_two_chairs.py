# %% [markdown]
# # Drag two chairs
#
# Two SIRENs each hold the signed distance of one chair. We walk from one to the other three times: through the latent
# space, through raw weights, and through weights whose units are matched first. A few seconds on one core.

# %%
import netspace

space = netspace.load(netspace.ASSETS / "chairs" / "space-probe")
zoo = netspace.Zoo.load(netspace.ASSETS / "chairs" / "zoo")
print(f"{len(zoo)} networks of {zoo.family.archs[0].num_params:,} parameters")
both = zoo.records.name.isin(["chair-0086", "chair-0120"])
zoo.records.loc[both, ["name", "split", "fit_iou", "legs", "seat_height"]]

# %% [markdown]
# A zoo gives networks by name. A network is a function: points in [-1, 1]^3 to signed distances, negative inside.

# %%
import torch

a, b = zoo["chair-0086"], zoo["chair-0120"]
points = torch.tensor([[0.0, 0.0, 0.0], [0.9, 0.9, 0.9]])
a(points)

# %% [markdown]
# ## Open a path once, decode it anywhere
#
# A method opens a path between two networks; the path is a function from gamma to a network. Every network on the
# latent path is decoded from an embedding, also those at the ends.

# %%
paths = {name: netspace.METHODS[name].open(space, a, b) for name in ("latent", "weights", "aligned")}
middle = paths["latent"](0.5)
surface = netspace.surface_of(middle, resolution=32)
print(f"{len(surface.mesh.faces):,} triangles from {surface.evaluations:,} evaluations instead of {33**3:,}")

# %% [markdown]
# ## What is left half-way?
#
# The share of the cube that is inside says at a glance whether there still is a chair.

# %%
grid = torch.linspace(-1, 1, 24)
cube = torch.stack(torch.meshgrid(grid, grid, grid, indexing="ij"), dim=-1).reshape(-1, 3)  # (n, 3)


def inside(network) -> float:
    """Share of the cube that is inside the shape."""
    with torch.inference_mode():
        return (network(cube) < 0).float().mean().item()


gammas = [0, 0.25, 0.5, 0.75, 1]
shares = {name: [inside(network) for network in path.networks(gammas)] for name, path in paths.items()}
for name, values in shares.items():
    print(f"{name:8}", *(f"{value:.3f}" for value in values))

# %% [markdown]
# Raw weights lose the chair. Matched weights keep only specks of it half-way, although the signs and phases of the
# sines are matched as well as the order of the units. The latent path keeps a chair all the way.

# %%
import matplotlib.pyplot as plt

for name, values in shares.items():
    look = netspace.METHODS[name].look
    plt.plot(gammas, values, color=look.colour, label=netspace.METHODS[name].title)
plt.xlabel("gamma")
plt.ylabel("share of the cube that is inside")
plt.legend()
plt.gcf().set_size_inches(5, 3)

# %% [markdown]
# ## See it
#
# A film strip of the latent path, as `netspace interpolate --export film` writes it.

# %%
import io

from netspace.export import EXPORTS
from netspace.export.table import PathSubject
from netspace.tasks import task_of
from PIL import Image

task, method = task_of(zoo), netspace.METHODS["latent"]
measure = task.measuring(a, b, resolution=32)
steps = [measure(network) for network in paths["latent"].networks(gammas)]
Image.open(io.BytesIO(EXPORTS["film"].write(PathSubject(task, method.title, method.look, gammas, steps))))

# %% [markdown]
# **Next.** In the app, the page Shapes does this at 64^3 and 33 steps while you drag. [Concepts](../concepts.md) says
# what the latent space is and is not.
