"""A zoo comes back as it was written; what is damaged is refused in one sentence."""

import dataclasses
import json
import os
import pickle
import shutil
import subprocess
import sys

import pytest
import torch
from conftest import NOBODY, TINY_FIT
from filelock import FileLock
from safetensors.torch import load_file, save_file

from netspace import ARCHS, Network, Zoo
from netspace.errors import FormatError
from netspace.io import _HOST, atomic_folder, atomic_write, find_files, read_safetensors, write_tensors
from netspace.train.fit_sdf import chair_sources, fit_sdf_zoo
from netspace.zoo.store import OPTIMISED, add, join, select


@pytest.fixture
def copy(tiny_zoo_folder, tmp_path):
    """A zoo to damage."""
    folder = tmp_path / "zoo"
    folder.mkdir()
    for path in tiny_zoo_folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def weights_of(folder):
    """The file of a zoo's weights, whose name holds their hash."""
    (path,) = folder.glob("weights*.safetensors")
    return path


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


def test_weights_that_are_not_listed_count_for_nothing(copy):
    """A writer that was killed leaves weights that no records name; a zoo of format 1 holds more rows than records."""
    before = Zoo.load(copy)
    preps = before.preps(range(6)).clone()  # its own weights may be mapped from the file that is written over below
    weights = {key: torch.cat([w, w[:1] + 1]) for key, w in before.weights.items()}
    save_file(weights, copy / "weights-0123456789abcdef.safetensors")
    after = Zoo.load(copy)
    assert len(after) == 6 and torch.equal(after.preps(range(6)), preps)
    select(before, [0], copy.parent / "part")
    save_file(weights, before.weights.shards[0].path)
    after = Zoo.load(copy)
    assert len(after) == 6 and torch.equal(after.preps(range(6)), preps)


def test_missing_things_are_named(copy, tmp_path):
    with pytest.raises(FormatError, match=r"no folder"):
        Zoo.load(tmp_path / "nowhere")
    with pytest.raises(FormatError, match=r"has no zoo.json"):
        Zoo.load(tmp_path)
    weights_of(copy).unlink()
    with pytest.raises(FormatError, match=r"has no weights-.*.safetensors"):
        Zoo.load(copy)


@pytest.mark.parametrize("file", ["weights", "records.parquet", "zoo.json"])
@pytest.mark.parametrize("keep", [0, 0.4, 0.9])
def test_truncated_files_are_refused(copy, file, keep):
    file = weights_of(copy).name if file == "weights" else file
    data = (copy / file).read_bytes()
    (copy / file).write_bytes(data[: int(keep * len(data))])
    with pytest.raises(FormatError, match=file):
        Zoo.load(copy)


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('a pickle ran code')",))


@pytest.mark.parametrize("save", [pickle.dump, torch.save], ids=["pickle", "torch"])
def test_pickles_are_refused_without_being_loaded(copy, save):
    with weights_of(copy).open("wb") as file:
        save(Bomb(), file)
    with pytest.raises(FormatError, match=r"is a pickle, which can run code"):
        Zoo.load(copy)


def test_a_zoo_of_another_architecture_or_version_is_refused(copy):
    about = json.loads((copy / "zoo.json").read_text())
    about["family"] = {"archs": ["siren256"], "size": [8, 10_000]}
    (copy / "zoo.json").write_text(json.dumps(about))
    with pytest.raises(FormatError, match=r"not a siren256: missing layers"):
        Zoo.load(copy)
    about["family"]["archs"] = ["transformer"]
    (copy / "zoo.json").write_text(json.dumps(about))
    with pytest.raises(FormatError, match=r"unknown architecture 'transformer'"):
        Zoo.load(copy)
    (copy / "zoo.json").write_text(json.dumps(about | {"format": 99}))
    with pytest.raises(FormatError, match=r"zoo format 99, this program reads formats 1 to 3"):
        Zoo.load(copy)


