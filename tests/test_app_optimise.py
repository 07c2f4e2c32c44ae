"""The page Optimise through Streamlit's AppTest, with runs in every state; and the session behind it."""

import json
import shlex
import struct
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from conftest import NOBODY
from reading import read
from streamlit.testing.v1 import AppTest

from app.backend import catalogue, chairs, classifiers, embeddings, jobs, optimise
from app.backend.optimise import embedding_map, keeping, runs, setup
from app.backend.optimise.progress import reference
from netspace.cli.registry import build_parser
from netspace.export import EXPORTS
from netspace.jobs import control, records
from netspace.latent.embeddings import embed
from netspace.places import note_places
from netspace.space.space import load
from netspace.tasks import task_of
from netspace.tasks.distillation import best_of
from netspace.train.lso import LsoConfig
from netspace.train.lso import optimise as run_lso
from netspace.train.lso_files import read_best, read_result
from netspace.train.starts import start_from, wanted_class
from netspace.zoo.store import OPTIMISED, Zoo, select

ROOT = Path(__file__).resolve().parent.parent
TINY = LsoConfig(loss="task", steps=4, lr=1e-2, points=16, queries=64, every=2)
TINY_SHAPE = LsoConfig(steps=4, lr=1e-2, points=64, queries=256, every=2)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An empty folder, and nothing else to be found; what is made goes there."""
    monkeypatch.setattr(catalogue, "roots", lambda: [tmp_path])
    monkeypatch.setattr(setup, "RUNS", tmp_path)
    monkeypatch.setattr(embeddings, "PATIENCE", 240.0)
    monkeypatch.setattr(chairs, "PREVIEW", 32)
    monkeypatch.setattr(chairs, "AT_REST", 64)
    return tmp_path


@pytest.fixture
def lay(root, request):
    """Puts the zoo and the space of a kind into the root, as copies to damage: shapes, cnn or family."""
    fixtures = {"shapes": "tiny", "cnn": "tiny_cnn", "family": "tiny_family"}

    def copy(kind: str) -> Path:
        for name in ("zoo", "space"):
            source = request.getfixturevalue(f"{fixtures[kind]}_{name}_folder")
            (root / kind / name).mkdir(parents=True)
            for path in source.iterdir():
                if path.is_file():
                    (root / kind / name / path.name).write_bytes(path.read_bytes())
        return root / kind

    return copy


def run_in(folder: Path, name: str = "one", config: LsoConfig = TINY, start: str = "", lines: int = 0) -> Path:
    """A run in the space of a folder; with `lines`, one that was left after so many."""
    space, zoo = load(folder / "space"), Zoo.load(folder / "zoo")
    sdf = space.family.archs[0].task == "sdf"
    where = start_from(space, zoo, start or zoo.records.name[0], config.seed)
    goal = task_of(space).goal(space, config, target="chair:1" if sdf else None)
    about = {"space": str(folder / "space"), "zoo": str(folder / "zoo"), "teacher": None}
    about |= {"target": "chair:1" if sdf else None, "command": "python -m netspace lso"}
    out = folder.parent / "lso" / name
    out.mkdir(parents=True)
    going = run_lso(space, where, goal, config, out, want=wanted_class(space, where, ""), about=about)
    for k, _ in enumerate(going, start=1):
        if k == lines:
            break
    return out


@pytest.fixture
def begun(monkeypatch):
    """The words of processes that would be started; they count as alive, as on their way."""
    words = []
    process = SimpleNamespace(poll=lambda: None, pid=NOBODY)
    monkeypatch.setattr(control.subprocess, "Popen", lambda argv, **_: words.append(argv[3:]) or process)
    monkeypatch.setattr(records, "children", {})
    return words


def open_page(**link) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app" / "session.py"), default_timeout=240)
    at.switch_page("../pages/optimise.py")
    for key, value in link.items():
        at.query_params[key] = value
    return at.run()


def said(elements) -> str:
    return read(" ".join(element.value for element in elements))


def link_of(at: AppTest) -> dict[str, str]:
    return {key: value if isinstance(value, str) else value[0] for key, value in at.query_params.items()}


def view(at: AppTest) -> dict:
    """What the map's view is told."""
    for element in at.get("bidi_component"):
        if element.proto.component_name.endswith("netspace_optimise"):
            return json.loads(element.proto.json)
    raise AssertionError("there is no map")


def button(at: AppTest, label: str):
    return next((each for each in at.button if each.label == label), None)


def box(at: AppTest, label: str):
    return next(each for each in at.selectbox if each.label == label)


