"""Fitting: the loss falls, grouping does not mix networks, and nothing finished is lost."""

import dataclasses
import errno
import json

import numpy as np
import pytest
import torch
import trimesh
from conftest import TINY_FIT

from netspace import Zoo
from netspace.cli.main import main
from netspace.data.shapes import chair, chair_params
from netspace.data.solids import Solid, sample_sdf
from netspace.errors import FormatError
from netspace.nets.archs import Siren, arch_named
from netspace.recipes import CHAIRS_FAST_ZOO
from netspace.train.fit_sdf import ShapeSource, chair_sources, file_sources, fit_sdf, fit_sdf_zoo
from netspace.train.muon import Muon, orthogonalise
from netspace.zoo.writer import ShardWriter


def run(folder, count, config=TINY_FIT, **options):
    return list(fit_sdf_zoo(folder, chair_sources(count), config, **({"workers": 0} | options)))


MUON = dataclasses.replace(TINY_FIT, optimiser="muon", lr=CHAIRS_FAST_ZOO.lr, near=CHAIRS_FAST_ZOO.near)


@pytest.mark.parametrize("config", [TINY_FIT, MUON], ids=["adam", "muon"])
def test_more_steps_fit_better(config):
    samples = torch.from_numpy(sample_sdf(Solid(chair(chair_params(3))[0]), 4000, 0))[None]
    short, long = (fit_sdf(samples, [1], dataclasses.replace(config, steps=s)).loss.item() for s in (20, 300))
    assert long < 0.3 * short


def test_muon_fits_better_than_adam_in_as_many_steps():
    """On all samples: batches of the two are drawn in different ways."""
    samples = torch.from_numpy(sample_sdf(Solid(chair(chair_params(3))[0]), 4000, 0))[None]

    def error(config):
        params = {name: p[0] for name, p in fit_sdf(samples, [1], config).params.items()}
        return (arch_named(config.arch).compile_params(params)(samples[0, :, :3]) - samples[0, :, 3]).abs().mean()

    assert error(MUON) < 0.7 * error(TINY_FIT)


def test_batches_by_nearness_lie_nearer_to_the_surface(monkeypatch):
    samples = torch.from_numpy(sample_sdf(Solid(chair(chair_params(3))[0]), 4000, 0))[None]
    distance = dict(zip(map(tuple, samples[0, :, :3].tolist()), samples[0, :, 3].abs().tolist(), strict=True))
    seen, apply_params = [], Siren.apply_params

    def spy(self, params, x, dtype=None):
        seen[-1] += [distance[point] for point in map(tuple, x[0].tolist())]
        return apply_params(self, params, x, dtype)

    monkeypatch.setattr(Siren, "apply_params", spy)
    for near in (0.0, 0.9, 1.0):
        seen.append([])
        fit_sdf(samples, [1], dataclasses.replace(MUON, steps=20, near=near))
    none, most, all_ = (np.mean(found) for found in seen)
    assert all_ < 0.6 * none and all_ < most < none
    assert none == pytest.approx(np.mean(list(distance.values())), rel=0.1)


@pytest.mark.parametrize("config", [TINY_FIT, MUON], ids=["adam", "muon"])
@pytest.mark.parametrize("half_inside", [False, True])
def test_a_group_is_a_stack_of_networks_of_their_own(half_inside, config):
    """A network's inputs never touch another's: with other neighbours, the first of a group comes out the same."""
    config = dataclasses.replace(config, steps=10, half_inside=half_inside)
    samples = [torch.from_numpy(sample_sdf(Solid(chair(chair_params(s))[0]), 2000, s)) for s in range(3)]
    a = fit_sdf(torch.stack([samples[0], samples[1]]), [7, 8], config)
    b = fit_sdf(torch.stack([samples[0], samples[2]]), [7, 9], config)
    for name in a.params:
        assert torch.allclose(a.params[name][0], b.params[name][0], atol=1e-6)
        assert not torch.allclose(a.params[name][1], b.params[name][1], atol=1e-6)


def test_half_of_every_batch_lies_inside_if_asked(monkeypatch):
    samples = torch.from_numpy(sample_sdf(Solid(chair(chair_params(3))[0]), 4000, 0))[None]
    seen = []
    apply_params = Siren.apply_params
    inside = {tuple(p[:3].tolist()) for p in samples[0] if p[3] < 0}

    def spy(self, params, x, dtype=None):
        seen.append(np.mean([tuple(p.tolist()) in inside for p in x[0]]))
        return apply_params(self, params, x, dtype)

    monkeypatch.setattr(Siren, "apply_params", spy)
    fit_sdf(samples, [1], dataclasses.replace(TINY_FIT, steps=2, half_inside=True))
    assert seen == [0.5, 0.5]