def test_fewer_weights_than_records_are_counted(copy):
    weights = load_file(weights_of(copy))
    save_file({k: w[:4].contiguous() for k, w in weights.items()}, weights_of(copy))
    with pytest.raises(FormatError, match=r"lists 6 networks but holds the weights of 4"):
        Zoo.load(copy)


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(OSError, match=r"disk"), atomic_write(path) as temporary:
        temporary.write_text("half")
        raise OSError("disk full")
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["file"]


def test_unknown_keys_and_pickles_of_any_protocol_are_refused(copy):
    path = weights_of(copy)
    tensors = load_file(path)
    save_file(tensors | {"siren64/extra": torch.zeros(1)}, path)
    with pytest.raises(FormatError, match="unknown key 'siren64/extra'"):
        Zoo.load(copy)
    for protocol in range(2, 6):
        path.write_bytes(pickle.dumps({"a": 1}, protocol=protocol))
        with pytest.raises(FormatError, match="is a pickle"):
            Zoo.load(copy)


def test_zoos_join_to_a_family(tiny_cnn_zoo, tiny_family_zoo, tmp_path):
    """The same networks, whatever zoo they come from; the PRep is the smallest that holds the largest architecture."""
    ours = [i for i in range(len(tiny_family_zoo)) if tiny_family_zoo.records.arch[i] == "resnet8/digits"]
    join([(tiny_cnn_zoo, [5, 2]), (tiny_family_zoo, ours)], tmp_path / "joined")
    joined = Zoo.load(tmp_path / "joined")
    assert joined.family == tiny_family_zoo.family and len(joined) == 2 + len(ours)
    for name, zoo in [(tiny_cnn_zoo.records.name[5], tiny_cnn_zoo), ("resnet8-003", tiny_family_zoo)]:
        assert all(torch.equal(p, zoo[name].params[key]) for key, p in joined[name].params.items())
    with pytest.raises(FormatError, match="holds a zoo already"):
        join([(tiny_cnn_zoo, [0])], tmp_path / "joined")


def test_zoos_of_other_data_do_not_join(tiny_zoo, tiny_cnn_zoo, tmp_path):
    with pytest.raises(ValueError, match="make no family: digits, sdf"):
        join([(tiny_zoo, [0]), (tiny_cnn_zoo, [0])], tmp_path / "joined")


def test_what_is_added_is_there_and_nothing_is_lost(tiny_zoo, tmp_path):
    select(tiny_zoo, [0, 1, 2], tmp_path / "zoo")
    for name, i in (("one", 3), ("two", 4)):
        add(tmp_path / "zoo", tiny_zoo[i], {"name": name, "split": OPTIMISED})
    zoo = Zoo.load(tmp_path / "zoo")
    assert len(zoo) == 5 and zoo.ids("train") == [i for i in tiny_zoo.ids("train") if i < 3]
    assert torch.equal(zoo["one"].prep, tiny_zoo[3].prep) and torch.equal(zoo["two"].prep, tiny_zoo[4].prep)
    with pytest.raises(ValueError, match="holds a network 'two' already"):
        add(tmp_path / "zoo", tiny_zoo[4], {"name": "two", "split": OPTIMISED})
    other = ARCHS["siren256"]
    with pytest.raises(ValueError, match="siren256 is not of"):
        add(tmp_path / "zoo", Network.of(other, other.initialise(0), (8, 10_000)), {"name": "x", "split": OPTIMISED})


def test_a_zoo_that_a_job_writes_is_not_added_to(tiny_zoo, tmp_path):
    select(tiny_zoo, [0], tmp_path / "zoo")
    with FileLock(tmp_path / "zoo" / ".lock"), pytest.raises(FormatError, match="written by a job"):
        add(tmp_path / "zoo", tiny_zoo[1], {"name": "x", "split": OPTIMISED})