def command(at: AppTest) -> list[str]:
    """The words after `python -m netspace` of the command that is shown."""
    return shlex.split(next(c.value for c in at.code if c.value.startswith("python -m netspace lso")))[3:]


# -- the page opens ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["shapes", "cnn", "family"])
def test_the_page_opens_without_a_run(lay, kind):
    lay(kind)
    at = open_page()
    assert not at.exception and not at.error and not at.warning
    data = view(at)
    assert data["runs"] == [] and data["start"]["place"] == [0.0, 0.0] and 0 < sum(data["shares"]) <= 1.0001
    assert len(data["archs"]) == (3 if kind == "family" else 0)
    assert link_of(at) == {"space": f"{kind}/space", "zoo": f"{kind}/zoo"}


def test_the_page_says_what_to_do_without_any_data(root):
    at = open_page()
    assert "No space" in said(at.info) and "netspace train" in said(at.code) and not at.exception


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("space/model.safetensors", b"\x10" * 100, "model.safetensors is truncated"),
        ("zoo/records.parquet", b"PAR1", "records.parquet cannot be read"),
    ],
)
def test_damaged_folders_are_told_in_a_sentence(lay, file, content, sentence):
    (lay("cnn") / file).write_bytes(content)
    at = open_page()
    assert sentence in said(at.error) and not at.exception


def test_too_few_networks_span_no_map(lay, tiny_cnn_zoo, root):
    folder = lay("cnn")
    for path in (folder / "zoo").iterdir():
        path.unlink()
    select(tiny_cnn_zoo, [0, 1], root / "small" / "zoo")
    (folder / "zoo").rmdir()
    at = open_page()
    assert "3 training networks at least, and it has 1" in said(at.info) and not at.exception


def test_points_lie_where_start_from_puts_them(lay):
    folder = lay("cnn")
    loaded = catalogue.load(*catalogue.find())
    header = optimise.map_feed(loaded, "optimise")
    (length,) = struct.unpack("<I", header[:4])
    points = json.loads(header[4 : 4 + length])
    assert points["names"] == loaded.names and len(points["points"]) == 8
    x, y = points["points"][2]
    space, zoo = load(folder / "space"), Zoo.load(folder / "zoo")
    lifted = start_from(space, zoo, f"at:{x},{y}").z
    assert torch.allclose(embedding_map.map_of(loaded).plane.place(lifted), torch.tensor([x, y]), atol=1e-3)
    for where in ("mean", "noise"):
        place = embedding_map.map_of(loaded).plane.place(start_from(space, zoo, where, 3).z)
        assert optimise.start_place(loaded, where, 3) == pytest.approx(place.tolist(), abs=1e-3)


# -- setting up ----------------------------------------------------------------------------------------------------


def test_the_set_up_makes_a_command_that_the_command_line_accepts(lay, root):
    folder = lay("cnn")
    at = open_page()
    box(at, "Start").set_value("lenetlike-003")
    box(at, "Objective").set_value("kl")
    number = {each.label: each for each in at.number_input}
    number["Learning rate"].set_value(0.005)
    number["Steps"].set_value(40)
    number["Seed"].set_value(3)
    at.text_input[0].set_value("mine").run()
    args = build_parser("digits-lso").parse_args(command(at))
    assert (args.start, args.loss, args.lr, args.steps, args.seed) == ("lenetlike-003", "kl", 0.005, 40, 3)
    assert (args.space, args.zoo, args.teacher) == (folder / "space", folder / "zoo", str(folder / "zoo"))
    assert args.out == root / "lso" / "mine" and "--points" not in command(at)


@pytest.mark.parametrize(("objective", "teacher"), [("kd", True), ("task", False)])
def test_labels_alone_need_no_teacher(lay, objective, teacher):
    lay("cnn")
    at = open_page()
    box(at, "Objective").set_value(objective).run()
    assert ("--teacher" in command(at)) == teacher


def test_a_familys_set_up_asks_for_an_architecture(lay):
    lay("family")
    at = open_page()
    box(at, "Architecture").set_value("resnet8/digits").run()
    assert build_parser("digits-lso").parse_args(command(at)).want == "resnet8/digits"