def test_shared_init_starts_all_networks_alike():
    samples = torch.from_numpy(sample_sdf(Solid(chair(chair_params(3))[0]), 1000, 0)).expand(2, -1, -1)
    config = dataclasses.replace(TINY_FIT, steps=1, lr=1e-30)
    own, shared = (fit_sdf(samples, [1, 2], dataclasses.replace(config, shared_init=s)).params for s in (False, True))
    assert not torch.equal(own["layers.0.weight"][0], own["layers.0.weight"][1])
    assert torch.equal(shared["layers.0.weight"][0], shared["layers.0.weight"][1])


def test_what_is_measured_is_what_is_stored(tiny_zoo):
    """The fit error of the records is that of the rounded weights."""
    i = 1
    record = tiny_zoo.records.loc[i]
    mesh, _ = chair(chair_params(1))
    samples = torch.from_numpy(sample_sdf(Solid(mesh), TINY_FIT.samples, int(record["seed"])))
    error = (tiny_zoo[i].compiled()(samples[:, :3]) - samples[:, 3]).abs().mean().item()
    assert error == pytest.approx(record["fit_error"], rel=1e-4)


@pytest.mark.parametrize("config", [TINY_FIT, MUON], ids=["adam", "muon"])
def test_resuming_after_a_stop_gives_the_zoo_of_an_uninterrupted_run(tmp_path, config):
    config = dataclasses.replace(config, steps=15)
    run(tmp_path / "whole", 5, config)
    lines = fit_sdf_zoo(tmp_path / "parts", chair_sources(5), config, workers=0)
    next(lines)
    assert len(Zoo.load(tmp_path / "parts")) == 1  # already when it is told
    next(lines)
    lines.close()  # as Ctrl-C does
    part = Zoo.load(tmp_path / "parts")
    assert len(part) == 2
    resumed = run(tmp_path / "parts", 5, config, resume=True)
    assert [line.done for line in resumed] == [3, 4, 5]
    whole, parts = Zoo.load(tmp_path / "whole"), Zoo.load(tmp_path / "parts")
    assert torch.equal(whole.preps(range(5)), parts.preps(range(5)))
    columns = [c for c in whole.records if c != "seconds"]
    assert whole.records[columns].equals(parts.records[columns])


def test_a_network_is_the_same_whoever_is_fitted_beside_it(tmp_path):
    config = dataclasses.replace(TINY_FIT, steps=5)
    run(tmp_path / "whole", 4, config)
    for _ in fit_sdf_zoo(tmp_path / "end", chair_sources(2, first_seed=2), config, workers=0):
        pass
    whole, end = Zoo.load(tmp_path / "whole"), Zoo.load(tmp_path / "end")
    assert torch.equal(whole.preps([2, 3]), end.preps([0, 1]))
    assert whole.records.split[2:].tolist() == end.records.split.tolist()
    grown = fit_sdf_zoo(tmp_path / "end", chair_sources(2, first_seed=4), config, workers=0, resume=True)
    assert [(line.done, line.total) for line in grown] == [(1, 2), (2, 2)]


def test_files_of_one_stem_are_told_apart(tmp_path):
    mesh = trimesh.creation.box()
    for name in ("a.off", "a.stl", "sub/b.ply"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        mesh.export(tmp_path / name)
    before = {source.name: source.seed for source in file_sources(tmp_path)}
    assert set(before) == {"a.off", "a.stl", "sub-b"}
    mesh.export(tmp_path / "0.ply")
    assert before.items() <= {source.name: source.seed for source in file_sources(tmp_path)}.items()


def test_worker_processes_give_the_same_zoo(tmp_path):
    config = dataclasses.replace(TINY_FIT, steps=15)
    run(tmp_path / "one", 3, config)
    run(tmp_path / "two", 3, config, workers=2)
    one, two = Zoo.load(tmp_path / "one"), Zoo.load(tmp_path / "two")
    assert torch.allclose(one.preps(range(3)), two.preps(range(3)), atol=1e-3)
    assert one.records.name.tolist() == two.records.name.tolist()


def test_a_folder_in_use_and_another_config_are_refused(tmp_path):
    config = dataclasses.replace(TINY_FIT, steps=5)
    run(tmp_path, 1, config)
    with pytest.raises(FormatError, match="holds a zoo already; add --resume"):
        run(tmp_path, 2, config)
    with pytest.raises(FormatError, match="another configuration"):
        run(tmp_path, 2, dataclasses.replace(config, lr=1e-2), resume=True)
    assert len(Zoo.load(tmp_path)) == 1


def test_a_full_disk_keeps_what_was_finished(tmp_path, monkeypatch):
    config = dataclasses.replace(TINY_FIT, steps=5)
    run(tmp_path, 2, config)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ShardWriter, "commit", full)
    with pytest.raises(OSError, match="No space left"):
        run(tmp_path, 3, config, resume=True)
    assert len(Zoo.load(tmp_path)) == 2