def test_a_zoo_goes_on_after_an_addition_that_was_cut_off(tmp_path):
    """Weights without a record lie between those with one: what is fitted next must not take their place."""
    config = dataclasses.replace(TINY_FIT, steps=2)
    for _ in fit_sdf_zoo(tmp_path, chair_sources(2), config, workers=0):
        pass
    before = Zoo.load(tmp_path)
    records = before.records
    add(tmp_path, before[0], {"name": "cut off", "split": OPTIMISED})
    records.to_parquet(tmp_path / "records.parquet", index=False)
    add(tmp_path, before[1], {"name": "kept", "split": OPTIMISED})
    for _ in fit_sdf_zoo(tmp_path, chair_sources(3), config, workers=0, resume=True):
        pass
    zoo = Zoo.load(tmp_path)
    assert zoo.records.name.tolist() == [*records.name, "kept", "chair-0002"] and zoo.records.row.is_unique
    assert torch.equal(zoo["kept"].prep, before[1].prep) and torch.equal(zoo[0].prep, before[0].prep)


def test_a_folder_that_goes_while_files_are_looked_for_is_passed_over(tmp_path):
    for place in ("zoo.json", "a/b/zoo.json", "c/d/zoo.json", "c/d/other.json", "c/d/e/zoo.json"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    assert len(list(find_files(tmp_path, 2, "zoo.json", "other.json"))) == 4
    found = find_files(tmp_path, 3, "zoo.json")
    assert [next(found), next(found)] == [tmp_path / "zoo.json", tmp_path / "a" / "b" / "zoo.json"]
    shutil.rmtree(tmp_path / "c")
    assert not list(found) and not list(find_files(tmp_path / "c", 1, "zoo.json"))


# -- read while written, and damaged -----------------------------------------------------------------------------------

REWRITE = """
import sys
from pathlib import Path
from netspace import Zoo
from netspace.zoo.store import write_zoo
one, other, folder = map(Path, sys.argv[1:])
versions = [Zoo.load(one), Zoo.load(other)]
print("ready", flush=True)
for k in range(10**9):
    zoo = versions[k % 2]
    write_zoo(folder, zoo.family, zoo.records, zoo.weights, {"version": k % 2})
"""


def test_a_zoo_that_is_rewritten_all_the_time_loads_as_one_version(tiny_zoo, tmp_path):
    """Whatever the moment: never refused, and never one version's records with the weights of another."""
    select(tiny_zoo, [0, 1, 2], tmp_path / "one")
    select(tiny_zoo, [5, 4, 3, 2], tmp_path / "other")
    select(tiny_zoo, [0, 1, 2], tmp_path / "zoo")
    argv = [sys.executable, "-c", REWRITE, *(str(tmp_path / name) for name in ("one", "other", "zoo"))]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as writer:
        try:
            assert writer.stdout.readline() == "ready\n"
            seen = set()
            for _ in range(100):
                zoo = Zoo.load(tmp_path / "zoo")
                seen.add(zoo.about.get("version"))
                assert len(zoo) == (4 if zoo.about.get("version") else 3)
                assert all(torch.equal(zoo[name].prep, tiny_zoo[name].prep) for name in zoo.records.name)
        finally:
            writer.kill()
    assert seen >= {0, 1}
    for path in (tmp_path / "one").glob("weights*"):  # what the killed one left goes with the next write
        shutil.copy(path, tmp_path / "zoo" / "weights-0000000000000000.safetensors")
        shutil.copy(path, tmp_path / "zoo" / f".weights-0123456789abcdef.safetensors.{_HOST}.{NOBODY}.tmp")
    add(tmp_path / "zoo", tiny_zoo[5], {"name": "next", "split": OPTIMISED})
    assert {path.suffix for path in (tmp_path / "zoo").iterdir()} <= {".json", ".parquet", ".safetensors", ".lock", ""}
    assert len(list((tmp_path / "zoo").glob("weights*"))) == 1


REPLACE = """
import sys
from pathlib import Path
import torch
from netspace.io import write_tensors
print("ready", flush=True)
for k in range(10**9):
    write_tensors(Path(sys.argv[1]), {name: torch.full((64, 1 + k % 3), float(k)) for name in "abc"}, checksum=False)
"""


def test_a_file_that_is_replaced_all_the_time_is_read_as_one_version(tmp_path):
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"a": torch.zeros(1)})
    with subprocess.Popen([sys.executable, "-c", REPLACE, str(path)], stdout=subprocess.PIPE, text=True) as writer:
        try:
            assert writer.stdout.readline() == "ready\n"
            seen = set()
            while len(seen) < 50:
                tensors, _ = read_safetensors(path)
                assert len({float(t.flatten()[0]) for t in tensors.values()}) == 1
                assert len({t.shape for t in tensors.values()}) == 1
                seen.add(float(tensors["a"].flatten()[0]))
        finally:
            writer.kill()


