"""A zoo comes back as it was written; what is damaged is refused in one sentence."""

import json
import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file

from netspace import BadFolder, Zoo
from netspace.zoo import replacing, select


@pytest.fixture
def copy(tiny_zoo_folder, tmp_path):
    """A zoo to damage."""
    folder = tmp_path / "zoo"
    folder.mkdir()
    for path in tiny_zoo_folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_networks_come_by_id_and_by_name(tiny_zoo):
    assert len(tiny_zoo) == 6
    assert torch.equal(tiny_zoo[2].prep, tiny_zoo["chair-0002"].prep)
    assert torch.equal(tiny_zoo.preps([4, 1])[0], tiny_zoo[4].prep)
    name = "layers.1.weight"
    assert torch.equal(tiny_zoo[3].params[name], tiny_zoo.weights[f"siren64/{name}"][3].float())


def test_splits_and_records(tiny_zoo):
    assert tiny_zoo.ids("heldout") == [2, 5] and tiny_zoo.ids("train") == [0, 1, 3, 4]
    for column in ("name", "split", "seed", "steps", "fit_error", "fit_iou", "source", "legs", "seat_height"):
        assert column in tiny_zoo.records


def test_an_unknown_name_or_id_is_named(tiny_zoo):
    with pytest.raises(KeyError, match=r"no network 'sofa'.*6 networks"):
        tiny_zoo["sofa"]
    with pytest.raises(KeyError, match=r"no network 6"):
        tiny_zoo[6]


def test_a_part_is_a_zoo_of_its_own(tiny_zoo, tmp_path):
    select(tiny_zoo, [1, 4, 5], tmp_path / "part")
    part = Zoo.load(tmp_path / "part")
    assert part.records.name.tolist() == ["chair-0001", "chair-0004", "chair-0005"]
    for name in part.records.name:
        assert torch.equal(part[name].prep, tiny_zoo[name].prep)


def test_weights_written_before_a_crash_do_not_shift_the_records(copy):
    """A crash between the two files leaves more weights than records: the records count."""
    before = Zoo.load(copy)
    weights = load_file(copy / "weights.safetensors")
    save_file({k: torch.cat([w, w[:1] + 1]) for k, w in weights.items()}, copy / "weights.safetensors")
    after = Zoo.load(copy)
    assert len(after) == 6 and torch.equal(after.preps(range(6)), before.preps(range(6)))


def test_missing_things_are_named(copy, tmp_path):
    with pytest.raises(BadFolder, match=r"no folder"):
        Zoo.load(tmp_path / "nowhere")
    with pytest.raises(BadFolder, match=r"has no zoo.json"):
        Zoo.load(tmp_path)
    (copy / "weights.safetensors").unlink()
    with pytest.raises(BadFolder, match=r"has no weights.safetensors"):
        Zoo.load(copy)


@pytest.mark.parametrize("file", ["weights.safetensors", "records.parquet", "zoo.json"])
@pytest.mark.parametrize("keep", [0, 0.4, 0.9])
def test_truncated_files_are_refused(copy, file, keep):
    data = (copy / file).read_bytes()
    (copy / file).write_bytes(data[: int(keep * len(data))])
    with pytest.raises(BadFolder, match=file):
        Zoo.load(copy)


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('a pickle ran code')",))


@pytest.mark.parametrize("save", [pickle.dump, torch.save], ids=["pickle", "torch"])
def test_pickles_are_refused_without_being_loaded(copy, save):
    with (copy / "weights.safetensors").open("wb") as file:
        save(Bomb(), file)
    with pytest.raises(BadFolder, match=r"is a pickle, which can run code"):
        Zoo.load(copy)


def test_a_zoo_of_another_architecture_or_version_is_refused(copy):
    about = json.loads((copy / "zoo.json").read_text())
    about["family"] = {"archs": ["siren256"], "size": [8, 10_000]}
    (copy / "zoo.json").write_text(json.dumps(about))
    with pytest.raises(BadFolder, match=r"not a siren256: missing layers"):
        Zoo.load(copy)
    about["family"]["archs"] = ["transformer"]
    (copy / "zoo.json").write_text(json.dumps(about))
    with pytest.raises(BadFolder, match=r"unknown architecture 'transformer'"):
        Zoo.load(copy)
    (copy / "zoo.json").write_text(json.dumps(about | {"format": 99}))
    with pytest.raises(BadFolder, match=r"zoo format 99, this program reads format 1"):
        Zoo.load(copy)


def test_fewer_weights_than_records_are_counted(copy):
    weights = load_file(copy / "weights.safetensors")
    save_file({k: w[:4].contiguous() for k, w in weights.items()}, copy / "weights.safetensors")
    with pytest.raises(BadFolder, match=r"lists 6 networks but holds the weights of 4"):
        Zoo.load(copy)


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(OSError, match=r"disk"), replacing(path) as temporary:
        temporary.write_text("half")
        raise OSError("disk full")
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["file"]


def test_unknown_keys_and_pickles_of_any_protocol_are_refused(copy):
    path = copy / "weights.safetensors"
    tensors = load_file(path)
    save_file(tensors | {"siren64/extra": torch.zeros(1)}, path)
    with pytest.raises(BadFolder, match="unknown key 'siren64/extra'"):
        Zoo.load(copy)
    for protocol in range(2, 6):
        path.write_bytes(pickle.dumps({"a": 1}, protocol=protocol))
        with pytest.raises(BadFolder, match="is a pickle"):
            Zoo.load(copy)
