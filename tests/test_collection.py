"""All files of a path as one zip: made again from its recipe byte for byte, and a recipe of elsewhere is data."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from app.backend import bundles, catalogue, take_away, visitors
from app.tasks import app_task
from netspace.cli.main import main
from netspace.cli.remake import compared
from netspace.errors import FormatError, InUse, UsageError
from netspace.export import EXPORTS, collection
from netspace.export.archives import undated_zip
from netspace.export.collection import RECIPE, Collected, Recipe
from netspace.export.table import NetworkSubject
from netspace.zoo.store import Zoo, select

KINDS = {
    "shapes": ("tiny_space_folder", "tiny_zoo_folder", {"glb", "zip"}),
    "pictures": ("tiny_image_space_folder", "tiny_image_zoo_folder", {"png", "zip"}),
    "classifiers": ("tiny_cnn_space_folder", "tiny_cnn_zoo_folder", {"safetensors"}),
}


@pytest.fixture(params=KINDS)
def both(request):
    space, zoo, files = KINDS[request.param]
    return request.getfixturevalue(space), request.getfixturevalue(zoo), files


def collect(space, zoo, out, *more: str) -> int:
    names = Zoo.load(zoo).records.name
    words = ["collect", "--space", str(space), "--zoo", str(zoo), "--a", names[0], "--b", names[1]]
    return main([*words, "--steps", "3", "--resolution", "32", *more, "--out", str(out)])


def contents(path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as held:
        assert held.testzip() is None
        return {name: held.read(name) for name in held.namelist()}


def test_a_collection_is_made_again_byte_for_byte(both, tmp_path, capsys):
    space, zoo, per_step = both
    first, again = tmp_path / "first.zip", tmp_path / "again.zip"
    assert collect(space, zoo, first) == 0
    capsys.readouterr()
    assert main(["remake", str(first), "--space", str(space), "--zoo", str(zoo), "--out", str(again)]) == 0
    held = contents(first)
    sums = json.loads(held.pop(RECIPE))["files"]
    assert sums == {name: hashlib.sha256(content).hexdigest() for name, content in held.items()}
    assert f"{len(held)} of {len(held)} files are equal byte for byte" in capsys.readouterr().out
    assert first.read_bytes() == again.read_bytes()
    whole = {name for name in held if name.startswith("path/path.")}
    assert whole >= {"path/path.csv", "path/path.gif", "path/path.mp4"}
    assert {f"map/map.{kind}" for kind in ("png", "svg", "pdf")} <= set(held)
    found = {name.rpartition(".")[2] for name in held if name not in whole and name.startswith("path/")}
    assert found and found <= per_step, "a shape without a surface has no mesh"
    assert Image.open(io.BytesIO(held["path/path.gif"])).n_frames >= 1
    assert str(tmp_path).encode() not in b"".join(held.values()), "nothing tells of the machine"


def test_the_network_of_a_path_as_a_zip_tells_no_time(tiny_zoo, monkeypatch):
    made = []
    for now in (1_000_000_000.0, 1_700_000_000.0):
        monkeypatch.setattr("time.time", lambda now=now: now)
        made.append(EXPORTS["zip"].write(NetworkSubject(tiny_zoo[0])))
    assert made[0] == made[1]


def test_another_zoo_or_space_than_the_recipes_is_refused(tiny_space_folder, tiny_zoo_folder, tmp_path, capsys):
    made, part, out = tmp_path / "made.zip", tmp_path / "part", tmp_path / "out.zip"
    assert collect(tiny_space_folder, tiny_zoo_folder, made, "--map", "none") == 0
    select(Zoo.load(tiny_zoo_folder), [0, 1, 2], part)
    words = ["remake", str(made), "--space", str(tiny_space_folder), "--out", str(out)]
    assert main([*words, "--zoo", str(part)]) == 2
    assert "the recipe was made with another zoo" in capsys.readouterr().err
    assert main(words) == 2 and not out.exists()
    assert "name its folder by --zoo" in capsys.readouterr().err


GOOD = {
    "space": "a", "zoo": "b", "space_content": "c", "zoo_content": "d", "a": "net-0", "b": "net-1", "method": "latent",
    "steps": 3, "resolution": 32, "fps": 20, "map": "pca",
}  # fmt: skip


def zipped(recipe: object = None, **changed: object) -> bytes:
    about = {"format": 1, "recipe": GOOD if recipe is None else recipe, "files": {}} | changed
    return undated_zip({RECIPE: json.dumps(about).encode()})


BAD = {
    "no zip": (b"hello", "no zip that"),
    "empty": (b"", "no zip that"),
    "another zip": (undated_zip({"a.txt": b"a"}), "holds no recipe.json"),
    "no JSON": (undated_zip({RECIPE: b"{"}), "not valid JSON"),
    "deep": (undated_zip({RECIPE: b"[" * 100_000}), "not valid JSON"),
    "a list": (undated_zip({RECIPE: b"[1]"}), "no JSON object"),
    "newer": (zipped(format=2), "collection format 2"),
    "no files": (zipped(files=[]), "no usable 'files'"),
    "files of numbers": (zipped(files={"a": 1}), "no usable 'files'"),
    "no recipe": (zipped(recipe=3), "no usable 'recipe'"),
    "a field less": (zipped({k: v for k, v in GOOD.items() if k != "b"}), "has no 'b'"),
    "a number for a name": (zipped(GOOD | {"a": 1}), "no usable 'a'"),
    "true for a number": (zipped(GOOD | {"steps": True}), "no usable 'steps'"),
    "no such method": (zipped(GOOD | {"method": "magic"}), "the method 'magic'"),
    "no such map": (zipped(GOOD | {"map": "x"}), "the map 'x'"),
    "no such grid": (zipped(GOOD | {"resolution": 100_000}), "the resolution 100000"),
    "too many steps": (zipped(GOOD | {"steps": 10**9}), "at most 201"),
    "one step": (zipped(GOOD | {"steps": 1}), "at least 2"),
    "no frames": (zipped(GOOD | {"fps": 0}), "at least 1"),
    "cut": (zipped()[:-30], "no zip that"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_recipe_that_is_none_is_refused_in_a_sentence(case, tmp_path, capsys):
    content, words = BAD[case]
    path = tmp_path / "bad.zip"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=words):
        Collected.read(path)
    assert main(["remake", str(path), "--out", str(tmp_path / "out.zip")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["bad.zip"]


def test_damaged_bytes_of_a_zip_are_told(tmp_path):
    path, content = tmp_path / "bad.zip", bytearray(zipped())
    content[60:70] = bytes(10)
    path.write_bytes(content)
    with pytest.raises(FormatError):
        Collected.read(path)


def test_a_recipe_of_elsewhere_decides_no_folder(tmp_path, tiny_space_folder, tiny_zoo_folder, monkeypatch, capsys):
    monkeypatch.setenv("NETSPACE_STATE", str(tmp_path / "state"))
    for name in (str(tiny_space_folder), "../../etc", "/etc", ""):
        path = tmp_path / "theirs.zip"
        path.write_bytes(zipped(GOOD | {"space": name}))
        assert main(["remake", str(path), "--zoo", str(tiny_zoo_folder), "--out", str(tmp_path / "o.zip")]) == 2
        assert "name its folder by --space" in capsys.readouterr().err
    (tmp_path / "recipe.json").write_text(json.dumps({"format": 1, "recipe": GOOD, "files": {}}))
    assert Collected.read(tmp_path / "recipe.json").recipe == Recipe(**GOOD)
    assert {f.name for f in fields(Recipe)} == set(GOOD)


def test_only_a_collection_is_replaced(tmp_path, tiny_space_folder, tiny_zoo_folder, capsys):
    kept = tmp_path / "photos.zip"
    kept.write_bytes(undated_zip({"a.jpg": b"a"}))
    before = kept.read_bytes()
    assert collect(tiny_space_folder, tiny_zoo_folder, kept) == 2 and kept.read_bytes() == before
    assert "is no collection" in capsys.readouterr().err
    with pytest.raises(InUse):
        collection.check_replaceable(kept)
    mine = tmp_path / "mine.zip"
    mine.write_bytes(zipped())
    collection.check_replaceable(mine)
    collection.check_replaceable(tmp_path / "new.zip")


def test_what_differs_is_named():
    assert compared({"a": "1", "b": "2"}, {"a": "1", "b": "2"}) == "2 of 2 files are equal byte for byte"
    assert "1 of 2 files" in compared({"a": "1", "b": "2"}, {"a": "1", "b": "3"})
    assert "not b: compare" in compared({"a": "1", "b": "2"}, {"a": "1", "b": "3"})
    many = {str(k): "x" for k in range(9)}
    assert "and 4 more" in compared(many, {}) and "1 are new, such as z" in compared(many, many | {"z": "1"})


def test_what_lacks_a_package_is_left_out_and_told(tiny_space_folder, tiny_zoo_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    assert collect(tiny_space_folder, tiny_zoo_folder, tmp_path / "out.zip", "--map", "none") == 0
    assert "no path.mp4 (" in capsys.readouterr().out
    assert "path/path.mp4" not in contents(tmp_path / "out.zip")
    monkeypatch.setattr("netspace.export.table.find_spec", lambda module: None if module == "av" else object())
    assert "pip install 'netspace[video]'" in EXPORTS["mp4"].lacking and not EXPORTS["gif"].lacking


def test_the_app_has_the_command_write_it(tiny_space_folder, tiny_zoo_folder, monkeypatch):
    monkeypatch.setenv(visitors.VARIABLE, "0")
    info = {
        "space_info": SimpleNamespace(folder=tiny_space_folder),
        "zoo_info": SimpleNamespace(folder=tiny_zoo_folder),
    }
    loaded = SimpleNamespace(**info)
    names = Zoo.load(tiny_zoo_folder).records.name
    asked = []

    def run(words, **given):
        asked.append((words, given))
        return SimpleNamespace(returncode=2, stderr="warning: x\nnetspace: no room on the disk\n")

    monkeypatch.setattr(take_away.subprocess, "run", run)
    make = take_away.collection(loaded, names[0], names[1], "latent")
    with pytest.raises(UsageError, match=r"^no room on the disk$"):
        make()
    ((words, given),) = asked
    assert words[1:4] == ["-m", "netspace", "collect"] and given["cwd"] == catalogue.ROOT
    assert given["env"]["PYTHONSAFEPATH"] == "1"
    monkeypatch.setenv(visitors.VARIABLE, "1")
    with pytest.raises(visitors.RefusedToVisitors):
        take_away.collection(loaded, names[0], names[1], "latent")


def frames_of_gif(content: bytes) -> tuple[list[np.ndarray], int]:
    """Frames (H, W, 3), and milliseconds of all."""
    film, frames, duration = Image.open(io.BytesIO(content)), [], 0
    for k in range(film.n_frames):
        film.seek(k)
        frames.append(np.asarray(film.convert("RGB")).astype(int))
        duration += film.info["duration"]
    return frames, duration


@pytest.mark.parametrize(("kind", "export"), [("pictures", "gif"), ("shapes", "gif"), ("pictures", "film")])
def test_the_app_and_the_command_line_write_the_same_frames(kind, export, request, tmp_path):
    space, zoo = (request.getfixturevalue(name) for name in KINDS[kind][:2])
    loaded = bundles.open_both_at(space, zoo)
    task, (a, b) = app_task(loaded), loaded.names[:2]
    work = task.pair_path(loaded, 0, 1, ("latent",), 0)
    for k, part in enumerate(work.parts()):
        work.part(part, f"part-{k}", "view")
    through = take_away.through_pair(a, b)
    offers = take_away.files_of(loaded, take_away.PATH, lambda: task.path_subject(work, "latent", through))
    in_app = next(one for one in offers if one.name == export).make()
    words = ["interpolate", "--space", str(space), "--zoo", str(zoo), "--a", a, "--b", b, "--steps", "33"]
    assert main([*words, "--resolution", "64", "--export", export, "--out", str(tmp_path / "path")]) == 0
    written = (tmp_path / "path" / f"path.{EXPORTS[export].suffix}").read_bytes()
    if export == "film":
        mine, its = ([np.asarray(Image.open(io.BytesIO(one)).convert("RGB")).astype(int)] for one in (in_app, written))
    else:
        (mine, lasts), (its, also) = map(frames_of_gif, (in_app, written))
        assert lasts == also == 64 * 50
    assert len(mine) == len(its)
    assert max(np.abs(one - other).mean() for one, other in zip(mine, its, strict=True)) < 0.5
