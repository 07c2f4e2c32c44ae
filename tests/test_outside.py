"""A test for every promise of SECURITY.md: folders and files of elsewhere are data, and visitors only look."""

import ast
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import TypedDict

import numpy as np
import pandas as pd
import pytest
import streamlit
import test_app_optimise
from PIL import Image
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed
from test_app import lay, open_page, root  # noqa: F401 (fixtures)
from test_app_jobs import lay as lay_job

from app import frontend
from app.backend import (
    catalogue,
    classifiers,
    imports,
    jobs,
    likeness,
    projections,
    saved_views,
    selections,
    take_away,
    visitors,
    words,
)
from app.backend.engine import Engine, feed, seen_feed
from app.backend.optimise import best, keeping, setup
from app.ui import mesh_view
from netspace.cli import app as command
from netspace.cli.evaluate import unread_sources
from netspace.cli.main import main
from netspace.data.meshes import load_record, read_mesh
from netspace.errors import FormatError, MeshError
from netspace.kept import cache_folder
from netspace.places import note_places
from netspace.tasks import image_field
from netspace.zoo.files import write_records
from netspace.zoo.store import Zoo, write_zoo

ROOT = Path(__file__).resolve().parent.parent


# -- SECURITY.md itself ----------------------------------------------------------------------------------------------


def test_every_promise_names_a_test_that_there_is():
    text = (ROOT / "SECURITY.md").read_text()
    promised = text.partition("## What is promised")[2].partition("## What is not promised")[0]
    promises = [part for part in re.split(r"\n(?=- )", promised) if part.startswith("- ")]
    assert len(promises) > 10
    for promise in promises:
        named = re.findall(r"`(test_\w+)\.py: (test_\w+)`", promise)
        assert named, f"no test is named for: {promise}"
        for file, test in named:
            assert f"\ndef {test}(" in (ROOT / "tests" / f"{file}.py").read_text(), f"{file} has no {test}"


# -- folders and files of elsewhere ------------------------------------------------------------------------------------


def test_a_zoos_table_decides_no_file_that_is_read(tmp_path, tiny_zoo, tiny_image_zoo):
    chair, digit = tiny_zoo.records.loc[0].to_dict(), tiny_image_zoo.records.loc[0].to_dict()
    mesh = tmp_path / "theirs" / "chair.obj"
    mesh.parent.mkdir()
    mesh.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 3 1 4\n")
    image = tmp_path / "theirs" / "image.png"
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(image)
    zoo = tmp_path / "zoo"
    with pytest.raises(FormatError, match="was not named by you"):
        load_record(chair | {"source": str(mesh)}, zoo)
    record = digit | {"source": str(image), "index": 0}
    assert image_field._truth(record, 1, 8, zoo) is None
    assert load_record(chair | {"source": str(mesh)}, mesh.parent) and load_record(chair, zoo)
    table = SimpleNamespace(folder=zoo, records=pd.DataFrame({"source": [str(mesh), "chair:1", None]}))
    assert unread_sources(table) == [str(mesh)]
    note_places([mesh.parent])
    assert load_record(chair | {"source": str(mesh)}, zoo)[0].faces.shape == (4, 3)
    assert image_field._truth(record, 1, 8, zoo) is not None and not unread_sources(table)


def test_a_runs_target_is_read_where_its_user_named_it(tmp_path, tiny_zoo):
    for target, numbered in (("chair:3", True), ("chair:x", False), ("chair:../3", False), ("/a:1", False)):
        assert setup.is_numbered(_app_loaded(tiny_zoo), target) is numbered, target
    run = SimpleNamespace(id="x", folder=tmp_path / "run", alive=False, option=lambda name: str(tmp_path / "a.obj"))
    assert best._target_words(_app_loaded(tiny_zoo), run).endswith("not read: it was not named on this machine")
    note_places([tmp_path / "a.obj"])
    assert best._target_words(_app_loaded(tiny_zoo), run) == "a.obj"


