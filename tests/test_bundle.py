"""Bundles: what is packed into the one file, that nothing in it can break out of it, and what is refused."""

import base64
import gzip
import io
import json
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from app.backend import bundles
from app.backend.bundles import BundleContents, BundleOrder
from app.backend.grid_meshes import PARTS, pack_grid
from app.bundle import writing
from app.bundle.__main__ import written
from netspace.cli.bundle import drawn_pairs, named_pair
from netspace.cli.main import main
from netspace.errors import InUse, UsageError
from netspace.folders import placeless
from netspace.geometry.mesh import Surface, isosurface
from netspace.outputs import check_bundle
from netspace.zoo.store import write_zoo

HOSTILE = '</script><img src=x onerror="alert(1)"><!-- \u2028'


def surface(resolution: int, radius: float) -> Surface:
    """A sphere, which the cube cuts off where it is large."""
    axes = np.meshgrid(*[np.linspace(-1, 1, resolution + 1)] * 3, indexing="ij")
    values = (np.sqrt(sum(x**2 for x in axes)) - radius).astype(np.float32)
    return Surface(isosurface(values), values, resolution, 0)


@pytest.mark.parametrize("radius", [0.013, 0.61, 1.2])
def test_a_mesh_follows_from_signs_and_crossings(radius):
    """`pack_grid` compares what it packed with the mesh, so that it returns nothing if its triangles are others."""
    mine = surface(32, radius)
    entry, body = pack_grid(mine)
    assert (entry["vertices"], entry["triangles"]) == (len(mine.mesh.vertices), len(mine.mesh.faces))
    signs = np.unpackbits(np.frombuffer(body[: -entry["vertices"]], np.uint8))[: 33**3]
    assert (signs.reshape(33, 33, 33) == (mine.values < 0)).all()
    along = np.frombuffer(body[-entry["vertices"] :], np.uint8) / PARTS
    cells = (mine.mesh.vertices + 1) * 16
    fractions = np.abs(cells - np.floor(cells + 1e-4)).max(axis=1)  # of a vertex, whose other coordinates are whole
    assert np.abs(np.sort(along) - np.sort(fractions)).max() < 2 / PARTS


@pytest.mark.parametrize(("word", "kept"), [
    ("/home/somebody/papers/ours/space", "ours/space"), ("/space", "space"), ("runs/a.html", "runs/a.html"),
    ("chair-0086:chair-0120", "chair-0086:chair-0120"), (str(Path.cwd() / "runs" / "a.html"), "runs/a.html"),
    ("~/a.html", "a.html"), (str(Path.home() / "a.html"), "a.html"),
])  # fmt: skip
def test_a_command_tells_no_place_of_the_machine(word, kept):
    assert placeless(word) == kept


def test_a_mesh_of_another_extraction_is_not_packed_so():
    mine = surface(32, 0.6)
    assert pack_grid(mine._replace(mesh=mine.mesh._replace(faces=mine.mesh.faces[:-2]))) is None
    assert pack_grid(mine._replace(mesh=mine.mesh._replace(vertices=mine.mesh.vertices * 1.1))) is None


def contents(title: str) -> BundleContents:
    return BundleContents(title, [], None, [{"title": title, "below": [title]}], {"command": title, "note": title})


def test_no_text_ends_the_script_it_stands_in():
    page = writing.bundle_file(contents(HOSTILE), "name").content.decode()
    written_so = page.split('<script type="module">')[0]  # the page's own script has no text of others
    assert "<img" not in written_so and "<!--" not in written_so
    (index,) = re.findall(r'<script type="application/json" id="index">(.*?)</script>', page, re.DOTALL)
    assert json.loads(index)["title"] == HOSTILE and json.loads(index)["reports"][0]["below"] == [HOSTILE]
    assert page.count("<script") == page.count("</script>") == 2
    assert "default-src 'none'" in page and not re.search(r"(?:src|href)=\"?https?:", page)


@pytest.fixture
def loaded(tiny_image_space_folder, tiny_image_zoo_folder):
    return bundles.open_both_at(tiny_image_space_folder, tiny_image_zoo_folder)


def test_what_exceeds_the_limit_becomes_a_folder_of_scripts(loaded, monkeypatch):
    held = bundles.gathered(loaded, BundleOrder([(0, 1)], steps=2, map="pca"))
    whole = writing.bundle_file(held, "mine")
    assert whole.suffix == ".html" and whole == writing.bundle_file(held, "mine")
    monkeypatch.setattr(writing, "MOST_IN_FILE", 1000)
    suffix, content = writing.bundle_file(held, "mine")
    assert suffix == ".zip" and content == writing.bundle_file(held, "mine").content
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        assert files.namelist()[0] == "mine/index.html"
        assert set(files.namelist()[1:]) == {
            f"mine/data/{name}.js" for name in ("path-0", "mediabunny", "map", "looks", "cards")
        }
        told = files.read("mine/data/cards.js").decode()
        assert "part-path-0" not in files.read("mine/index.html").decode()
    name, text = json.loads(f"[{told.removeprefix('netspacePart(').removesuffix(');' + chr(10))}]")
    cards = json.loads(gzip.decompress(base64.b64decode(text)))
    assert name == "cards" and len(cards["near"]) == len(loaded.zoo) and len(cards["facts"]["psnr"]) == len(loaded.zoo)
    trained = set(loaded.zoo.ids("train"))
    assert all(j != i and j in trained for i, near in enumerate(cards["near"]) for j, _ in near)