def test_a_name_that_is_no_utf_8_is_no_network(tiny_zoo):
    """As the command line has words of other encodings."""
    with pytest.raises(KeyError, match=r"no network '\\udcff' in"):
        tiny_zoo["\udcff"]


def test_files_of_the_user_in_a_zoo_stay(copy):
    """The writer removes files of weights that it names itself."""
    mine = [copy / name for name in ("weights-before.safetensors", "weights.safetensors.bak", "weights2.safetensors")]
    old, zoo = weights_of(copy), Zoo.load(copy)
    for path in mine:
        path.write_bytes(b"mine")
    add(copy, zoo[0], {"name": "another", "split": OPTIMISED})
    assert all(path.read_bytes() == b"mine" for path in mine) and not old.exists()


def test_a_bit_that_flips_is_named(copy):
    """In the file of the weights of one network: that one is refused, the others are read."""
    path = weights_of(copy)
    data = bytearray(path.read_bytes())
    names = Zoo.load(copy).records.name
    data[-1] ^= 4  # of the last row of the parameter that is last in the file
    path.write_bytes(data)
    zoo = Zoo.load(copy)
    assert torch.isfinite(zoo.preps([0, 1])).all()
    with pytest.raises(FormatError, match=rf"{path.name} is damaged: the weights of {names[5]} "):
        zoo.preps(range(6))
    with pytest.raises(FormatError, match="is damaged"):
        select(zoo, [5], copy.parent / "part")


def test_checksums_that_do_not_fit_are_refused(copy):
    path = weights_of(copy)
    for rows, words in [('{"siren64": "AAAA"}', "checksums"), ('{"siren64": 3}', "no checksums"), ("[1]", "checksums")]:
        save_file(load_file(path), path, {"rows": rows})
        with pytest.raises(FormatError, match=words):
            Zoo.load(copy)


def test_a_table_that_another_program_wrote_keeps_its_weights(copy):
    before = Zoo.load(copy)
    before.records.assign(note="mine").to_parquet(copy / "records.parquet", index=False)
    after = Zoo.load(copy)
    assert after.records.note.eq("mine").all() and torch.equal(after[3].prep, before[3].prep)


@pytest.mark.parametrize("write, inner", [(atomic_write, "."), (atomic_folder, "inner")])
def test_what_a_killed_process_left_goes_with_the_next_write(write, inner, tmp_path):
    code = (
        f"import os, pathlib, signal\nfrom netspace.io import {write.__name__}\n"
        f"with {write.__name__}(pathlib.Path('file')) as path:\n"
        f"    (path / '{inner}').write_text('half')\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, check=False)
    (left,) = tmp_path.iterdir()
    assert left.name != "file"
    with write(tmp_path / "file") as path:
        (path / inner).write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file" / inner).read_text() == "whole"


def test_a_folder_is_put_in_its_place_whole_or_not_at_all(tmp_path):
    (tmp_path / ".zoo.importing").mkdir()  # somebody's own
    with pytest.raises(ValueError, match="no"), atomic_folder(tmp_path / "zoo") as path:
        (path / "half").touch()
        raise ValueError("no")
    (tmp_path / "there" / "mine").mkdir(parents=True)
    with pytest.raises(OSError, match="not empty"), atomic_folder(tmp_path / "there"):
        pass
    assert sorted(p.name for p in tmp_path.rglob("*")) == [".zoo.importing", "mine", "there"]