def _app_loaded(zoo: Zoo):
    """As much of a loaded zoo as its kind is known by."""
    return SimpleNamespace(space=SimpleNamespace(family=zoo.family), zoo=zoo, task=zoo.family.archs[0].task)


def test_a_zoo_names_weights_of_its_own_alone(tmp_path, tiny_zoo):
    folder = tmp_path / "zoo"
    write_zoo(folder, tiny_zoo.family, tiny_zoo.records, tiny_zoo.weights, {})
    about = json.loads((folder / "zoo.json").read_text())
    other = tmp_path / "other.safetensors"
    shutil.move(folder / about["weights"], other)
    for name in ("../other.safetensors", str(other), "..", "other.safetensors"):
        write_records(folder, tiny_zoo.records, {"weights": name, "about": about | {"weights": name}})
        with pytest.raises(FormatError):
            Zoo.load(folder)


def test_a_mesh_names_no_file_outside_of_its_folder(tmp_path):
    for uri in ("../b.bin", "/b.bin", "%2e%2e/b.bin", "http://127.0.0.1:9/b.bin"):
        (tmp_path / "a.gltf").write_text(json.dumps({"asset": {"version": "2.0"}, "buffers": [{"uri": uri}]}))
        with pytest.raises(MeshError, match="outside of its folder"):
            read_mesh(tmp_path / "a.gltf")


# -- who is a visitor --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "address", "headers", "visitor"),
    [
        ("", "localhost", {"host": "localhost:8501"}, False),
        ("", "127.0.0.1", {"host": "127.0.0.1:8501"}, False),
        ("", "::1", {"host": "[::1]:8501"}, False),
        ("", None, {}, False),  # no browser is served
        ("", None, {"host": "localhost:8501"}, True),  # all interfaces
        ("", "0.0.0.0", {"host": "localhost:8501"}, True),
        ("", "localhost", {"host": "example.org"}, True),  # a proxy, or a name made to lead here
        ("", "localhost", {"host": "localhost.example.org:8501"}, True),
        ("", "localhost", {"upgrade": "websocket"}, True),
        ("", "localhost", {"host": "localhost", "x-forwarded-for": "192.0.2.1"}, True),
        ("1", "localhost", {"host": "localhost:8501"}, True),
        ("0", "0.0.0.0", {"host": "example.org"}, False),
        ("of", "localhost", {}, True),  # what is not understood lets nobody in
    ],
)
def test_who_comes_from_elsewhere_is_a_visitor(setting, address, headers, visitor):
    assert visitors.comes_from_elsewhere(setting, address, headers) is visitor


def test_a_name_that_is_not_this_machines_is_refused_by_the_command(monkeypatch):
    begun = []
    server = SimpleNamespace(wait=lambda: 0, __enter__=lambda self: self)

    class Server:
        def __init__(self, words, env):
            begun.append((words, env))

        __enter__, __exit__ = (lambda self: server), (lambda self, *_: None)

    monkeypatch.setattr(command.subprocess, "Popen", Server)
    assert main(["app", "--host", "example.org"]) == 0 and main(["app", "--address", "0.0.0.0"]) == 0
    (words, environment), (opened, _) = begun
    hosts = [word.partition("=")[2] for word in words if str(word).startswith("--server.allowedHosts=")]
    assert "--server.address=localhost" in words and environment["PYTHONSAFEPATH"] == "1"
    assert not any(str(word).startswith("--server.allowedHosts") for word in opened)  # for visitors, under any name
    monkeypatch.setattr(streamlit.config, "get_option", lambda name: hosts)
    assert all(map(is_host_allowed, ("localhost:8501", "127.0.0.1:8501", "[::1]:8501", "example.org")))
    assert not any(map(is_host_allowed, ("example.com:8501", "localhost.example.com", "", None)))


# -- what is not done for them -----------------------------------------------------------------------------------------