def test_a_shape_is_a_seed_or_a_file(lay, tmp_path):
    lay("shapes")
    at = open_page()
    assert build_parser("chairs-lso").parse_args(command(at)).target == "chair:1000"
    box(at, "Target").set_value("mesh file").run()
    assert button(at, "Launch").disabled and "Name a mesh file" in said(at.warning)
    at.text_input(key="lso_file").set_value("lost.obj").run()
    assert button(at, "Launch").disabled and "no mesh file “lost.obj”" in said(at.warning)
    (tmp_path / "a.obj").write_text("v 0 0 0")
    at.text_input(key="lso_file").set_value(str(tmp_path / "a.obj")).run()
    assert not button(at, "Launch").disabled and not at.warning


def test_teachers_of_other_data_are_not_offered(lay, root):
    lay("cnn"), lay("shapes"), lay("family")
    table = root / "family" / "zoo" / "records.parquet"
    pd.read_parquet(table).assign(val_accuracy=1.0).to_parquet(table, index=False)
    at = open_page(space="cnn/space")
    offered = box(at, "Teacher").options
    assert len(offered) == 2 and "1.000" in offered[0] and "LeNetLike, VanillaCNN, ResNet8" in offered[0]


def test_a_launched_run_is_chosen_and_shown_as_starting(lay, root, begun):
    lay("cnn")
    at = open_page()
    shown = command(at)
    button(at, "Launch").click().run()
    assert begun == [[*shown, "--queue"]] and not at.exception and not at.warning
    assert link_of(at)["run"] == "lso/cnn-mean-kd" and view(at)["runs"][0]["state"] == "starting"
    assert button(at, "Stop") and not button(at, "Resume")
    assert command(at)[-1].endswith("cnn-mean-kd-2"), "the next one has a name of its own"


@pytest.mark.parametrize(("name", "sentence"), [("one", "There is a run “one” already"), ("a b", "is made of letters")])
def test_names_that_cannot_be_are_told(lay, name, sentence):
    run_in(lay("cnn"))
    at = open_page()
    at.text_input(key="lso_name").set_value(name).run()
    assert sentence in said(at.warning) and button(at, "Launch").disabled


def test_a_click_on_the_map_is_where_the_next_run_starts(lay, monkeypatch):
    lay("cnn")
    at = open_page()
    found = {f.kind: f for f in catalogue.find()}
    key = f"optimise.start.{catalogue.load(found['space'], found['zoo']).key}"
    at.session_state[f"{key}.start"] = at.session_state[f"{key}.point"] = "at:1.5,-2"
    at.run()
    assert build_parser("digits-lso").parse_args(command(at)).start == "at:1.5,-2"
    assert view(at)["start"]["place"] == [1.5, -2.0]


def test_without_the_images_nothing_is_launched_and_runs_are_shown(lay, monkeypatch):
    run_in(lay("cnn"))
    monkeypatch.setattr(classifiers, "here", lambda loaded: False)
    at = open_page()
    assert "is not here" in said(at.info) and not button(at, "Launch") and not at.exception
    (run,) = view(at)["runs"]
    assert run["count"] == 0 and run["tests"]["best"].keys() == {"value"}


# -- runs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["shapes", "cnn", "family"])
def test_a_finished_run_is_shown_with_its_numbers(lay, kind):
    folder = run_in(
        lay(kind), config=TINY_SHAPE if kind == "shapes" else TINY, start="mean" if kind == "family" else ""
    )
    at = open_page()
    assert not at.exception and not at.error and not at.warning
    (run,) = view(at)["runs"]
    result = read_result(folder)
    assert run["at"] == [0, 2, 4] and len(run["places"]) == 3 and run["at"][run["best"]] == result.best_step
    assert (run["scores"][0], run["scores"][run["best"]]) == pytest.approx(tuple(result.validation.values()))
    assert {name: test["value"] for name, test in run["tests"].items()} == pytest.approx(result.test)
    assert run["count"] == (16_384 if kind == "shapes" else 360)
    assert ("low" in run["tests"]["best"]) == (kind != "shapes"), "an IoU has no interval of a share"
    assert all(v is not None for v in run["sure"]) == (kind == "family")
    assert (view(at)["reference"] is None) == (kind == "shapes")


def test_a_run_that_never_has_the_wanted_architecture_says_so(lay):
    folder = lay("family")
    space, zoo = load(folder / "space"), Zoo.load(folder / "zoo")
    with torch.inference_mode():
        predicted = space.head(embed(space, zoo, range(len(zoo)))).argmax(dim=1).tolist()
    others = [i for i, k in enumerate(predicted) if space.family.names[k] != zoo.records.arch[i]]
    assert others  # hardly trained, the space predicts few architectures for all
    run_in(folder, start=zoo.records.name[others[0]])
    at = open_page()
    assert "no step had the architecture" in said(at.warning).lower() and not at.exception