def test_bad_meshes_are_skipped_and_reported(tmp_path):
    meshes = tmp_path / "meshes"
    meshes.mkdir()
    trimesh.Trimesh(*chair(chair_params(2))[0], process=False).export(meshes / "good.ply")
    (meshes / "flat.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    (meshes / "range.off").write_text("OFF\n4 2 0\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n3 0 1 9\n3 0 1 3\n")
    (meshes / "nan.obj").write_text("v 0 0 0\nv 1 0 0\nv nan 1 0\nv 0 0 1\nf 1 2 3\nf 1 2 4\n")
    lines = list(fit_sdf_zoo(tmp_path / "zoo", file_sources(meshes), dataclasses.replace(TINY_FIT, steps=5), workers=0))
    problems = [line.problem for line in lines if line.problem]
    assert len(problems) == 3 and any("flat" in p for p in problems) and any("not finite" in p for p in problems)
    zoo = Zoo.load(tmp_path / "zoo")
    assert zoo.records.name.tolist() == ["good"] and zoo.about["skipped"] == problems
    assert zoo.records.source[0].endswith("good.ply")


def test_a_zoo_of_nothing_but_bad_meshes_says_so(tmp_path):
    (tmp_path / "flat.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    sources = [ShapeSource("flat", str(tmp_path / "flat.obj"), 0, 0)]
    assert [line.record for line in fit_sdf_zoo(tmp_path / "zoo", sources, TINY_FIT, workers=0)] == [{}]
    with pytest.raises(FormatError, match="no network"):
        Zoo.load(tmp_path / "zoo")


def test_settings_that_cannot_be_are_named():
    for changes, sentence in (
        ({"arch": "foo"}, "unknown architecture .foo."),
        ({"decay": "foo"}, "--decay is 'foo'"),
        ({"store_dtype": "bfloat16"}, "--store-dtype is 'bfloat16'"),
        ({"heldout_every": 0}, "--heldout-every is 0, it must be at least 1"),
    ):
        with pytest.raises(ValueError, match=sentence):
            dataclasses.replace(TINY_FIT, **changes)
    with pytest.raises(ValueError, match="0 chairs"):
        chair_sources(0)


def test_a_network_that_is_not_finite_is_listed_and_not_stored(tmp_path, monkeypatch):
    def diverged(samples, seeds, config):
        found = fit_sdf(samples, seeds, config)
        if seeds[0] == config.seed + 1_000_003 * 2:  # the second chair's
            next(iter(found.params.values()))[0].fill_(float("nan"))
        return found

    monkeypatch.setattr("netspace.train.fit_sdf.fit_sdf", diverged)
    lines = run(tmp_path, 3, dataclasses.replace(TINY_FIT, steps=2))
    assert [bool(line.problem) for line in lines] == [False, True, False]
    zoo = Zoo.load(tmp_path)
    assert "chair:1: fitting diverged" in zoo.about["skipped"][0] and zoo.records.row.tolist() == [0, 1]
    assert zoo.preps(range(2)).isfinite().all()


def folder_of_meshes(folder):
    folder.mkdir()
    mesh, _ = chair(chair_params(2))
    good = trimesh.Trimesh(*mesh, process=False)
    good.export(folder / "good.glb")
    ball = trimesh.creation.icosphere(subdivisions=3)
    ball.update_faces(ball.vertices[ball.faces][:, :, 1].max(axis=1) < 0.9)
    ball.export(folder / "holed.ply")
    (folder / "other.fbx").write_text("")
    return folder


def test_a_file_s_ground_truth_is_described_and_warned_of(tmp_path, capsys):
    meshes, out = folder_of_meshes(tmp_path / "meshes"), tmp_path / "zoo"
    fast = ["--steps", "5", "--samples", "500", "--arch", TINY_FIT.arch, "--workers", "0"]
    assert main(["zoo", "fit-sdf", "--meshes", str(meshes), "--out", str(out), *fast]) == 0
    said = capsys.readouterr().out
    assert "1 FBX" in said and "good IoU" in said and "(y up; against the closed mesh)" in said
    assert "warning: holed" in said and "sees the sky" in said
    zoo = Zoo.load(out)
    good, holed = (zoo.records[zoo.records.name == name].iloc[0] for name in ("good", "holed"))
    assert good.sky_share == 0 and good.tests_agree == 1 and good.mended == ""
    assert holed.sky_share > 0.05 and "open edges" in holed.mended and holed.up == "y"
    assert good.warnings.startswith("the network holds its solid badly (IoU ")  # after five steps
    assert zoo.about["warnings"] == [f"good: {good.warnings}", f"holed: {holed.warnings}"]
    strict = ["zoo", "fit-sdf", "--meshes", str(meshes), "--out", str(tmp_path / "strict"), "--strict", *fast]
    assert main(strict) == 0
    assert "skipped by --strict" in capsys.readouterr().out
    assert Zoo.load(tmp_path / "strict").records.name.tolist() == ["good"]


def test_a_zoo_from_before_files_were_turned_goes_on(tmp_path):
    """Its config lacks the newer fields; its OFF files go on being read as filed."""
    meshes = tmp_path / "meshes"
    meshes.mkdir()
    for seed in (2, 3):
        trimesh.Trimesh(*chair(chair_params(seed))[0], process=False).export(meshes / f"{seed}.off")
    config = dataclasses.replace(TINY_FIT, steps=2, up="y")
    sources = file_sources(meshes)
    list(fit_sdf_zoo(tmp_path / "zoo", sources[:1], config, workers=0))
    path = tmp_path / "zoo" / "zoo.json"
    about = json.loads(path.read_text())
    for name in ("up", "keep", "thickness", "strict"):
        del about["config"][name]
    path.write_text(json.dumps(about))
    new = dataclasses.replace(config, up="auto")
    lines = list(fit_sdf_zoo(tmp_path / "zoo", sources, new, workers=0, resume=True))
    assert len(lines) == 1 and not lines[0].problem and lines[0].record["up"] == "y"
    with pytest.raises(FormatError, match="another configuration"):
        list(fit_sdf_zoo(tmp_path / "zoo", sources, dataclasses.replace(new, steps=3), workers=0, resume=True))


def test_a_zoo_from_before_muon_goes_on_with_adam_alone(tmp_path):
    """Its config lacks the newer fields; networks of two optimizers are not mixed."""
    config = dataclasses.replace(TINY_FIT, steps=2)
    run(tmp_path, 1, config)
    path = tmp_path / "zoo.json"
    about = json.loads(path.read_text())
    for name in ("optimiser", "near"):
        del about["config"][name]
    path.write_text(json.dumps(about))
    for changes in ({"optimiser": "muon"}, {"near": 0.5}):
        with pytest.raises(FormatError, match="was begun by Adam on batches drawn evenly"):
            run(tmp_path, 2, dataclasses.replace(config, **changes), resume=True)
    (line,) = run(tmp_path, 2, config, resume=True)
    assert not line.problem and Zoo.load(tmp_path).about["config"] == dataclasses.asdict(config)


def test_orthogonalised_matrices_keep_their_directions():
    """Singular vectors stay, singular values that were not small become about 1; each matrix of a batch by itself."""
    generator = torch.Generator().manual_seed(0)
    for m, n in ((12, 20), (20, 12)):
        stack = torch.randn(3, m, n, generator=generator)
        found = orthogonalise(stack, steps=5, dtype=torch.float32)
        u, s, vh = torch.linalg.svd(stack, full_matrices=False)
        inner = u.mT @ found @ vh.mT
        assert torch.allclose(inner, torch.diag_embed(inner.diagonal(dim1=-2, dim2=-1)), atol=1e-4)
        values = inner.diagonal(dim1=-2, dim2=-1)[s > 0.1 * s.amax(dim=-1, keepdim=True)]
        assert values.min() > 0.6 and values.max() < 1.25
        assert torch.allclose(found[1], orthogonalise(stack[1], steps=5, dtype=torch.float32), atol=1e-5)
    assert not orthogonalise(torch.zeros(2, 3, 3)).any()


@pytest.mark.parametrize("shape", [(12, 20), (20, 12)])
def test_muon_steps_as_torchs_does_with_a_single_matrix(shape):
    """Torch's takes one matrix at a time; with its settings, a batch moves as each of its matrices would alone."""
    start, *grads = torch.randn(4, 3, *shape, generator=torch.Generator().manual_seed(0))
    batch = start.clone().requires_grad_()
    alone = [matrix.clone().requires_grad_() for matrix in start]
    mine = Muon([batch], lr=0.1, momentum=0.95, steps=5)
    theirs = torch.optim.Muon(alone, lr=0.1, momentum=0.95, weight_decay=0.0)
    for grad in grads:
        batch.grad = grad.clone()
        for matrix, part in zip(alone, grad, strict=True):
            matrix.grad = part.clone()
        mine.step()
        theirs.step()
    moved = (torch.stack(alone) - start).detach()
    assert torch.allclose(batch.detach() - start, moved, atol=0.03 * moved.abs().max().item())