ACTING = {
    "start a job": lambda: jobs.start(None),
    "stop a job": lambda: jobs.stop(None),
    "resume a job": lambda: jobs.resume(None),
    "import": lambda: imports.begin(None, [], "x"),
    "import from a folder": lambda: imports.begin(None, "/", "x"),
    "download images": lambda: classifiers.download(None),
    "save a selection": lambda: selections.save(None, None, 0, "x"),
    "write all files of a path": lambda: take_away.collection(None, "a", "b", "latent"),
    "compare with a file": lambda: likeness.hand_in(None, "a.obj", b""),
    "keep a network": lambda: keeping.keep(None, None, "x"),
    "keep views": lambda: saved_views.keep_views(None),
}


@pytest.mark.parametrize("what", ACTING)
def test_nothing_is_done_for_visitors_whatever_a_page_offers(what, monkeypatch):
    monkeypatch.setenv(visitors.VARIABLE, "1")
    with pytest.raises(visitors.RefusedToVisitors):
        ACTING[what]()
    with pytest.raises(visitors.RefusedToVisitors):
        mesh_view.show_mesh(None, None, "", False)
    monkeypatch.setenv(visitors.VARIABLE, "0")
    with pytest.raises(Exception) as otherwise:  # it looks at what it was given
        ACTING[what]()
    assert not isinstance(otherwise.value, visitors.RefusedToVisitors)


WRITING = {
    "atomic_write", "mkdir", "write_bytes", "write_text", "write_kept", "copytree", "mkdtemp", "Popen",
    "import_networks", "download_images", "select", "add_best", "rmtree", "touch", "unlink", "start_job", "stop_job",
    "resume_job",
}  # fmt: skip
"""names by which something is started, stopped or written"""
DECIDED = {
    "jobs.start", "jobs.stop", "jobs.resume", "classifiers.download", "selections.save", "keeping.keep",
    "saved_views.keep_views",
    "imports.begin", "imports.run", "imports._reserve", "imports._clear", "imports._laid",  # all by `begin`
    "likeness._read",  # a folder of its own that goes at once, asked for by `hand_in`
    "inspection.answers", "projections._places",  # keep results of the user's alone
    "projections._answer", "projections.__init__",  # the one process that makes maps
    "mesh_view._export",  # in the process that `show_mesh` starts
    "bundles.write_bundle",  # for the command `bundle`, in a process of its own; a page hands a bundle to the browser
}  # fmt: skip
"""functions of the app that do: each is refused to visitors, above, or writes nothing for them"""


def test_what_acts_is_decided_about():
    found = set()
    for path in [*(ROOT / "app").rglob("*.py"), *(ROOT / "pages").glob("*.py")]:
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef):
                inner = {n for one in function.body for n in ast.walk(one) if isinstance(n, ast.Name | ast.Attribute)}
                names = {node.id if isinstance(node, ast.Name) else node.attr for node in inner}
                found |= {f"{path.stem}.{function.name}"} if names & WRITING else set()
    assert found == DECIDED


def test_what_is_computed_for_visitors_is_not_kept(tiny_zoo, tmp_path, kept_maps, monkeypatch):
    monkeypatch.setenv("NETSPACE_CACHE", str(tmp_path))
    engine, mapper = Engine(1), projections.Mapper.__new__(projections.Mapper)
    ask = projections.Ask(np.zeros((3, 2)), {})
    mapper._answer = lambda ask: np.zeros((3, 2))
    for setting, kept in (("1", False), ("0", True)):
        monkeypatch.setenv(visitors.VARIABLE, setting)
        assert engine.submit((0,), visitors.is_visitor).result() is not kept  # also in a thread of no session
        assert engine.submit((0,), mapper._places, ask).result().shape == (3, 2)
        assert any(cache_folder().rglob("*.npy")) is kept
    engine.close()


# -- what they read ----------------------------------------------------------------------------------------------------