def test_what_is_asked_for_once_more_makes_the_same_bytes(loaded, tmp_path):
    asked = {"space": str(loaded.space_info.folder), "zoo": str(loaded.zoo_info.folder), "pairs": [[0, 1]]}
    asked |= {"methods": [], "steps": 2, "map": "none", "score": [], "command": "as typed"}
    made = [written(asked | {"out": str(tmp_path / name)}) for name in ("a.html", "b.html")]
    one, other = ((tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert one == other and made[0] == {"written": str(tmp_path / "a.html"), "bytes": len(one), "large": False}
    check_bundle(tmp_path / "a.html")
    assert b"as typed" in one


def test_what_is_recorded_of_places_is_not_in_a_bundle(tiny_image_space_folder, tiny_image_zoo, tmp_path):
    """A bundle is for others, whoever makes it: no path of this machine is in it, from wherever it was read."""
    place, space, zoo = "/home/somebody/papers/unpublished", tmp_path / "space", tmp_path / "zoo"
    shutil.copytree(tiny_image_space_folder, space)
    records = tiny_image_zoo.records.assign(origin=f"{place}/net.pt")
    write_zoo(zoo, tiny_image_zoo.family, records, tiny_image_zoo.weights, {"made_by": f"{place}/make"})
    for folder in (space, zoo):
        (folder / "README.md").write_text(f"Made from {place}/nets.")
    about = json.loads((space / "config.json").read_text())
    (space / "config.json").write_text(json.dumps(about | {"command": f"python -m netspace train --zoo {place}/zoo"}))
    asked = {"space": str(space), "zoo": str(zoo), "pairs": [[0, 1]], "out": str(tmp_path / "a.html")}
    written(asked | {"methods": ["latent"], "steps": 2, "map": "pca", "score": [], "command": "as typed"})
    page = (tmp_path / "a.html").read_text()
    parts = re.findall(r'<script type="text/plain" id="part-[^"]+">(.*?)</script>', page)
    held = page.encode() + b"".join(gzip.decompress(base64.b64decode(part)) for part in parts)
    assert b"origin" in held and b"nets." not in held
    for told in (place, str(tmp_path)):
        assert told.encode() not in held, held[held.index(told.encode()) - 300 :][:400]


def test_a_page_of_the_app_offers_what_is_in_view_and_no_paths_to_visitors(loaded, monkeypatch):
    monkeypatch.setattr(bundles, "_map_at_hand", lambda loaded: "pca")
    monkeypatch.setattr(writing, "STEPS", 5)  # of the app's 33
    monkeypatch.setenv("NETSPACE_VISITORS", "1")
    make = writing.pair_bundle(loaded, (0, 1))
    monkeypatch.setenv("NETSPACE_VISITORS", "0")  # what is offered is as whoever it was offered to may have it
    page = make().decode()
    assert page.startswith("<!doctype html>") and str(loaded.zoo_info.folder.parent) not in page
    (index,) = re.findall(r'id="index">(.*?)</script>', page, re.DOTALL)
    (path,) = json.loads(index)["paths"]
    assert path["data"]["steps"] == 5 and list(path["commands"]) == ["latent", "weights"]
    assert json.loads(index)["map"] and json.loads(index)["made"]["command"] == ""


def test_pairs_are_named_or_drawn(tiny_image_zoo):
    names = tiny_image_zoo.records.name
    assert named_pair(tiny_image_zoo, f"{names[3]}:{names[1]}") == (3, 1)
    drawn = drawn_pairs(tiny_image_zoo, 20, seed=1)
    assert len(set(drawn)) == 20 and drawn == drawn_pairs(tiny_image_zoo, 20, seed=1) != drawn_pairs(
        tiny_image_zoo, 20, 2
    )
    assert {i for pair in drawn for i in pair} <= set(tiny_image_zoo.ids("train")) and all(a != b for a, b in drawn)
    with pytest.raises(UsageError, match="--random 300 is more than the 240 pairs"):
        drawn_pairs(tiny_image_zoo, 300, 0)


def test_bad_input_is_one_sentence(tiny_image_space_folder, tiny_image_zoo_folder, tmp_path, capsys):
    both = [
        "--space",
        str(tiny_image_space_folder),
        "--zoo",
        str(tiny_image_zoo_folder),
        "--out",
        str(tmp_path / "a.html"),
    ]
    (tmp_path / "mine.html").write_text("<p>mine")
    (tmp_path / "other.zip").write_text("mine")
    for words, sentence in (
        (["--pairs", "nobody:digit-0001"], "nobody"),
        (["--pairs", "digit-0001"], "'digit-0001' is no pair; name two networks as A:B"),
        ([], "name the paths by --pairs A:B"),
        (["--random", "1", "--methods", "latent", "magic"], "invalid choice: 'magic'"),
        (["--random", "1", "--out", str(tmp_path / "mine.html")], "mine.html exists already and is no bundle"),
        (["--random", "1", "--out", str(tmp_path / "other.html")], "other.zip exists already and is no bundle"),
        (["--random", "1", "--out", str(tmp_path / "a.txt")], "to be written as .html or .zip"),
    ):
        assert main(["bundle", *both, *words]) == 2
        said = capsys.readouterr().err
        assert said.startswith("netspace: ") and said.count("\n") == 1 and sentence in said, said
    with pytest.raises(InUse):
        check_bundle(tmp_path / "mine.html")


def test_reports_are_of_the_space(loaded, tmp_path):
    with pytest.raises(UsageError, match=r"holds none of score\.json, audit\.json, symmetry\.json"):
        bundles.reports_for(loaded, [tmp_path])
    (tmp_path / "audit.json").write_text(json.dumps({"space": {"content": "of another"}, "command": "", "columns": []}))
    with pytest.raises(UsageError, match="is of another space than space"):
        bundles.reports_for(loaded, [tmp_path])