def test_the_surface_of_the_best_and_the_targets_are_sent(lay):
    folder = run_in(lay("shapes"), config=TINY_SHAPE)
    run, names = optimise.read_lso(folder), []
    loaded = catalogue.load(*(next(f for f in catalogue.find() if f.kind == kind) for kind in ("space", "zoo")))
    for name, content in optimise.best_feeds(loaded, run, "optimised"):
        (length,) = struct.unpack("<I", content[:4])
        (frame,) = json.loads(content[4 : 4 + length])["frames"]
        names.append((name.split("-")[0], frame["side"], frame["triangles"] > 0))
    assert names[-1] == ("target", "target", True) and names[0][:2] == ("best", "best")


@pytest.mark.parametrize("state", ["stopped", "crashed", "running"])
def test_a_run_that_has_not_ended_can_go_on(lay, root, begun, monkeypatch, state):
    folder = run_in(lay("cnn"), lines=2)
    words = ["lso", "--space", str(root / "cnn" / "space"), "--zoo", str(root / "cnn" / "zoo"), "--start", "mean"]
    words += ["--out", str(folder)]
    note_places([root / "cnn"])  # by whoever started it
    records.save_record(folder / records.JOB, records.job_record("lso", words, root, "2026-01-01T00:00:00+00:00"))
    record = {"state": "running" if state != "stopped" else state, "pid": 1, "updated": "2026-01-01T00:00:00+00:00"}
    (folder / records.STATUS).write_text(json.dumps(record | {"done": 2, "total": 4}))
    monkeypatch.setattr(records, "is_held", lambda path: state == "running")
    at = open_page()
    (run,) = view(at)["runs"]
    assert run["state"] == state and run["at"] == [0, 2] and run["tests"] == {} and run["steps"] == 4
    if state == "running":
        button(at, "Stop").click().run()
        assert (folder / records.STOP).exists() and button(at, "Stop").disabled
    else:
        assert ("without a word" in said(at.warning)) == (state == "crashed")
        assert ("Stopped at step 2 of 4." in said(at.info)) == (state == "stopped")
        button(at, "Resume").click().run()
        (asked,) = begun
        assert asked[0] == "lso" and {"--resume", "--queue", str(folder)} <= set(asked)
    assert not at.exception and not at.error


def test_a_run_that_diverges_says_so_and_keeps_its_best(lay):
    folder = run_in(lay("cnn"), config=LsoConfig(loss="task", steps=6, lr=1e30, points=16, queries=64, every=1))
    at = open_page()
    assert "not finite" in said(at.warning) and "Try a lower --lr" in said(at.warning)
    (run,) = view(at)["runs"]
    assert run["words"] == "ended early" and run["tests"]["best"]["value"] == read_result(folder).test["best"]


@pytest.mark.parametrize("file", ["lso.json", "result.json"])
def test_a_damaged_run_is_listed_with_its_sentence(lay, file):
    folder = lay("cnn")
    good, bad = run_in(folder, "good"), run_in(folder, "bad")
    (bad / file).write_text("{")
    at = open_page()
    assert link_of(at)["run"] == "lso/good" and [run["title"] for run in view(at)["runs"]] == ["good"], good
    at = open_page(run="lso/bad")
    assert f"{file} is not valid JSON" in said(at.error) and view(at)["runs"] == [] and not at.exception


@pytest.mark.parametrize("file", ["checkpoint.safetensors", "best.safetensors"])
def test_a_run_without_one_of_its_files_is_shown_as_far_as_it_goes(lay, file):
    (run_in(lay("cnn")) / file).write_bytes(b"\x10" * 50)
    at = open_page()
    (run,) = view(at)["runs"]
    assert not at.exception and run["at"] == [0, 2, 4] and bool(run["places"]) == (file != "checkpoint.safetensors")
    assert ("is truncated" in said(at.warning)) == (file == "checkpoint.safetensors")


def test_a_damaged_run_is_listed_in_its_own_space_where_its_command_tells(lay):
    folder, _ = lay("shapes"), lay("cnn")
    bad = run_in(folder, "bad", TINY_SHAPE)
    (bad / "lso.json").write_text("{")
    command = ["lso", "--space", str(folder / "space"), "--zoo", str(folder / "zoo"), "--out", str(bad)]
    records.save_record(bad / "job.json", records.job_record("lso", command, folder, records.iso_now()))
    records.save_record(bad / "status.json", records.status_record("finished", None, {}))
    assert "lso.json is not valid JSON" in said(open_page(space="shapes/space").error)
    assert not open_page(space="cnn/space").error