def test_visitors_read_no_path(monkeypatch):
    said = "no folder /srv/a b/zoo: ~/x, C:\\x\\y and (/tmp/z) but and/or, 1 / 2, a/b and https://example.org/x"
    monkeypatch.setenv(visitors.VARIABLE, "0")
    assert visitors.seen(said) == said and "/srv/a" in words.plain(said)
    monkeypatch.setenv(visitors.VARIABLE, "1")
    told = visitors.seen(said)
    assert not any(part in told for part in ("/srv", "~/x", "C:", "/tmp")) and "and/or, 1 / 2, a/b" in told
    assert "https://example.org/x" in told and str(ROOT) not in visitors.seen(f"in {ROOT}/runs/a")
    assert "/srv" not in words.plain(said) + words.code(said)
    table = pd.DataFrame({"source": ["/srv/a.obj", None], "n": [1, 2]})
    assert "/srv" not in visitors.seen_data(table).to_csv() and visitors.seen_data(table).n.tolist() == [1, 2]
    told = visitors.seen_data({"a": [{"b": "/srv/x"}], "c": ("/srv/y", 1), "d": [1.5, 2.5]})
    assert told == {"a": [{"b": "…"}], "c": ("…", 1), "d": [1.5, 2.5]}
    assert frontend._fitting(TypedDict("Words", {"words": str}), {"words": "/srv/x"}) == {"words": "…"}  # all views'
    record = {"name": "a", "split": "imported", "arch": "lenetlike/digits", "source": "/srv/x.pt"}
    loaded = SimpleNamespace(zoo=SimpleNamespace(records=pd.DataFrame([record])))
    assert catalogue.card(loaded, 0).words == "…"
    assert b"/srv" not in seen_feed(feed({"words": "/srv/x"}, b"body")) and seen_feed(feed({}, b"b")).endswith(b"b")


def everything(at) -> bytes:
    """All that a page sends to the browser."""
    found, nodes = [], [at._tree]
    while nodes:
        node = nodes.pop()
        nodes += getattr(node, "children", {}).values()
        proto = getattr(node, "proto", None)
        found += [proto.SerializeToString()] if hasattr(proto, "SerializeToString") else []
    return b"\n".join(found)


FORBIDDEN = ("Launch", "Stop", "Resume", "Keep in the zoo", "Save", "Bring your own", "Import", "Inspect", "Download ")


def test_pages_show_visitors_what_is_here_and_neither_paths_nor_what_acts(lay, monkeypatch):  # noqa: F811
    folder = lay("cnn")
    zoo, secret = Zoo.load(folder / "zoo"), f"{folder}/elsewhere/of the user"
    table = zoo.records.assign(source=f"{secret}/net.pt", warnings=f"made from {secret}/x")
    write_zoo(folder / "zoo", zoo.family, table, zoo.weights, {})
    test_app_optimise.run_in(folder, lines=2)
    lay_job(folder / "job", end=ValueError(f"no folder {secret}"))
    there = sorted(folder.parent.rglob("*"))
    monkeypatch.setenv(visitors.VARIABLE, "0")
    asked = {"network": zoo.records.name[0], "projection": "pca", "orbit": "yes"}
    assert str(folder).encode() in everything(open_page("jobs")) + everything(open_page("zoo_map", **asked))
    monkeypatch.setenv(visitors.VARIABLE, "1")
    for page, link in (("zoo_map", asked), ("classifiers", {}), ("optimise", {})):
        at = open_page(page, **link)
        sent = everything(at)
        assert not at.exception and len(at.main.markdown) + len(at.main.selectbox), page
        assert visitors.REFUSED in [element.value for element in at.sidebar.caption]
        assert str(folder.parent).encode() not in sent and b"of the user" not in sent, page
        assert b"python -m netspace" not in sent, page
        shown = [element.label for element in at.main.button] + [tab.label for tab in at.expander]
        assert not [label for label in shown if label.startswith(FORBIDDEN)], page
    assert sorted(folder.parent.rglob("*")) == there
    at = open_page("jobs")
    assert b"log.txt" not in everything(at) and str(folder).encode() not in everything(at)


def test_the_app_shows_no_details_of_what_breaks_in_it():
    config = (ROOT / "app" / ".streamlit" / "config.toml").read_text()
    assert re.search(r'^showErrorDetails = "none"', config, re.MULTILINE)


