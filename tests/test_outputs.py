"""What a command writes destroys nothing: every option that names an output, with whatever lies there already."""

import hashlib
import os
from pathlib import Path

import pytest
from filelock import FileLock

from netspace.cli.main import main
from netspace.cli.outputs import Output
from netspace.cli.registry import named_parsers
from netspace.errors import InUse, UsageError
from netspace.io import write_tensors
from netspace.outputs import HOLDINGS, check_file, check_folder

COMMANDS = {name: parser for name, parser in named_parsers().items() if parser.get_default("run")}
OUTPUTS = [(name, one) for name, parser in COMMANDS.items() for one in parser._actions if isinstance(one, Output)]
READ = {
    "--assets", "--data", "--folder", "--meshes", "--space", "--zoo", "--among", "--like", "--reference", "--start",
    "--state", "--score", "--table", "--run", "--shared", "source", "folder", "folders", "run_folders",
}  # fmt: skip
"""Options that name what is read, or a folder that the command is there to change, or (--shared) in which it makes a
folder of its own; any other is an Output."""


def words_for(name: str, output: Output, target: str) -> list[str]:
    """A command that is complete, and names `target` as what it writes."""
    words = name.split()
    for action in COMMANDS[name]._actions:
        if action.required and action is not output and action.nargs != 0:
            value = "1" if action.type is int else "here" + next(iter(getattr(action, "suffixes", ())), "")
            words += [action.option_strings[0], value] if action.option_strings else [value]
    if name == "zoo fit-sdf":
        words += ["--chairs", "1"]
    return [*words, f"{output.option_strings[0]}={target}"]


def bytes_below(root: Path) -> dict[str, str]:
    """Path -> hash of its bytes, or what a link names; links are not followed."""
    found = {}
    for folder, folders, files in os.walk(root):
        for path in (Path(folder) / name for name in (*folders, *files)):
            if path.is_symlink():
                found[str(path)] = str(path.readlink())
            elif path.is_file():
                found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
            else:
                found[str(path)] = "no regular file"
    return found


@pytest.fixture
def tree(tmp_path, monkeypatch) -> Path:
    """Folders and files that a command must not write to, in the working directory."""
    for kind, holding in HOLDINGS.items():
        for mark in holding.marks:
            (tmp_path / kind).mkdir(exist_ok=True)
            (tmp_path / kind / mark).write_text("{}\n")
    write_tensors(tmp_path / "space" / "model.safetensors", {})
    (tmp_path / "zoo" / "records.parquet").write_bytes(b"PAR1 rows PAR1")
    (tmp_path / "zoo" / "rows.csv").write_text("name\n")
    for name in ("job", "busy", "fragments", "photos"):
        (tmp_path / name).mkdir()
    (tmp_path / "job" / "job.json").write_text('{"kind": "of another program"}')
    (tmp_path / "busy" / ".lock").touch()
    for name in (
        "records.parquet",
        "path.png",
        "score.md",
        "audit.md",
        "symmetry.md",
        "000.ply",
        "chair-0000.glb",
        "best.safetensors",
        "checkpoint.safetensors",
    ):
        (tmp_path / "fragments" / name).write_bytes(b"of somebody")
    for name in ("zoo", "space", "job"):
        (tmp_path / f"link-to-{name}").symlink_to(tmp_path / name)
    (tmp_path / "note.txt").write_text("mine")
    for suffix in ("parquet", "csv", "safetensors", "obj"):
        (tmp_path / f"link.{suffix}").symlink_to(tmp_path / "zoo" / "records.parquet")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.chdir(tmp_path)
    return tmp_path


FOLDERS = [
    "", ".", "..", "/", "/dev/null", "zoo", "space", "training", "run", "job", "busy", "fragments",
    "link-to-zoo", "link-to-space", "link-to-job", "note.txt", "note.txt/deeper/zoo", "fifo", "loop", "zoo/zoo.json",
    "x" * 300, "a\0b",
]  # fmt: skip
FILES = [
    "", ".", "..", "/", "/dev/null", "zoo", "space", "photos", "link-to-zoo", "zoo/records.parquet", "zoo/rows.csv",
    "zoo/new.parquet", "zoo/new.csv", "zoo/new.safetensors", "space/model.safetensors", "run/best.safetensors",
    "training/train.json", "link.parquet", "link.csv", "link.safetensors", "link.obj", "note.txt/x.csv", "fifo", "loop",
    "link-to-zoo/records.parquet", "x" * 300 + ".csv", "a\0b",
]  # fmt: skip


@pytest.mark.parametrize(("name", "output"), OUTPUTS, ids=[f"{name} {one.option_strings[0]}" for name, one in OUTPUTS])
def test_nothing_that_a_command_writes_destroys_anything(name, output, tree, capsys):
    lock = FileLock(tree / "busy" / ".lock")
    lock.acquire()
    before = bytes_below(tree)
    for target in FOLDERS if output.holds else FILES:
        assert main(words_for(name, output, target)) == 2, target
        said = capsys.readouterr()
        one = (
            f"argument {output.option_strings[0]}: it is empty"
            if not target
            else f"{output.option_strings[0]} is empty or the working directory"
            if target == "."
            else "null byte"
            if "\0" in target
            else target[:50]
        )
        assert said.out == "" and said.err.startswith("netspace: ") and said.err.count("\n") == 1, said
        assert one in said.err and "no folder here" not in said.err, said.err
        assert bytes_below(tree) == before, target
    lock.release()


def test_every_option_that_names_a_path_is_an_output_or_known_to_be_read():
    assert len({name for name, _ in OUTPUTS}) >= 13
    for name, parser in COMMANDS.items():
        for one in parser._actions:
            flag = one.option_strings[0] if one.option_strings else one.dest
            assert one.type is not Path or isinstance(one, Output) or flag in READ, f"{name} {flag}"


def test_a_folder_is_gone_on_with_only_if_asked_and_only_by_its_own_kind(tmp_path):
    folder = tmp_path / "zoo"
    check_folder(folder, "zoo")
    folder.mkdir()
    (folder / "log.txt").write_text("what a shell wrote")
    check_folder(folder, "zoo")
    (folder / "zoo.json").write_text("{}")
    check_folder(folder, "zoo", resume=True)
    with pytest.raises(InUse, match="holds a zoo already; add --resume"):
        check_folder(folder, "zoo", resume=False)
    with pytest.raises(InUse, match="holds a zoo already; choose another folder"):
        check_folder(folder, "run", resume=True)


def test_a_path_is_written_again_where_one_was(tmp_path):
    (tmp_path / "path.png").write_bytes(b"")
    with pytest.raises(InUse, match=r"holds path\.png already"):
        check_folder(tmp_path, "path")
    (tmp_path / "path.csv").write_text("")
    check_folder(tmp_path, "path")


def test_a_file_is_not_written_over_one_that_is_read(tmp_path):
    (tmp_path / "net.safetensors").write_bytes(b"")
    check_file(tmp_path / "net.safetensors", [".safetensors"])
    with pytest.raises(UsageError, match="is read by this command"):
        check_file(tmp_path / "net.safetensors", [".safetensors"], [tmp_path / "." / "net.safetensors"])
