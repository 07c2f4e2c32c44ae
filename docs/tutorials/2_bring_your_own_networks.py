# %% [markdown]
# # Bring your own networks
#
# You have trained networks elsewhere, with your own code and your own names for layers. Here we fit a SIREN to a ball
# in plain PyTorch, save its state dict, and import it next to the chairs.

# %%
import torch
from torch import nn

torch.manual_seed(0)


class Sine(nn.Module):
    def forward(self, x):
        return torch.sin(30 * x)


def linear(inputs: int, outputs: int, first: bool = False) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    bound = 1 / inputs if first else (6 / inputs) ** 0.5 / 30
    nn.init.uniform_(layer.weight, -bound, bound)
    return layer


mine = nn.Sequential(linear(3, 64, True), Sine(), linear(64, 64), Sine(), linear(64, 64), Sine(), linear(64, 1))
adam = torch.optim.Adam(mine.parameters(), lr=1e-3)
for _ in range(250):
    x = torch.rand(512, 3) * 2 - 1
    loss = (mine(x) - (x.norm(dim=1, keepdim=True) - 0.5)).square().mean()  # signed distance of a ball
    adam.zero_grad()
    loss.backward()
    adam.step()
print(f"mean squared error {loss.item():.1e}")

# %% [markdown]
# Save it as anybody would. Nothing in the file says that the activation is a sine, nor its factor.

# %%
from pathlib import Path

Path("theirs").mkdir()
torch.save(mine.state_dict(), "theirs/ball.pt")
list(mine.state_dict())

# %% [markdown]
# ## Import
#
# The importer recognizes the layers by their shapes. Whatever a state dict leaves open is detected if the values allow
# it, declared by you, or asked for. The pickle is read by an unpickler that can build tensors and nothing else.

# %%
import netspace

imported = netspace.import_networks(Path("theirs"), Path("imported"))
print("refused:", imported.refused)
for note in imported.notes:
    print("note:", note)
zoo = netspace.Zoo.load("imported")
zoo.records[["name", "arch", "function"]]

# %% [markdown]
# The imported network answers as the original does:

# %%
x = torch.rand(1000, 3) * 2 - 1
with torch.inference_mode():
    difference = (zoo["ball"](x) - mine(x)).abs().max()
print(f"largest difference {difference:.1e}")

# %% [markdown]
# ## Where is it among the chairs?
#
# A space embeds networks of its own architecture, and the chairs are wider SIRENs than the ball (`siren256`). So we
# take two held-out chairs, save them as somebody else would, and import them for that space.

# %%
space = netspace.load(netspace.ASSETS / "chairs" / "space-probe")
chairs = netspace.Zoo.load(netspace.ASSETS / "chairs" / "zoo")
names = chairs.records.name[chairs.records.split == "heldout"].tolist()[:2]
Path("others").mkdir()
for name in names:
    torch.save({f"net.{k}": v.clone() for k, v in chairs[name].params.items()}, f"others/{name}.pt")
found = netspace.import_networks(Path("others"), Path("placed"), space.family)
others = netspace.Zoo.load("placed")
others.records[["name", "arch", "function"]]

# %%
from netspace.evaluate.placement import place_networks
from netspace.latent.embeddings import embed

training = chairs.ids("train")[:40]
known = embed(space, chairs, training)  # (40, 256)
places = place_networks(space, others, range(len(others)), known, [chairs.records.name[i] for i in training])
for place in places:
    print(f"{place.name}: 1 - IoU of its decode {place.error:.2f}, nearest {place.nearest}", place.why)

# %% [markdown]
# On the command line: `netspace zoo import FOLDER --out runs/imports/mine/zoo --space ... --among ...`, and in the app
# the button on the page Map. [Importing networks](../guides/importing.md) lists what is detected and what you declare.
