"""Scorecard, audits and their measures against values worked out by hand, and the commands on tiny zoos."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from test_finite import spoilt
from third_method import THIRD

import netspace
from benchmarks import scores
from netspace import Family, NetSpace, Network
from netspace.cli.main import main
from netspace.errors import UsageError
from netspace.evaluate.audit import BASELINE, audit, beats, summarise_audit, with_noise
from netspace.evaluate.scorecard import STRONG_STRONG, WEAK_STRONG, draw_pairs, quantile, spread_of
from netspace.evaluate.symmetry import orbit_of, output_gap, symmetry_audit
from netspace.export.score_tables import TextTable, latex, markdown
from netspace.geometry.mesh import components, extract_dense
from netspace.latent.embeddings import space_content, zoo_content
from netspace.latent.paths import METHODS
from netspace.nets.prep import pack
from netspace.space.space import load
from netspace.tasks import TASKS, score_shapes, task_of
from netspace.tasks.calibration import calibration_error, fit_temperature
from netspace.tasks.path_measures import area_under, barrier, drift, evenness
from netspace.tasks.score_classifiers import overlap_of_errors
from netspace.tasks.score_shapes import eikonal_error, largest_share, points_of_cube
from netspace.tasks.task import ScoreColumn
from netspace.zoo.store import select, write_zoo

QUICK = ["--pairs", "1", "--seeds", "2", "--steps", "3", "--images", "40", "--resolution", "32", "--device", "cpu"]
KINDS = {"tiny": "tiny_{}_folder", "cnn": "tiny_cnn_{}_folder", "image": "tiny_image_{}_folder"}


def folders(request, kind: str) -> list[str]:
    """The options that name the space and the zoo of a kind."""
    space, zoo = (str(request.getfixturevalue(KINDS[kind].format(part))) for part in ("space", "zoo"))
    return ["--space", space, "--zoo", zoo]


@pytest.fixture(autouse=True)
def few_points(monkeypatch):
    """On surfaces: so many fewer than usual that it is quick."""
    monkeypatch.setattr(score_shapes, "CHAMFER_POINTS", 256)


def refused(capsys, *words) -> str:
    """What a command that is wrong says: one sentence."""
    assert main([str(word) for word in words]) == 2
    said = capsys.readouterr().err
    assert said.startswith("netspace: ") and said.count("\n") == 1
    return said


# -- measures ------------------------------------------------------------------------------------------------------


def test_the_barrier_of_a_known_curve():
    assert barrier([0.1, 0.5, 0.2]) == pytest.approx(0.35)
    assert barrier([0.1, 0.2, 0.3]) == pytest.approx(0)
    assert barrier([0.4, 0.1, 0.4]) == 0, "below the line is no barrier"
    assert barrier([0, 1, 0.75, 1, 1]) == pytest.approx(0.75)


def test_area_evenness_and_drift_of_known_values():
    assert area_under([0, 1]) == 0.5 and area_under([1, 1, 1]) == 1 and area_under([0, 1, 0]) == 0.5
    assert evenness([2.0, 2.0, 2.0]) == 1 and evenness([1, 3]) == 1.5 and evenness([0, 0, 0, 5]) == 4
    assert math.isnan(evenness([0, 0]))
    assert drift([1, 2, 3], 1, 3) == 0 and drift([1, 0, 3], 1, 3) == pytest.approx(1 / 3)
    assert math.isnan(drift([0, 0], 0, 0))


def logits_of(confidences: list[float]) -> torch.Tensor:
    """Logits (n, 2) of networks that say class 0 with these probabilities."""
    p = torch.tensor(confidences, dtype=torch.float64)
    return torch.stack([p, 1 - p], dim=1).log()


def test_the_calibration_error_of_known_probabilities():
    labels = torch.tensor([0] * 8 + [1] * 2)  # right 8 times of 10
    assert calibration_error(logits_of([0.8] * 10), labels) == pytest.approx(0)
    assert calibration_error(logits_of([0.6] * 10), labels) == pytest.approx(0.2)
    two = logits_of([0.9] * 5 + [0.6] * 5)  # all of the first right; 3 of 5 of the others
    assert calibration_error(two, labels) == pytest.approx((5 * 0.1 + 5 * 0.0) / 10)
    assert calibration_error(torch.tensor([[50.0, 0]] * 5), torch.ones(5).long()) == pytest.approx(1), "sure and wrong"
    assert math.isnan(calibration_error(torch.full((3, 2), math.nan), torch.zeros(3).long()))


def test_the_temperature_of_known_probabilities():
    labels = torch.tensor([0] * 8 + [1] * 2)
    for temperature in (0.25, 1.0, 3.0):
        logits = temperature * logits_of([0.8] * 10)
        assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=1e-6)
        assert calibration_error(logits, labels, temperature) == pytest.approx(0)


def test_temperatures_are_fitted_on_other_images_than_are_reported(tiny_cnn_zoo):
    tested, fitting = task_of(tiny_cnn_zoo).score_data(tiny_cnn_zoo.family.archs[0], most=50)
    assert len(tested) == 50 and len(fitting) > 50
    flat = {images.numpy().tobytes() for images in tested.pixels}
    train = task_of(tiny_cnn_zoo).data(tiny_cnn_zoo.family.archs[0], "train")
    assert not flat & {images.numpy().tobytes() for images in fitting.pixels}
    assert {i.numpy().tobytes() for i in fitting.pixels} <= {i.numpy().tobytes() for i in train.pixels}


def test_the_overlap_of_wrong_answers():
    wrong = np.array([1, 1, 0, 0], bool)
    others = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 1, 1], [0, 0, 0, 0]], bool)
    assert overlap_of_errors(wrong, others).tolist() == pytest.approx([1, 1 / 3, 0, 0])
    assert overlap_of_errors(~(wrong | True), others)[3] == 1, "two that are never wrong cannot be told apart"


def test_the_eikonal_error_of_a_distance_is_none():
    points = points_of_cube(512)
    assert points.abs().max() <= 1 and torch.equal(points, points_of_cube(512))
    assert eikonal_error(lambda x: x.norm(dim=1) - 0.5, points) == pytest.approx(0, abs=1e-6)
    assert eikonal_error(lambda x: x @ torch.tensor([0.6, 0.0, 0.8]), points) == pytest.approx(0, abs=1e-6)
    assert eikonal_error(lambda x: 3 * x[:, 0], points) == pytest.approx(2)


def test_the_pieces_of_two_spheres():
    def ball(x: torch.Tensor, centre: float, radius: float) -> torch.Tensor:
        return (x - torch.tensor([centre, 0.0, 0.0])).norm(dim=1) - radius

    mesh = extract_dense(lambda x: torch.minimum(ball(x, -0.5, 0.4), ball(x, 0.6, 0.2)), 64).mesh
    assert components(mesh) == 2
    assert largest_share(mesh) == pytest.approx(4 / 5, abs=0.01), "areas go as 0.4^2 to 0.2^2"
    assert largest_share(extract_dense(lambda x: ball(x, 0, 0.5), 32).mesh) == 1


def test_quantiles_and_what_is_not_defined():
    assert [quantile([4, 1, 3, 2], q) for q in (0.25, 0.5, 0.75)] == [1.75, 2.5, 3.25]
    assert quantile([1, 2, math.inf], 0.5) == 2 and quantile([1, math.inf], 0.5) == math.inf
    rows = [{"seed": k % 2, "x": x} for k, x in enumerate([1.0, None, 3.0, 2.0, None])]
    lower, neither = spread_of(rows, "x", "lower"), spread_of(rows, "x", "")
    assert (lower.q1, lower.median, lower.q3, lower.undefined) == (2, 3, None, 2)
    assert (neither.median, neither.undefined) == (2, 2)
    assert lower.by_seed == {"0": 3.0, "1": None}, "half of the second seed's are not defined: counted as the worst"


# -- pairs ---------------------------------------------------------------------------------------------------------


def test_pairs_are_of_their_kind_and_different(tiny_image_zoo):
    pairs, notes = draw_pairs(tiny_image_zoo, task_of(tiny_image_zoo), 6, range(3))
    strength, split = tiny_image_zoo.records.psnr, tiny_image_zoo.records.split
    for p in pairs:
        assert p.a != p.b and split[p.a] == split[p.b] == p.split
        if p.kind == WEAK_STRONG:
            assert strength[p.a] < strength[p.b]
        if p.kind == STRONG_STRONG:
            assert min(strength[p.a], strength[p.b]) >= strength[split == p.split].median()
    assert len(set(pairs)) == len(pairs)
    of_training = [p for p in pairs if p.split == "train"]
    assert len(of_training) == 3 * 3 * 6, "for each seed and kind"
    assert [p for p in pairs if p.split == "heldout" and p.kind == STRONG_STRONG and p.seed == 0] and notes
    assert any("held-out, strong to strong: 1 pairs, all there are, instead of 6" in note for note in notes)
    assert draw_pairs(tiny_image_zoo, task_of(tiny_image_zoo), 6, range(3))[0] == pairs
    assert draw_pairs(tiny_image_zoo, task_of(tiny_image_zoo), 6, range(1, 4))[0] != pairs


def test_networks_that_are_not_finite_are_left_out_and_named(tmp_path, tiny_zoo):
    zoo = spoilt(tiny_zoo, tmp_path)
    pairs, notes = draw_pairs(zoo, task_of(zoo), 3, [0])
    assert not {0} & {i for p in pairs for i in (p.a, p.b)}
    assert notes[0] == f"Left out, as their weights are not finite: {zoo.records.name[0]}."


# -- the command ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_network_is_scored_twice_alike(kind, request, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(METHODS, THIRD.name, THIRD)
    cards = []
    for name in ("one", "two"):
        words = ["score", *folders(request, kind), *QUICK, "--out", str(tmp_path / name), "--latex"]
        figures = ["--figures"] if (kind, name) == ("image", "two") else []
        assert main([*words, *figures]) == 0
        cards.append(json.loads((tmp_path / name / "score.json").read_text()))
    one, two = cards
    assert one["made"].keys() == {"at", "machine", "seconds"} and one["command"] != two["command"]
    assert {k: v for k, v in one.items() if k not in ("made", "command")} == {
        k: v for k, v in two.items() if k not in ("made", "command")
    }
    assert set(one["methods"]) == set(METHODS) and THIRD.name in one["methods"]
    assert len(one["rows"]) == sum(part["pairs"] for part in one["summary"])
    columns = {column["name"] for column in one["columns"]}
    for row in (row for row in one["rows"] if "why" not in row):
        assert columns - set(row) == (set() if METHODS[row["method"]].embedded else {"cycle", "cycle_ends"})
    raw, third = ([row for row in one["rows"] if row["method"] == m] for m in ("weights", "third"))
    assert [dict(row, method="") for row in raw] == [dict(row, method="") for row in third], "the same pairs"
    table = (tmp_path / "one" / "score.md").read_text()
    assert all(column["title"] in table for column in one["columns"]) and one["command"] in table
    tex = (tmp_path / "one" / "score.tex").read_text()
    assert tex.count("\\midrule") == len({(part["split"], part["kind"]) for part in one["summary"]})
    drawn = {path.stem for path in (tmp_path / "two").glob("*.png")}
    assert drawn == ({f"score-{name}" for name in columns} if kind == "image" else set())


def test_the_ends_of_raw_weights_are_the_originals(request, tmp_path):
    found = {}
    for kind in KINDS:
        out = tmp_path / kind
        assert main(["score", *folders(request, kind), *QUICK, "--methods", "weights", "--out", str(out)]) == 0
        found[kind] = json.loads((out / "score.json").read_text())["rows"]
    assert {(row["iou_ends"], row["chamfer_ends"]) for row in found["tiny"]} == {(1, 0)}
    assert {row["ends_lost"] for row in found["cnn"]} == {0}
    assert {row["psnr_ends"] for row in found["image"]} == {100}


def test_a_method_without_a_path_is_counted_and_says_why(tmp_path, tiny_family_zoo_folder, tiny_family_space_folder):
    words = ["score", "--space", str(tiny_family_space_folder), "--zoo", str(tiny_family_zoo_folder)]
    assert main([*words, *QUICK, "--out", str(tmp_path / "out")]) == 0
    card = json.loads((tmp_path / "out" / "score.json").read_text())
    none = [row for row in card["rows"] if "why" in row]
    assert none and {row["method"] for row in none} == {name for name, m in METHODS.items() if not m.embedded}
    assert all("no path through weights" in row["why"] for row in none if row["method"] == "weights")
    assert sum(part["without_path"] for part in card["summary"]) == len(none)
    assert "Without a path: There is no path through weights" in (tmp_path / "out" / "score.md").read_text()


def test_a_scorecard_that_cannot_be_made_says_so(tmp_path, capsys, request, tiny_zoo):
    both, out = folders(request, "tiny"), ["--out", tmp_path / "out"]
    select(tiny_zoo, [0], tmp_path / "one")
    said = refused(capsys, "score", *both[:2], "--zoo", tmp_path / "one", *QUICK, *out)
    assert "needs two networks of a split" in said and "has 1 training and 0 held-out ones" in said
    assert "--steps is an odd number" in refused(capsys, "score", *both, "--steps", 4, *out)
    assert "--pairs" in refused(capsys, "score", *both, "--pairs", 0, *out)
    assert "invalid choice: 'magic'" in refused(capsys, "score", *both, "--methods", "magic", *out)
    assert "training networks to compare with" in refused(
        capsys, "audit", *both[:2], "--zoo", tmp_path / "one", *out
    )  # fmt: skip
    assert "--sigmas takes positive numbers" in refused(capsys, "audit", *both, "--sigmas", "nan", *out)
    of_others = folders(request, "cnn")[2:]
    assert "the zoo holds" in refused(capsys, "score", *both[:2], *of_others, *out)
    assert not (tmp_path / "out").exists()


def test_classifiers_without_their_images_are_not_scored(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("NETSPACE_DATA", "")
    monkeypatch.chdir(tmp_path)
    family = Family.of("lenetlike/cifar10", width=1000)
    NetSpace(family, embedding=8, hidden=16).save(tmp_path / "space")
    networks = [family.archs[0].initialise(seed) for seed in range(2)]
    weights = {f"{family.names[0]}/{name}": torch.stack([n[name] for n in networks]) for name in networks[0]}
    records = pd.DataFrame({"name": ["a", "b"], "arch": family.names[0], "row": [0, 1], "split": "train"})
    write_zoo(tmp_path / "zoo", family, records, weights, {})
    (tmp_path / "images").mkdir()
    both = ["--space", "space", "--zoo", "zoo", "--data", "images", "--out", "out"]
    for command in ("score", "audit"):
        assert "no cifar10 in images: run `python -m netspace images" in refused(capsys, command, *both)
    assert not (tmp_path / "out").exists()


# -- memorisation --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_network_is_most_like_itself(kind, request):
    zoo = request.getfixturevalue(KINDS[kind].format("zoo").removesuffix("_folder"))
    task = task_of(zoo)
    some = [zoo[i] for i in zoo.ids("train")]
    nearest = task.auditing(some, task.score_data(some[0].arch), 32)
    for k, network in enumerate(some[:4]):
        itself, other = nearest(network, None), nearest(network, k)
        assert k in itself.nearest and k not in other.nearest
        same = {"tiny": 0.0, "cnn": 1.0, "image": 100.0}[kind]
        assert itself.likeness == pytest.approx(same, abs=1e-6)
        assert (other.likeness > same) == (task.likeness.better == "higher") or other.likeness == same


def test_noise_is_as_large_as_asked_for(tiny_zoo):
    network = tiny_zoo[0]
    noisy = with_noise(network, 0.5, torch.Generator().manual_seed(0))
    name = max(network.params, key=lambda n: network.params[n].numel())
    noise = (noisy.params[name] - network.params[name]).std() / network.params[name].std()
    assert noise.item() == pytest.approx(0.5, rel=0.1)
    assert noisy.prep.shape == network.prep.shape


def test_what_a_baseline_beats_by_hand():
    assert beats((1.0, 2.0), (1.0, 1.0)) and not beats((1.0, 1.0), (1.0, 1.0)) and not beats((2.0, 0.0), (1.0, 1.0))
    assert beats((0.0, 0.0), None) and not beats(None, (0.0, 0.0)) and not beats(None, None)
    overlap, right = ScoreColumn("overlap", "lower", ""), ScoreColumn("accuracy", "higher", "")
    rows = [
        {"source": source, "role": role, "likeness": a, "x": b, "y": None, "nearest_is_origin": origin}
        for source, role, a, b, origin in [
            ("noise", BASELINE, 0.5, 0.8, True),
            ("loud", BASELINE, 0.1, 0.1, False),
            ("new", "made", 0.4, 0.7, False),  # newer than noise
            ("new", "made", 0.5, 0.9, False),  # better: beats it
            ("new", "made", 0.6, 0.8, True),  # as good, and less new: beaten
            ("new", "made", 0.5, None, None),  # is nothing: beaten
        ]
    ]
    noise, _, new = summarise_audit(rows, overlap, {"x": right, "y": right})
    assert (new["rival"], new["beaten"], new["beats"], new["count"]) == ("noise", 0.5, 0.25, 4)
    assert noise["rival"] is None and list(new["qualities"]) == ["x"], "what is defined of none does not count"
    assert new["nearest_is_origin"] == pytest.approx(1 / 3, abs=1e-5) and new["qualities"]["x"]["undefined"] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_network_is_audited(kind, request, tmp_path):
    words = ["audit", *folders(request, kind), "--count", "2", "--images", "40", "--resolution", "32"]
    for name in ("one", "two"):
        assert main([*words, "--sigmas", "0.1", "--device", "cpu", "--latex", "--out", str(tmp_path / name)]) == 0
    one, two = (json.loads((tmp_path / name / "audit.json").read_text()) for name in ("one", "two"))
    assert (one["rows"], one["sources"]) == (two["rows"], two["sources"])
    sources = {part["source"]: part for part in one["sources"]}
    assert {"training networks", "noise 0.1", "decoded, training", "half-way, latent path"} <= set(sources)
    assert sources["half-way, raw weights"]["role"] == BASELINE
    assert all(row["nearest"] != row["name"] for row in one["rows"] if row["source"] == "training networks")
    table = (tmp_path / "one" / "audit.md").read_text()
    assert TASKS[one["task"]].likeness.title in table and (tmp_path / "one" / "audit.tex").exists()


def test_an_optimised_network_is_audited(tiny_cnn_zoo, tiny_cnn_space_folder):
    space, task = load(tiny_cnn_space_folder), task_of(tiny_cnn_zoo)
    best = tiny_cnn_zoo[tiny_cnn_zoo.ids("train")[0]]
    data = task.score_data(best.arch, most=40)
    found = audit(space, tiny_cnn_zoo, optimised={"runs/mine": best}, count=1, sigmas=[0.1], methods=[], data=data)
    (row,) = [row for row in found.rows if row["source"] == "optimised"]
    assert row["likeness"] == 1 and row["name"] == "runs/mine"


# -- symmetry ------------------------------------------------------------------------------------------------------


def permuted(network: Network, count: int, seed: int) -> list[Network]:
    """Copies of a SIREN with the units of its first layer in another order, and the sign of every second one turned."""
    generator, copies = torch.Generator().manual_seed(seed), []
    for _ in range(count):
        params = dict(network.params)
        order = torch.randperm(len(params["layers.0.bias"]), generator=generator)
        sign = torch.where(torch.arange(len(order)) % 2 == 0, 1.0, -1.0)
        params["layers.0.weight"] = params["layers.0.weight"][order] * sign[:, None]
        params["layers.0.bias"] = params["layers.0.bias"][order] * sign
        params["layers.1.weight"] = params["layers.1.weight"][:, order] * sign
        copies.append(Network(network.arch, pack(params, tuple(network.prep.shape[-2:]))))
    return copies


def test_an_encoder_that_reads_answers_sees_through_a_permutation(
    tiny_zoo, tiny_space_folder, tiny_image_zoo, tiny_image_space_folder
):
    (prep,) = symmetry_audit(load(tiny_space_folder), tiny_zoo, [0], permuted, count=5)
    (probe,) = symmetry_audit(load(tiny_image_space_folder), tiny_image_zoo, [0], permuted, count=5)
    assert prep.functions == probe.functions == 0 and prep.copies == 5
    assert probe.embeddings_most < 1e-3 < 0.1 < prep.embeddings <= prep.embeddings_most
    assert probe.decodes_most < 0.02 and 0 <= prep.decodes <= prep.decodes_most <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_copies_of_every_kind_are_equal_and_the_command_says_so(kind, request, tmp_path, capsys):
    words = ["symmetry", *folders(request, kind), "--count", "2", "--copies", "3", "--images", "40", "--device", "cpu"]
    for name in ("one", "two"):
        assert main([*words, "--latex", "--out", str(tmp_path / name)]) == 0
    one, two = (json.loads((tmp_path / name / "symmetry.json").read_text()) for name in ("one", "two"))
    assert one["rows"] == two["rows"] and {row["split"] for row in one["rows"]} == {"train", "heldout"}
    assert all(row["functions"] < 1e-3 and row["copies"] == 3 for row in one["rows"]), "but for rounding"
    read = load(request.getfixturevalue(KINDS[kind].format("space"))).config.encoder
    assert all((row["embeddings"] < 1e-3) == (read == "probe" and kind == "image") for row in one["rows"])
    assert "copies of each network" in capsys.readouterr().out and (tmp_path / "one" / "symmetry.tex").exists()


def test_the_same_network_moves_nothing(tiny_zoo, tiny_space_folder):
    (found,) = symmetry_audit(load(tiny_space_folder), tiny_zoo, [1], lambda network, count, seed: [network] * count)
    assert found[2:] == (0, 0, 0, 0, 0)


def test_outputs_of_copies_differ_by_rounding_and_those_of_another_network_do_not(tiny_zoo):
    one, other = tiny_zoo[0], tiny_zoo[1]
    x = task_of(one).inputs(one.arch)
    same, different = output_gap([one, *orbit_of(one, 2, 0)], x), output_gap([one, other], x)
    assert 0 < same.largest < 1e-5 * same.reach and different.largest > 1e-2 * different.reach
    assert different.largest == pytest.approx((one(x) - other(x)).abs().max().item(), rel=1e-5) and same.reach > 0


def test_a_network_of_which_no_hidden_units_are_known_has_no_copies(tiny_zoo):
    arch = replace(tiny_zoo[0].arch, name="mine", build=lambda: torch.nn.Linear(3, 1))
    with pytest.raises(UsageError, match="nothing is known of the hidden units of mine"):
        orbit_of(Network(arch, tiny_zoo[0].prep), 1, 0)


# -- tables --------------------------------------------------------------------------------------------------------


def test_a_table_says_what_it_is_given():
    table = TextTable("a_b", ["x", "50 %"], [[["1", "|z|"]], [["2", "–"]]], ["It is."])
    assert markdown(table, "netspace score").splitlines() == [
        "**a_b**", "", "| x | 50 % |", "| --- | --- |", "| 1 | \\|z\\| |", "| 2 | – |", "", "- It is.", "",
        "Made by `netspace score`.",
    ]  # fmt: skip
    tex = latex(table, "netspace\nscore")
    assert tex.startswith("% made by: netspace score\n") and r"a\_b" in tex and r"50 \%" in tex
    assert r"\textbar{}z\textbar{}" in tex and tex.count(r"\\") == 3 and tex.count(r"\midrule") == 2


# -- what ships ----------------------------------------------------------------------------------------------------


REPORTS = sorted((netspace.ASSETS / "scores").glob("*/*.json"))


def test_there_is_a_scorecard_of_every_space_that_ships():
    assert {path.parent.name for path in REPORTS if path.stem == "score"} == set(scores.SPACES)


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.parent.name)
def test_a_report_that_ships_is_of_the_very_networks_that_ship(path):
    report, command = json.loads(path.read_text()), path.stem
    name = path.parent.name.removesuffix(f"-{command}")
    assert path == scores.report_folder(name, command) / f"{command}.json"
    space, zoo = (netspace.ASSETS / folder for folder in scores.SPACES[name])
    assert report["space"]["content"] == space_content(netspace.load(space))
    assert report["zoo"]["content"] == zoo_content(netspace.Zoo.load(zoo))
    assert report["command"].startswith(f"python -m netspace {command} ")
    if command == "score":
        assert report["settings"]["pairs"] == 20 and len(report["settings"]["seeds"]) == 3
        assert set(report["methods"]) == set(METHODS)


def test_the_table_of_results_is_what_the_reports_say():
    assert scores.results_table() in (netspace.ASSETS.parent / "docs" / "results.md").read_text()