def test_runs_of_other_spaces_are_not_shown(lay):
    run_in(lay("cnn"), "cnn")
    run_in(lay("shapes"), "shapes", TINY_SHAPE)
    assert [run["title"] for run in view(open_page(space="cnn/space"))["runs"]] == ["cnn"]
    assert [run["title"] for run in view(open_page(space="shapes/space"))["runs"]] == ["shapes"]


def test_runs_are_compared_and_links_restore_it(lay):
    folder = lay("cnn")
    for name in ("a", "b", "c"):
        run_in(folder, name)
    at = open_page(run="lso/a")
    at.multiselect[0].set_value(["lso/c"]).run()
    assert [run["title"] for run in view(at)["runs"]] == ["a", "c"]
    link = link_of(at)
    assert (link["run"], link["with"]) == ("lso/a", "lso/c")
    again = open_page(**link)
    assert [run["title"] for run in view(again)["runs"]] == ["a", "c"] and not again.warning


@pytest.mark.parametrize(
    ("link", "sentence"), [({"run": "lso/lost"}, "no run “lso/lost”"), ({"with": "x"}, "no run “x”")]
)
def test_a_link_to_a_run_that_is_not_there_is_told(lay, link, sentence):
    run_in(lay("cnn"))
    at = open_page(**link)
    assert sentence in said(at.warning) and link_of(at)["run"] == "lso/one" and not at.exception
    assert not at.run().warning  # told once


# -- what is kept --------------------------------------------------------------------------------------------------


def test_the_best_network_joins_the_zoo_once(lay):
    folder = lay("cnn")
    run = run_in(folder)
    at = open_page()
    button(at, "Keep in the zoo").click().run()
    assert "one is now in cnn/zoo" in said(at.success) and not at.exception
    zoo = Zoo.load(folder / "zoo")
    assert len(zoo) == 9 and zoo.records.split[8] == OPTIMISED
    assert torch.allclose(zoo["one"].prep, read_best(run).network.prep, atol=1e-3), "zoos hold halves"
    assert "one" in box(at, "Start").options[-1] + str(box(at, "Start").options)
    button(at, "Keep in the zoo").click().run()
    assert "holds a network 'one' already" in said(at.warning) and len(Zoo.load(folder / "zoo")) == 9


def test_a_zoo_that_ships_is_copied_first(lay, root, monkeypatch):
    folder = lay("cnn")
    run = run_in(folder)
    for module in (setup, runs):
        monkeypatch.setattr(module, "ROOT", root)
    monkeypatch.setattr(keeping, "ASSETS", root / "assets")
    (root / "assets").mkdir()
    folder.rename(root / "assets" / "cnn")
    about = json.loads((run / "lso.json").read_text())
    about["about"] |= {"space": "assets/cnn/space", "zoo": "assets/cnn/zoo"}
    (run / "lso.json").write_text(json.dumps(about))
    at = open_page()
    assert "ships with the product" in said(at.caption) and "a copy of it, " in said(at.caption)
    button(at, "Keep in the zoo").click().run()
    assert not at.warning and not at.exception and link_of(at)["zoo"] == "zoos/cnn"
    assert len(Zoo.load(root / "assets" / "cnn" / "zoo")) == 8 and len(Zoo.load(root / "zoos" / "cnn")) == 9


@pytest.mark.parametrize("kind", ["zip", "pt", "onnx"])
def test_the_best_network_can_be_taken_away(lay, kind):
    folder = run_in(lay("cnn"))
    loaded = catalogue.load(*catalogue.find())
    content = EXPORTS[kind].write(optimise.best_subject(loaded, optimise.read_lso(folder)))
    assert content[:2] == b"PK" if kind in ("zip", "pt") else len(content) > 1000


def test_the_teacher_is_the_zoos_best(lay):
    lay("cnn")
    loaded = catalogue.load(*catalogue.find())
    (teacher,) = optimise.teachers(loaded).values()
    best = best_of(loaded.zoo)
    assert setup._best_accuracy(teacher.folder, teacher.stamp) == loaded.zoo.records.val_accuracy.max()
    assert reference(loaded)["validation"] == loaded.zoo.records.val_accuracy.max() and best


def test_jobs_show_runs_too(lay, begun):
    lay("cnn")
    button(open_page(), "Launch").click().run()
    assert [run.job.kind for run in jobs.list_runs()] == ["lso"]