# -- text is text ------------------------------------------------------------------------------------------------------

MARKED = "**b** [l](m) ![i](j) <b> $x$ :material/home: :red[x] ~~s~~ `c`"
NOT_MARKDOWN = {
    "options",
    "formatted_options",
    "default",
    "value",
    "raw_value",
    "raw_values",
    "placeholder",
    "url",
    "id",
    "key",
}
"""fields of elements that Streamlit shows as they are"""
AS_THEY_ARE = {"code", "arrow_data_frame", "bidi_component", "iframe", "plotly_chart", "component_instance"}
"""elements that it shows so as a whole"""


def texts(proto, kind: str = "") -> list[str]:
    """The texts of an element that Streamlit reads as Markdown."""
    found = []
    for field, value in proto.ListFields():
        if field.name in NOT_MARKDOWN:
            continue
        for one in value if field.is_repeated else [value]:
            if isinstance(one, str):
                found.append(one)
            elif hasattr(one, "ListFields"):
                found += texts(one)
    return found


def markdown_of(at) -> list[str]:
    found, nodes = [], [at._tree]
    while nodes:
        node = nodes.pop()
        nodes += getattr(node, "children", {}).values()
        proto = getattr(node, "proto", None)
        if hasattr(proto, "ListFields") and getattr(node, "type", "") not in AS_THEY_ARE:
            found += texts(proto)
    return found


def test_marks_in_names_tables_links_and_records_are_never_rendered(lay, tiny_cnn_zoo):  # noqa: F811
    home = lay("cnn")
    folder = home.rename(home.parent / MARKED.replace("/", "-"))
    table = tiny_cnn_zoo.records.copy()
    table["name"] = [f"{MARKED} {k}" for k in range(len(table))]
    table.loc[table.index[-1], "split"] = MARKED
    table = table.assign(**{MARKED: MARKED, "warning": MARKED, "function": MARKED, "warnings": MARKED})
    write_zoo(folder / "zoo", tiny_cnn_zoo.family, table, tiny_cnn_zoo.weights, {})
    job = lay_job(folder / "job", end=ValueError(MARKED))
    about = json.loads((job / "job.json").read_text())
    (job / "job.json").write_text(json.dumps(about | {"kind": MARKED, "command": MARKED}))
    rendered, escaped = 0, 0
    name = table.name[0]
    for page, link in (
        ("home", {"zoo": MARKED}), ("zoo_map", {"network": name, "place": MARKED}), ("classifiers", {"a": MARKED}),
        ("home", {"views": saved_views.link_text([saved_views.saved_view(MARKED, "jobs", {MARKED: MARKED})])}),
        ("jobs", {"views": MARKED}), ("jobs", {"present": MARKED}), ("networks", {"layer": MARKED}),
        ("optimise", {"run": MARKED}), ("jobs", {"run": MARKED}), ("jobs", {}),
    ):  # fmt: skip
        at = open_page(page, **link)
        assert not at.exception, page
        for text in markdown_of(at):
            rendered += MARKED in text or MARKED.replace("/", "-") in text
            escaped += words.plain(MARKED) in text or words.plain(MARKED.replace("/", "-")) in text
    assert not rendered and escaped >= 8


ESCAPED = r"escaped\(|title\("
"""the function that makes text of HTML, and the one of the legend that calls it"""
CONSTANTS = {"numbers.js": {"name"}, "viewer.js": {"name"}}
"""names in HTML that the views themselves give"""


def test_views_write_names_into_html_through_one_function_alone():
    for path in (ROOT / "app" / "frontend").rglob("*.js"):
        text = path.read_text()
        assert not re.search(r"insertAdjacentHTML|outerHTML|document\.write|\beval\(|new Function", text), path
        for html in re.findall(r"`[^`]*<\w[^`]*`", text):
            for value in re.findall(r"\$\{([^{}]*\b(?:title|name|words|details|label|help)\b[^{}]*)\}", html):
                assert re.match(ESCAPED, value) or value in CONSTANTS.get(path.name, ()), f"{path.name}: {value}"
