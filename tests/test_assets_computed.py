"""What is shipped computed belongs to what ships, and is what would be computed here."""

import re
from pathlib import Path

import pytest
import torch
from sklearn.manifold import trustworthiness

import netspace
from app.backend import catalogue
from app.backend.moves import BEYOND
from app.tasks import app_task
from netspace.kept import SHIPPED
from netspace.latent.directions import LEAST, columns_of, direction_of
from netspace.latent.embeddings import embed, embed_zoo
from netspace.latent.families import beyond
from netspace.latent.projection import Plane, UmapConfig, UmapMap
from netspace.zoo.store import TRAIN

ASSETS = Path(__file__).resolve().parent.parent / "assets"
PAIRS = sorted((p.parent, p.parent.parent / "zoo") for p in ASSETS.glob("*/space*/config.json"))
CARD = (SHIPPED / "README.md").read_text()


def name(folder: Path) -> str:
    return folder.relative_to(ASSETS).as_posix()


@pytest.mark.parametrize(("space", "zoo"), PAIRS, ids=[name(space) for space, _ in PAIRS])
def test_embeddings_and_map_are_there_and_right(space, zoo, tmp_path, monkeypatch):
    space_, zoo_ = netspace.load(space), netspace.Zoo.load(zoo)
    ids = [0, len(zoo_) // 2, len(zoo_) - 1]
    computed = embed(space_, zoo_, ids)
    monkeypatch.setattr(netspace.NetSpace, "encode", None)
    z = embed_zoo(space_, zoo_, tmp_path)
    assert torch.allclose(z[ids], computed, rtol=1e-3, atol=1e-4)
    known = UmapMap.kept(z, UmapConfig(), tmp_path)
    assert known is not None and known.places.shape == (len(zoo_), 2)
    assert torch.allclose(known.place(computed), known.places[ids], atol=1e-4), "imported again, they lie at their dots"
    assert not list(tmp_path.iterdir())
    trusted = trustworthiness(z.numpy(), known.places.numpy(), n_neighbors=5)
    assert f"| `{name(space)}` | {len(zoo_)} | {trusted:.3f} |" in CARD


@pytest.mark.parametrize(("space", "zoo"), PAIRS, ids=[name(space) for space, _ in PAIRS])
def test_what_a_map_knows_lies_at_its_dot(space, zoo, tmp_path):
    """Own places of all networks, alone and in company, and both ends of the path that the app opens with."""
    found = {entry.folder: entry for entry in catalogue.find()}
    mine = catalogue.load(found[space], found[zoo])
    zoo_, z = mine.zoo, embed_zoo(mine.space, mine.zoo, tmp_path)
    train, columns = zoo_.ids(TRAIN), columns_of(zoo_.records)
    umap, plane = UmapMap.kept(z, UmapConfig(), tmp_path), Plane.of(z[train])
    maps = [(umap, umap.places), (plane, plane.place(z))]
    if columns and len(train) >= LEAST:
        read = direction_of(z, zoo_.records, columns[0], train, [])
        along = Plane.along(z[train], torch.stack([read.coef, plane.axes[1]]))
        maps.append((along, along.place(z)))
    pair = list(app_task(mine).default_pair(mine))
    path = beyond(z[pair], ["A", "B"], BEYOND).z
    for known, dots in maps:
        apart = torch.cdist(dots, dots).fill_diagonal_(torch.inf).amin(dim=1).median()
        assert (known.place(z) - dots).norm(dim=1).max() < 1e-4 * apart
        assert (known.place(z[pair[:1]]) - dots[pair[:1]]).norm() < 1e-4 * apart
        ends = known.place(path)[[BEYOND.index(0), BEYOND.index(1)]]
        assert (ends - dots[pair]).norm(dim=1).max() < 1e-4 * apart


def test_nothing_else_is_there():
    kinds = [file.parent.name for file in SHIPPED.rglob("*.*") if file.name != "README.md"]
    assert sorted(kinds) == ["embeddings"] * len(PAIRS) + ["maps"] * len(PAIRS)
    for heading in ("Command", "Seed", "Data", "Time", "Machine", "Date"):
        assert re.search(rf"^\| {heading} \| .+ \|$", CARD, re.MULTILINE), heading


def test_what_is_damaged_is_computed(tmp_path, monkeypatch):
    """A damaged file in either place costs time, and is not given out."""
    torch.manual_seed(0)
    z, config = torch.randn(6, 3), UmapConfig(neighbours=2)
    made = UmapMap(z, torch.randn(6, 2), config)
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    monkeypatch.setattr("netspace.kept.SHIPPED", shipped)
    made.write_kept(shipped)
    assert torch.equal(UmapMap.kept(z, config, own).places, made.places)
    UmapMap(z, made.places + 1, config).write_kept(own)
    assert torch.equal(UmapMap.kept(z, config, own).places, made.places + 1), "what is the user's comes first"
    (file,) = own.rglob("*.npy")
    file.write_bytes(file.read_bytes()[:-4])
    assert torch.equal(UmapMap.kept(z, config, own).places, made.places)
    (file,) = shipped.rglob("*.npy")
    file.write_bytes(b"")
    assert UmapMap.kept(z, config, own) is None
    assert UmapMap.kept(z, UmapConfig(neighbours=3), own) is None
