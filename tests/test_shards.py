"""Zoos in several shards: appended to and never rewritten, read a chunk at a time, readable where a part is lost."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import TINY_IMAGE

from netspace import ARCHS, Zoo, write_zoo
from netspace.cli.main import main
from netspace.errors import FormatError, UsageError, ZooWarning
from netspace.latent import embeddings
from netspace.latent.embeddings import embed_zoo
from netspace.space.space import load
from netspace.train import zoos
from netspace.train.fit_image import fit_image_zoo
from netspace.zoo import weights, writer
from netspace.zoo.store import HELDOUT, OPTIMISED, TRAIN, add, join, select
from netspace.zoo.weights import Weights
from netspace.zoo.writer import ShardWriter


@pytest.fixture
def small(tiny_image_zoo, monkeypatch):
    """Shards of seven image fields."""
    monkeypatch.setattr(writer, "SHARD_BYTES", 7 * tiny_image_zoo.weights.row_bytes(tiny_image_zoo.family.names[0]))


@pytest.fixture
def sharded(tiny_image_zoo, tmp_path, small) -> Zoo:
    """The first 20 image fields in three shards."""
    select(tiny_image_zoo, range(20), tmp_path / "zoo")
    return Zoo.load(tmp_path / "zoo")


def shards_of(folder: Path) -> list[str]:
    """Names of the shards, in order."""
    return [each["file"] for each in json.loads((folder / "zoo.json").read_text())["shards"]]


def same(zoo: Zoo, ids, other: Zoo, others) -> bool:
    return torch.equal(zoo.preps(ids), other.preps(others))


def test_a_zoo_in_shards_is_the_zoo(sharded, tiny_image_zoo):
    assert sharded.about["format"] == 3
    assert [shard.rows for shard in sharded.weights.shards] == [{tiny_image_zoo.family.names[0]: n} for n in (7, 7, 6)]
    assert sorted(path.name for path in sharded.folder.glob("*.safetensors")) == sorted(shards_of(sharded.folder))
    mixed = [19, 0, 7, 13, 14, 6, 7]
    assert same(sharded, mixed, tiny_image_zoo, mixed)
    assert torch.equal(sharded[15].prep, tiny_image_zoo[15].prep)
    assert sharded.records.name.tolist() == tiny_image_zoo.records.name.tolist()[:20]
    for name in tiny_image_zoo.weights:
        assert torch.equal(sharded.weights[name], tiny_image_zoo.weights[name][:20])
    assert sharded.not_finite == []


def test_networks_of_several_architectures_and_precisions(tiny_family_zoo, tiny_cnn_zoo, tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "SHARD_BYTES", 300_000)
    parts = [(tiny_family_zoo, [11, 0, 5, 9, 1]), (tiny_cnn_zoo, [3, 1])]
    join(parts, tmp_path / "zoo", {"made_by": "test"})
    zoo = Zoo.load(tmp_path / "zoo")
    assert len(zoo.weights.shards) > 2 and zoo.family == tiny_family_zoo.family
    for i, (other, k) in enumerate((other, k) for other, ids in parts for k in ids):
        assert zoo[i].arch == other[k].arch
        assert all(torch.equal(p, other[k].params[name]) for name, p in zoo[i].params.items())
    wide = {name: stack.double() for name, stack in tiny_cnn_zoo.weights.items()}
    write_zoo(tmp_path / "wide", tiny_cnn_zoo.family, tiny_cnn_zoo.records, wide, {})
    join([(tiny_cnn_zoo, [0]), (Zoo.load(tmp_path / "wide"), [1])], tmp_path / "both")
    both = Zoo.load(tmp_path / "both")
    assert {both.weights.dtype(name) for name in both.weights} == {torch.float64}
    assert torch.equal(both[1].prep, tiny_cnn_zoo[1].prep) and torch.equal(both[0].prep, tiny_cnn_zoo[0].prep)


def test_a_network_that_is_larger_than_a_shard_has_one_of_its_own(tiny_image_zoo, tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "SHARD_BYTES", 1)
    select(tiny_image_zoo, [2, 0, 1], tmp_path / "zoo")
    zoo = Zoo.load(tmp_path / "zoo")
    assert len(zoo.weights.shards) == 3 and same(zoo, range(3), tiny_image_zoo, [2, 0, 1])


def test_what_is_added_goes_to_the_last_shard_alone(sharded, tiny_image_zoo):
    """A shard that is full is never written again; one that has room is, under another name."""
    before = {name: (sharded.folder / name).stat().st_ino for name in shards_of(sharded.folder)}
    full, last = list(before)[:2], list(before)[2]
    for k in (20, 21):
        zoo = add(sharded.folder, tiny_image_zoo[k], {"name": f"new-{k}", "split": OPTIMISED})
    assert [sum(shard.rows.values()) for shard in zoo.weights.shards] == [7, 7, 7, 1]
    assert {name: (zoo.folder / name).stat().st_ino for name in full} == {name: before[name] for name in full}
    assert not (zoo.folder / last).exists() and same(zoo, range(22), tiny_image_zoo, range(22))
    assert same(sharded, range(20), tiny_image_zoo, range(20)), "what was open stays readable"


def test_an_old_zoo_of_one_file_is_gone_on_with(tiny_image_zoo, tmp_path, monkeypatch):
    """A file that is larger than a shard stays as it is, and shards follow."""
    select(tiny_image_zoo, range(8), tmp_path / "zoo")
    (old,) = (tmp_path / "zoo").glob("*.safetensors")
    assert json.loads((tmp_path / "zoo" / "zoo.json").read_text())["format"] == 2
    old = old.rename(old.with_name("weights.safetensors"))  # as format 1 has it, whose table says nothing of weights
    pd.read_parquet(tmp_path / "zoo" / "records.parquet").to_parquet(tmp_path / "zoo" / "records.parquet", index=False)
    monkeypatch.setattr(writer, "SHARD_BYTES", 1000)
    content = old.read_bytes()
    zoo = add(tmp_path / "zoo", tiny_image_zoo[8], {"name": "new", "split": OPTIMISED})
    assert shards_of(zoo.folder)[0] == old.name and old.read_bytes() == content
    assert same(zoo, range(9), tiny_image_zoo, range(9))


def test_a_zoo_in_the_making_appends_shards(small, tmp_path, monkeypatch):
    """Whenever it is written and wherever it was stopped, the same shards come out; full ones are written once."""
    for _ in fit_image_zoo(tmp_path / "whole", TINY_IMAGE, workers=0, group=3):
        pass
    whole = Zoo.load(tmp_path / "whole")
    written, stage, sizes = [], writer.stage_tensors, []
    monkeypatch.setattr(writer, "stage_tensors", lambda path, *rest: written.append(path.name) or stage(path, *rest))
    monkeypatch.setattr(zoos, "FLUSH_SECONDS", -1.0)
    work = fit_image_zoo(tmp_path / "zoo", TINY_IMAGE, workers=0, group=3)
    for line in work:
        zoo = Zoo.load(tmp_path / "zoo")
        sizes.append(len(zoo))
        assert same(zoo, range(len(zoo)), whole, range(len(zoo)))
        if line.done == 11:
            work.close()
    assert sizes == [3, 3, 3, 6, 6, 6, 9, 9, 9, 12, 12]
    for _ in fit_image_zoo(tmp_path / "zoo", TINY_IMAGE, workers=0, group=3, resume=True):
        pass
    zoo = Zoo.load(tmp_path / "zoo")
    assert same(zoo, range(24), whole, range(24)) and zoo.records.name.tolist() == whole.records.name.tolist()
    assert [sum(shard.rows.values()) for shard in zoo.weights.shards] == [7, 7, 7, 3]
    assert shards_of(tmp_path / "zoo") == shards_of(tmp_path / "whole")
    assert {path.name for path in zoo.folder.glob("*.safetensors")} == set(shards_of(zoo.folder))
    assert [written.count(name) for name in shards_of(zoo.folder)[:3]] == [1, 1, 1]


# -- read while written, and killed ------------------------------------------------------------------------------------

GROW = """
import sys
from pathlib import Path
from netspace import Zoo
from netspace.zoo import store, writer
source, folder, size = Zoo.load(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
writer.SHARD_BYTES = size
print("ready", flush=True)
for k in range(10**9):
    store.add(folder, source[k % len(source)], {"name": f"n{k}", "split": "optimised", "of": k % len(source)})
"""


def test_a_zoo_that_grows_is_read_as_one_version(tiny_image_zoo, small, tmp_path):
    """Whatever the moment: never refused, all shards readable, and each network with its own weights."""
    select(tiny_image_zoo, [0], tmp_path / "zoo")
    words = [str(tiny_image_zoo.folder), str(tmp_path / "zoo"), str(writer.SHARD_BYTES)]
    preps = tiny_image_zoo.preps(range(24))
    with subprocess.Popen([sys.executable, "-c", GROW, *words], stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout.readline() == "ready\n"
            size, held = 0, []
            while size < 25:
                with warnings.catch_warnings():
                    warnings.simplefilter("error", ZooWarning)
                    zoo = Zoo.load(tmp_path / "zoo")
                assert len(zoo) >= size
                size = len(zoo)
                held = [*held[-5:], zoo]
                old = held[0]  # its last shard is gone by now
                for each in (zoo, old):
                    of = each.records.get("of", pd.Series([0])).fillna(0).astype(int).tolist()
                    assert torch.equal(each.preps(range(len(each))), preps[of])
        finally:
            child.kill()
    assert len(zoo.weights.shards) > 3


FORKS = pytest.mark.skipif(os.name != "posix", reason="forks")
STEPS = ("write_bytes", "replace", "unlink")
KILLED = """
import os, signal, sys
from pathlib import Path
import pandas as pd
from netspace import Zoo
from netspace.train.fit_image import ImageConfig, fit_image_zoo, pictures_of
from netspace.zoo import store, writer
source, size = sys.argv[1], int(sys.argv[2])
writer.SHARD_BYTES = size

def append():
    zoo, other = Zoo.load(folder), Zoo.load(source)
    with writer.ShardWriter(folder, before=zoo.weights).closing() as growing:
        arch, params = next((arch.name, params) for arch, _, params in other.stored(range(3)))
        rows = growing.append(arch, params)
        fresh = pd.DataFrame([{"name": f"n{r}", "arch": arch, "row": r, "split": "train"} for r in rows])
        growing.commit(dict(zoo.about), pd.concat([zoo.records, fresh], ignore_index=True))

def select():
    store.select(Zoo.load(source), range(20), folder)

def fit():
    list(fit_image_zoo(folder, CONFIG, workers=0, group=3, resume=True))

CONFIG = ImageConfig(count=9, steps=1, validation=1, heldout=1)
import torch._dynamo, safetensors.torch, filelock
Zoo.load(source), pictures_of(CONFIG)  # what they import is there in all processes that begin below
for line in sys.stdin:  # one piece of work in a process of its own, killed before its count-th call of a step
    work, step, count, folder = line.rstrip("\\n").split(" ", 3)
    folder = Path(folder)
    child = os.fork()
    if not child:
        known, calls = getattr(Path, step), []
        def counted(*args, **options):
            calls.append(1)
            if len(calls) == int(count):
                os.kill(os.getpid(), signal.SIGKILL)
            return known(*args, **options)
        setattr(Path, step, counted)
        try:
            globals()[work]()
        finally:
            os._exit(0)
    print("killed" if os.WIFSIGNALED(os.waitpid(child, 0)[1]) else "ended", flush=True)
"""


@pytest.fixture
def killed(tiny_image_zoo, small):
    """Do a piece of work of KILLED in a folder, killed before the count-th call of a step; return whether it was."""
    argv = [sys.executable, "-c", KILLED, str(tiny_image_zoo.folder), str(writer.SHARD_BYTES)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def work(what: str, folder: Path, step: str, count: int) -> bool:
        process.stdin.write(f"{what} {step} {count} {folder}\n")
        process.stdin.flush()
        end = process.stdout.readline()
        assert end in ("killed\n", "ended\n")
        return end == "killed\n"

    yield work
    process.stdin.close()
    process.stdout.close()
    process.wait()


@FORKS
def test_a_writer_that_is_killed_leaves_nothing_that_stays(killed, sharded, tiny_image_zoo):
    """Killed at every step of an addition that fills a shard and begins another: the zoo is as before or as after."""
    for step in STEPS:
        count, before, died = 0, len(sharded), True
        while died:
            count, before = count + 1, len(Zoo.load(sharded.folder))
            died = killed("append", sharded.folder, step, count)
            zoo = Zoo.load(sharded.folder)
            assert len(zoo) in (before, before + 3) and not zoo.problem
            assert same(zoo, range(20), tiny_image_zoo, range(20))
            assert same(zoo, range(20, len(zoo)), tiny_image_zoo, [k % 3 for k in range(len(zoo) - 20)])
        assert count > 2 and len(zoo) == before + 3
        left = {path.name for path in sharded.folder.iterdir()} - {"zoo.json", "records.parquet"}
        assert left == set(shards_of(sharded.folder)), "the next write removes what killed ones left"


@FORKS
def test_a_zoo_that_was_begun_and_killed_can_be_begun_again(killed, tiny_image_zoo, tmp_path):
    """Writing a part of a zoo, and making one: the same work goes on, to the same shards, and nothing else stays."""
    for what, size, step in ((what, size, step) for what, size in (("select", 20), ("fit", 9)) for step in STEPS):
        folder, count, died = tmp_path / f"{what}-{step}" / "zoo", 0, True
        folder.parent.mkdir()
        while died:
            count += 1
            died = killed(what, folder, step, count)
        zoo = Zoo.load(folder)
        assert len(zoo) == size and [path.name for path in folder.parent.iterdir()] == ["zoo"]
        assert {path.name for path in folder.iterdir()} - {"zoo.json", "records.parquet"} == set(shards_of(folder))
        assert [sum(shard.rows.values()) for shard in zoo.weights.shards] == {20: [7, 7, 6], 9: [7, 2]}[size]
        assert count > 2, "it was never killed"
        if what == "select":
            assert same(zoo, range(20), tiny_image_zoo, range(20))


def test_a_zoo_is_imported_in_shards(tmp_path, monkeypatch):
    """Networks are written as they are read; only the shard that is being filled is in memory."""
    arch = ARCHS["lenetlike/digits"]
    (tmp_path / "made").mkdir()
    for k in range(5):
        torch.save(arch.fresh(k).state_dict(), tmp_path / "made" / f"net-{k}.pt")
    monkeypatch.setattr(writer, "SHARD_BYTES", 2 * 4 * arch.num_params)
    words = ["zoo", "import", str(tmp_path / "made"), "--arch", arch.name, "--as", "paper"]
    assert main([*words, "--out", str(tmp_path / "zoo")]) == 0
    zoo = Zoo.load(tmp_path / "zoo")
    assert [shard.rows for shard in zoo.weights.shards] == [{arch.name: n} for n in (2, 2, 1)]
    monkeypatch.undo()
    assert main([*words, "--out", str(tmp_path / "one")]) == 0
    one = Zoo.load(tmp_path / "one")
    assert one.about["format"] == 2 and one.records.name.tolist() == zoo.records.name.tolist()
    assert same(zoo, range(5), one, range(5))


def test_what_is_not_committed_is_removed(tiny_image_zoo, small, tmp_path):
    arch = tiny_image_zoo.family.names[0]
    with pytest.raises(KeyboardInterrupt), ShardWriter(tmp_path / "zoo").closing() as growing:
        growing.append(arch, tiny_image_zoo.weights.read(arch, np.arange(20)))
        assert len(list((tmp_path / "zoo").iterdir())) == 2, "full shards are written at once"
        raise KeyboardInterrupt
    assert not list((tmp_path / "zoo").iterdir())
    select(tiny_image_zoo, range(3), tmp_path / "zoo")


def test_rows_of_different_numbers_are_refused(tiny_image_zoo, tmp_path):
    weights_ = dict(tiny_image_zoo.weights)
    first = next(iter(weights_))
    weights_[first] = weights_[first][:-1]
    with pytest.raises(UsageError, match="different numbers of rows"):
        write_zoo(tmp_path / "zoo", tiny_image_zoo.family, tiny_image_zoo.records, weights_, {})
    assert not (tmp_path / "zoo").exists() or not list((tmp_path / "zoo").iterdir())


# -- damaged, missing --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["missing", "truncated", "another"])
def test_networks_in_other_shards_are_read(how, sharded, tiny_image_zoo, tmp_path, capsys):
    first, second, _ = (sharded.folder / name for name in shards_of(sharded.folder))
    if how == "missing":
        second.unlink()
    elif how == "truncated":
        second.write_bytes(second.read_bytes()[:500])
    else:
        second.write_bytes((sharded.folder / shards_of(sharded.folder)[2]).read_bytes())
    with pytest.warns(ZooWarning, match=rf"{second.name}.*: 7 of the 20 networks of .* cannot be read") as told:
        zoo = Zoo.load(sharded.folder)
    assert len(told) == 1
    rest = [*range(7), *range(14, 20)]
    assert same(zoo, rest, tiny_image_zoo, rest) and torch.equal(zoo[14].prep, tiny_image_zoo[14].prep)
    assert zoo.unreadable == zoo.not_finite == list(range(7, 14))
    name = zoo.records.name[9]
    for ask in (
        lambda: zoo[9],
        lambda: zoo.preps([3, 9]),
        lambda: zoo.check_weights([9]),
        lambda: zoo.check_finite([9]),
    ):
        with pytest.raises(FormatError, match=rf"{second.name}.*: the weights of {name} cannot be read"):
            ask()
    with pytest.warns(ZooWarning):
        grown = add(zoo.folder, tiny_image_zoo[20], {"name": "new", "split": OPTIMISED})
    assert torch.equal(grown["new"].prep, tiny_image_zoo[20].prep) and len(grown.unreadable) == 7
    words = ["zoo", "select", "--zoo", str(zoo.folder), "--train", "99", "--validation", "99", "--heldout", "99"]
    assert main([*words, "--out", str(tmp_path / "rest")]) == 0
    out, err = capsys.readouterr()
    assert f"left out {name}: its weights cannot be read" in out
    assert [second.name in line and "Warning" not in line for line in err.splitlines()] == [True]
    saved = Zoo.load(tmp_path / "rest")
    assert saved.records.name.tolist() == [zoo.records.name[i] for i in rest]
    for name in shards_of(sharded.folder):
        (sharded.folder / name).unlink(missing_ok=True)
    with pytest.raises(FormatError, match=first.name):
        Zoo.load(sharded.folder)


def test_a_bit_that_flips_in_one_shard(sharded, tiny_image_zoo):
    path = sharded.folder / shards_of(sharded.folder)[2]
    data = bytearray(path.read_bytes())
    data[-1] ^= 4  # of the last row
    path.write_bytes(data)
    zoo = Zoo.load(sharded.folder)
    assert same(zoo, range(19), tiny_image_zoo, range(19))
    with pytest.raises(FormatError, match=rf"{path.name} is damaged: the weights of {zoo.records.name[19]} do not"):
        zoo[19]
    grown = add(zoo.folder, tiny_image_zoo[20], {"name": "new", "split": OPTIMISED})
    with pytest.raises(FormatError, match="is damaged"):
        grown[19]
    assert same(grown, [18, 20], tiny_image_zoo, [18, 20]), "its damage shows, and nothing is lost"


@pytest.mark.parametrize("shards", [[], [{"file": "../x.safetensors", "rows": {}}], [{"file": "weights.safetensors"}],
                                    [{"file": "weights.safetensors", "rows": {"a": -1}}], "text", [3]])  # fmt: skip
def test_an_index_that_makes_no_sense_is_refused(shards, sharded):
    about = json.loads((sharded.folder / "zoo.json").read_text())
    (sharded.folder / "zoo.json").write_text(json.dumps(about | {"shards": shards}))
    assert len(Zoo.load(sharded.folder)) == 20, "the table knows better"
    table = sharded.folder / "records.parquet"
    pd.read_parquet(table).to_parquet(table, index=False)
    with pytest.raises(FormatError, match=r"has no weights\.safetensors"):
        Zoo.load(sharded.folder)


def test_a_table_that_another_program_wrote_keeps_its_shards(sharded, tiny_image_zoo):
    table = sharded.folder / "records.parquet"
    sharded.records.assign(note="mine").to_parquet(table, index=False)
    zoo = Zoo.load(sharded.folder)
    assert zoo.records.note.eq("mine").all() and same(zoo, range(20), tiny_image_zoo, range(20))


# -- memory, and what is embedded --------------------------------------------------------------------------------------


@pytest.fixture
def reads(monkeypatch) -> list[list[int]]:
    """Rows that are read from now on, call by call; reading a whole zoo at once fails."""
    found: list[list[int]] = []
    known = Weights.read

    def read(self, arch, rows, check=True):
        found.append(rows.tolist())
        return known(self, arch, rows, check)

    def whole(self, name):
        raise AssertionError(f"{name} was read as a whole")

    monkeypatch.setattr(Weights, "read", read)
    monkeypatch.setattr(Weights, "__getitem__", whole)
    return found


def test_embedding_reads_each_network_once_and_a_batch_at_a_time(
    sharded, tiny_image_zoo, tiny_image_space_folder, tmp_path, reads, monkeypatch
):
    space = load(tiny_image_space_folder)
    monkeypatch.setattr(embeddings, "EMBED_BATCH", 8)
    z = embed_zoo(space, sharded, tmp_path / "cache")
    assert sorted(row for rows in reads for row in rows) == list(range(20))
    assert max(map(len, reads)) <= 8
    assert torch.equal(z, embeddings.embed(space, tiny_image_zoo, range(20)).float())


def test_going_through_a_zoo_takes_a_chunk_at_a_time(sharded, tmp_path, reads, monkeypatch):
    monkeypatch.setattr(weights, "CHUNK_BYTES", 3 * sharded.weights.row_bytes(sharded.family.names[0]))
    assert sharded.not_finite == []
    select(sharded, range(20), tmp_path / "part")
    sharded.check_weights(range(20))
    assert max(map(len, reads)) == 3 and len([row for rows in reads for row in rows]) == 60


def test_only_new_networks_are_embedded(sharded, tiny_image_zoo, tiny_image_space_folder, tmp_path, monkeypatch):
    """By content: of a zoo that has grown, of a part of it, and of one in one file; what is kept once is kept once."""
    space, cache = load(tiny_image_space_folder), tmp_path / "cache"
    made = []
    encode = embeddings._encode
    monkeypatch.setattr(embeddings, "_encode", lambda space, preps: made.append(len(preps)) or encode(space, preps))
    z = embed_zoo(space, sharded, cache)
    assert sum(made) == 20
    grown = add(sharded.folder, tiny_image_zoo[22], {"name": "new", "split": OPTIMISED})
    made.clear()
    after = embed_zoo(space, grown, cache)
    assert made == [2] and torch.equal(after[:20], z), "one is embedded, as a row of two"
    torch.testing.assert_close(after[20:], encode(space, tiny_image_zoo.preps([22])))
    assert len(list((cache / "embeddings").iterdir())) == 1, "the file of the zoo before holds nothing else"
    select(tiny_image_zoo, [22, 3, 5], tmp_path / "part")
    part = embed_zoo(space, Zoo.load(tmp_path / "part"), cache)
    assert made == [2] and torch.equal(part, after[[20, 3, 5]])
    embed_zoo(space, tiny_image_zoo, cache)
    assert sum(made) == 2 + 3
    embed_zoo(space, tiny_image_zoo, cache)
    assert sum(made) == 2 + 3


def test_long_embedding_is_kept_on_the_way(sharded, tiny_image_space_folder, tmp_path, monkeypatch):
    space, cache = load(tiny_image_space_folder), tmp_path / "cache"
    monkeypatch.setattr(embeddings, "KEEP_EVERY", 4)
    monkeypatch.setattr(embeddings, "EMBED_BATCH", 4)

    def stop(done, total):
        if done == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_zoo(space, sharded, cache, stop)
    told, encode, made = [], embeddings._encode, []
    monkeypatch.setattr(embeddings, "_encode", lambda space, preps: made.append(len(preps)) or encode(space, preps))
    embed_zoo(space, sharded, cache, lambda done, total: told.append(done))
    assert sum(made) == 8 and told[-1] == 20
    assert len(list((cache / "embeddings").iterdir())) == 1


def test_networks_that_cannot_be_read_have_no_embedding(sharded, tiny_image_space_folder, tmp_path):
    space = load(tiny_image_space_folder)
    (sharded.folder / shards_of(sharded.folder)[2]).unlink()
    with pytest.warns(ZooWarning):
        zoo = Zoo.load(sharded.folder)
    z = embed_zoo(space, zoo, tmp_path / "cache")
    assert z.isfinite().all(dim=1).tolist() == 14 * [True] + 6 * [False]
    assert torch.equal(z[:14], embed_zoo(space, sharded, tmp_path / "cache")[:14]), "what was open stays readable"


def test_a_space_is_trained_on_shards_as_on_one_file(sharded, tiny_image_zoo, tmp_path):
    """The same loss at every step."""
    from conftest import TINY_IMAGE_TRAIN

    from netspace.train.space import train_space

    one = Zoo(sharded.folder, sharded.family, sharded.records, dict(tiny_image_zoo.weights), sharded.about)
    assert sharded.ids(TRAIN) and sharded.ids(HELDOUT)
    lines = [list(train_space(zoo, TINY_IMAGE_TRAIN, tmp_path / str(k))) for k, zoo in enumerate((one, sharded))]
    losses = [[line.terms for line in entries] for entries in lines]
    assert losses[0] == losses[1] and losses[0]
