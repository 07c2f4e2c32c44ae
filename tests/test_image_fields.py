"""Image fields, the third kind of network: pictures in, a space of them, and what the tasks promise of every kind."""

import gzip
import json
import math
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import TINY_IMAGE, TINY_IMAGE_TRAIN
from PIL import Image
from reading import read_picture

import netspace
from netspace import Family, NetSpace, Network
from netspace.cli.main import main
from netspace.data import pictures
from netspace.data.pictures import load_picture, load_pictures, read_idx
from netspace.errors import DataError, FormatError, MissingData, UsageError
from netspace.latent.paths import METHODS, PATH_STEPS
from netspace.nets.archs import KINDS_OF_NETWORK, arch_named
from netspace.space.encoders import PROBES
from netspace.tasks import TASKS, task_of
from netspace.tasks.image_field import PictureObjective, as_values, pixel_centres, psnr, render
from netspace.train.fit_image import ImageConfig, fit_image_zoo, fit_images
from netspace.train.lso import LsoConfig, optimise
from netspace.train.lso_files import read_result
from netspace.train.space import TrainConfig, new_space
from netspace.train.starts import start_from
from netspace.zoo.family import family_from_json, family_to_json
from netspace.zoo.store import HELDOUT, TRAIN, VALIDATION, Zoo, select


@pytest.fixture(scope="session")
def zoo(tiny_image_zoo) -> Zoo:
    return tiny_image_zoo


@pytest.fixture(scope="session")
def trained_folder(tiny_image_space_folder) -> Path:
    return tiny_image_space_folder


@pytest.fixture(scope="session")
def space(trained_folder) -> NetSpace:
    return netspace.load(trained_folder)


# -- every kind ------------------------------------------------------------------------------------------------------


def test_every_kind_of_network_is_a_task_and_can_be_probed():
    assert set(TASKS) == set(KINDS_OF_NETWORK) == set(PROBES)
    for name, arch in (("sdf", "siren64"), ("classification", "lenetlike/digits"), ("image-field", "siren/2-8-8-3@30")):
        assert task_of(arch_named(arch)) is task_of(Family.of(arch)) is TASKS[name] and TASKS[name].name == name


@pytest.mark.parametrize("name", ["siren64", "lenetlike/digits", "siren/2-8-8-1@30", "siren/2-8-8-3@30"])
def test_outputs_tell_networks_apart(name):
    arch, images = arch_named(name), None
    task = task_of(arch)
    if name.startswith("lenet"):
        images = task.data(arch)
    networks = [Network.of(arch, arch.initialise(seed), Family.of(name, width=1000).size) for seed in (0, 1)]
    a, b = (task.outputs(network, images) for network in networks)
    assert float(task.distance(a, a)) == 0 and 0 < float(task.distance(a, b)) <= 1
    assert task.distance(a, torch.stack([a, b])).tolist() == [0, float(task.distance(a, b))]
    assert networks[0](task.inputs(arch, images)[:2]).isfinite().all()


def test_a_kind_of_a_newer_version_is_told_in_a_sentence(zoo, tmp_path):
    about = family_to_json(zoo.family)
    assert about["task"] == "image-field" and family_from_json(about) == zoo.family
    del about["task"]  # as older files
    assert family_from_json(about) == zoo.family
    (tmp_path / "zoo.json").write_text(
        json.dumps({"format": 1, "family": {"archs": ["siren/4-8-1@30"], "size": [4, 8], "task": "video-field"}})
    )
    with pytest.raises(FormatError, match=r"of the kind 'video-field', which this version does not know"):
        Zoo.load(tmp_path)


# -- pictures --------------------------------------------------------------------------------------------------------


def idx(array: np.ndarray) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def fashion(tmp_path, monkeypatch):
    """Fashion-MNIST's layout with 5 and 3 random images, compressed, in torchvision's folder."""
    draw, folder = np.random.default_rng(0), tmp_path / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    for part, count in (("train", 5), ("t10k", 3)):
        images, labels = draw.integers(0, 256, (count, 28, 28), np.uint8), np.arange(count, dtype=np.uint8)
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
    monkeypatch.setattr(pictures, "SYSTEM", tmp_path / "nowhere")
    monkeypatch.setattr(pictures, "data_folders", lambda: [tmp_path])
    pictures._fashion.cache_clear()
    yield folder
    pictures._fashion.cache_clear()


def test_fashion_mnist_is_read_from_its_makers_files(fashion):
    found = load_pictures("fashion-mnist")
    assert found.pixels.shape == (8, 1, 28, 28) and found.labels[:2] == ("T-shirt", "trouser") == found.labels[5:7]
    test = read_idx(fashion / "t10k-images-idx3-ubyte.gz", 3)
    assert np.array_equal(found.pixels[5:, 0].numpy(), test)
    assert torch.equal(load_picture("fashion-mnist:6"), found.pixels[6])
    with pytest.raises(UsageError, match="the pictures 0 to 7, got '8'"):
        load_picture("fashion-mnist:8")


def test_fashion_mnist_that_is_not_here_says_what_to_install(fashion, monkeypatch):
    monkeypatch.setattr(pictures, "data_folders", lambda: [fashion / "nothing"])
    with pytest.raises(MissingData, match="Debian's package dataset-fashion-mnist"):
        load_pictures("fashion-mnist")


def test_a_damaged_idx_file_is_refused(fashion):
    path = fashion / "train-images-idx3-ubyte.gz"
    whole = gzip.decompress(path.read_bytes())
    for content, words in (
        (gzip.compress(whole[:-1]), "truncated"),
        (whole[:50], "cannot be read"),
        (b"", "no IDX file"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=words):
            load_pictures("fashion-mnist")


def test_folders_are_classes_and_sizes_must_agree(tmp_path):
    for name, size in (("cats/a.png", 12), ("cats/b.png", 12), ("dogs/a.jpg", 12)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (size, size), (255, 0, 0)).save(tmp_path / name)
    found = load_pictures(str(tmp_path), channels=3)
    assert found.names == ("cats-a", "cats-b", "dogs-a") and found.labels == ("cats", "cats", "dogs")
    assert found.pixels.shape == (3, 3, 12, 12) and found.pixels[0, :, 0, 0].tolist() == [255, 0, 0]
    assert load_pictures(str(tmp_path)).pixels.shape == (3, 1, 12, 12)
    Image.new("L", (20, 10)).save(tmp_path / "dogs" / "wide.png")
    with pytest.raises(DataError, match="--size"):
        load_pictures(str(tmp_path))
    assert load_pictures(str(tmp_path), size=8).pixels.shape == (4, 1, 8, 8)
    assert load_picture(str(tmp_path / "dogs" / "wide.png")).shape == (1, 10, 10)
    (tmp_path / "dogs" / "wide.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"wide\.png cannot be decoded"):
        load_pictures(str(tmp_path))
    with pytest.raises(MissingData, match="neither fashion-mnist nor digits"):
        load_pictures(str(tmp_path / "nothing"))
    with pytest.raises(MissingData, match="holds no image files"):
        (tmp_path / "empty").mkdir()
        load_pictures(str(tmp_path / "empty"))


# -- networks --------------------------------------------------------------------------------------------------------


def test_values_and_pixels_are_laid_out_as_said():
    pixels = torch.zeros(3, 4, 4, dtype=torch.uint8)
    pixels[0, 1, 2] = 255  # red, second row, third column
    values = as_values(pixels)  # (16, 3)
    where = pixel_centres(4)[(values[:, 0] == 1).nonzero()[0, 0]]
    assert where.tolist() == [0.25, -0.25]  # right of the middle, above it
    assert values[0].tolist() == [-1, -1, -1]


@pytest.mark.parametrize("channels", [1, 3])
def test_psnr_is_that_of_the_pixels(channels):
    a, b = (torch.randint(0, 256, (2, channels, 5, 5), dtype=torch.uint8) for _ in range(2))
    by_hand = 10 * math.log10(255**2 / float((a[0].double() - b[0].double()).square().mean()))
    assert psnr(as_values(a), as_values(b))[0].item() == pytest.approx(by_hand, abs=1e-4)
    assert psnr(as_values(a), as_values(a)).tolist() == [100, 100]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_is_fitted_and_rendered(channels):
    arch = arch_named(f"siren/2-32-32-{channels}@30")
    assert arch.num_params == (1185 if channels == 1 else 1251) and arch.task == "image-field"
    pixels = load_pictures("digits", channels).pixels[:2].clone()
    pixels[:, -1] = 255 - pixels[:, -1]
    params = fit_images(arch, pixels, [0, 1], TINY_IMAGE).params
    for k in range(2):
        network = Network.of(arch, {name: p[k] for name, p in params.items()}, (4, 400))
        picture = render(network, 32)
        assert picture.shape == (32, 32, channels) and picture.dtype == np.uint8
        error = np.square(picture.astype(float) - pixels[k].permute(1, 2, 0).numpy()).mean()
        assert 10 * math.log10(255**2 / error) > 33
        x = pixel_centres(7)
        assert torch.allclose(network.compiled()(x).view(49, channels), network(x), atol=1e-4)


def test_one_network_is_the_same_alone_and_in_a_group():
    arch, pixels = arch_named(TINY_IMAGE.arch), load_pictures("digits").pixels[:3]
    config = ImageConfig(steps=3)
    together, alone = fit_images(arch, pixels, [5, 6, 7], config), fit_images(arch, pixels[1:2], [6], config)
    for name, p in alone.params.items():
        assert torch.allclose(p[0], together.params[name][1], atol=1e-5)


# -- a zoo and a space -----------------------------------------------------------------------------------------------


def test_a_zoo_says_what_it_holds(zoo):
    records = zoo.records
    assert [len(zoo.ids(split)) for split in (TRAIN, VALIDATION, HELDOUT)] == [16, 4, 4]
    assert records["index"].tolist() == list(range(24)) and records.label.tolist()[:4] == ["0", "1", "2", "3"]
    assert records.psnr.median() >= 35 and (records.source == "digits").all()
    truth = load_pictures("digits").pixels[5]
    found = psnr(zoo[5](pixel_centres(32)), as_values(truth)).item()
    assert found == pytest.approx(records.psnr[5], abs=0.01)
    assert TASKS["image-field"].columns["brightness"](zoo[5]) == pytest.approx(records.brightness[5], abs=2e-3)


def test_too_few_pictures_are_told(tmp_path):
    with pytest.raises(UsageError, match="digits has 1797 pictures, not 10 from place 1790 on"):
        next(fit_image_zoo(tmp_path / "zoo", ImageConfig(count=10, first=1790)))
    with pytest.raises(UsageError, match="leave none of 8"):
        next(fit_image_zoo(tmp_path / "zoo", ImageConfig(count=8, validation=4, heldout=4)))
    with pytest.raises(UsageError, match="siren64 holds no picture"):
        ImageConfig(arch="siren64")


def test_copies_show_the_picture_moved(zoo):
    config = TrainConfig(**{**vars(TINY_IMAGE_TRAIN), "copies": 3, "stretch": 0.2})
    made = new_space(zoo, config)
    objective = PictureObjective(made, zoo, [2, 3], config)
    x = objective.x
    for k, i in enumerate((2, 3)):
        for c in range(3):
            factors, shift = objective.factors[k, c], objective.shifts[k, c]
            copy = objective._moved(zoo[i], factors, shift)
            assert torch.allclose(zoo[i].arch.apply_params(copy, x * factors + shift), objective.values[k], atol=1e-3)
    assert (objective.factors[:, 0] == 1).all() and (objective.shifts[:, 0] == 0).all()
    assert objective.terms(made, [2, 3], torch.Generator().manual_seed(0))["pred"] > 0
    assert objective.prepared.shape[:2] == (2, 3) and not torch.equal(
        objective.prepared[0, 0], objective.prepared[0, 1]
    )


def test_what_is_for_others_is_refused(zoo, space, tmp_path):
    task = TASKS["image-field"]
    with pytest.raises(UsageError, match="--queries 0"):
        task.objective(space, zoo, [0], TrainConfig(queries=0))
    with pytest.raises(UsageError, match="no --teacher"):
        task.objective(space, zoo, [0], TINY_IMAGE_TRAIN, teacher=zoo[0])
    several = NetSpace(Family.of("siren/2-8-8-1@30", "siren/2-16-16-1@30"), embedding=8, hidden=8)
    with pytest.raises(UsageError, match="are for classifiers"):
        task.objective(several, zoo, [0], TINY_IMAGE_TRAIN)
    for words, goal in (
        ("towards a picture", {}),
        ("--loss kd is for image classifiers", {"config": LsoConfig(loss="kd"), "target": "digits:1"}),
        ("--teacher is for image", {"teacher": zoo[0], "target": "digits:1"}),
        ("no image file 'nothing.png'", {"target": "nothing.png"}),
    ):
        with pytest.raises(ValueError, match=words):
            task.goal(space, goal.pop("config", LsoConfig()), **goal)


def test_the_log_of_a_space_says_psnr(trained_folder):
    lines = [json.loads(line) for line in (trained_folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [20, 40]
    assert lines[-1]["measures"]["train_psnr"] > lines[0]["measures"]["train_psnr"] > 5


def test_eval_compares_decoded_and_original_pictures(zoo, space, tmp_path):
    task = task_of(space)
    row = task.reconstruct(space, zoo, 7)
    (decoded,) = space.networks(space.encode(zoo[7].prep[None]))
    a, b = (render(network, 32).astype(float) for network in (decoded, zoo[7]))
    assert row.psnr == pytest.approx(10 * math.log10(255**2 / np.square(a - b).mean()), abs=0.05)
    assert task.error(row) == pytest.approx(math.sqrt(np.square((a - b) / 255).mean()), rel=0.01)
    assert row.truth_psnr == pytest.approx(row.psnr, abs=1.0)  # the originals hold their pictures well
    assert [len(task.doubts(row._replace(psnr=p))) for p in (9.0, 30.0)] == [1, 0]
    folders = ["--space", str(space_folder(tmp_path, space)), "--zoo", str(zoo.folder)]
    assert main(["eval", *folders, "--rows", str(tmp_path / "rows.csv")]) == 0
    rows = pd.read_csv(tmp_path / "rows.csv", dtype={"problem": str})
    assert len(rows) == len(zoo) and rows.psnr[rows.name == row.name].item() == pytest.approx(row.psnr, abs=1e-3)
    summary = task.summarise(rows.fillna({"problem": ""}).itertuples(index=False))
    assert summary["heldout"]["psnr_median"] == pytest.approx(rows.psnr[rows.split == "heldout"].median(), abs=1e-3)


def space_folder(tmp_path, space):
    space.save(tmp_path / "space", dtype=torch.float32)
    return tmp_path / "space"


def test_broken_weights_are_named_and_not_counted(zoo, space):
    broken = Zoo(zoo.folder, zoo.family, zoo.records, {k: v.clone() for k, v in zoo.weights.items()}, zoo.about)
    name = f"{zoo.family.names[0]}/layers.0.weight"
    broken.weights[name][3] = math.nan
    row = TASKS["image-field"].reconstruct(space, broken, 3)
    assert "weights that are not finite" in row.problem and math.isnan(row.psnr)
    summary = TASKS["image-field"].summarise([row, TASKS["image-field"].reconstruct(space, broken, 4)])
    assert sum(part["count"] for part in summary.values()) == 1


def test_a_picture_is_approached_in_latent_space(zoo, space, tmp_path):
    config = LsoConfig(lr=0.1, steps=40, points=128, every=10)
    goal = task_of(space).goal(space, config, target="digits:100")
    lines = list(optimise(space, start_from(space, zoo, "mean"), goal, config, tmp_path / "run"))
    result = read_result(tmp_path / "run")
    assert result.score == "psnr" and result.test["best"] > result.test["start"]
    assert lines[-1].measures["validation_psnr"] == pytest.approx(result.validation["best"], abs=3.0)
    parts = [{tuple(point) for point in x.tolist()} for x, _ in (goal.learnt, goal.held, goal.tested)]
    assert [len(part) for part in parts] == [512, 256, 256] and not parts[0] & parts[1] and not parts[1] & parts[2]


def test_the_command_line_makes_trains_and_optimises(tmp_path, capsys):
    small = ["--count", "8", "--validation", "1", "--heldout", "1", "--steps", "20", "--workers", "1"]
    assert main(["zoo", "fit-image", *small, "--out", str(tmp_path / "zoo")]) == 0
    assert "fitted 8 networks: PSNR median" in capsys.readouterr().out
    sizes = ["--embedding", "8", "--hidden", "8", "--steps", "4", "--nets", "2", "--points", "16", "--queries", "32"]
    zoo = ["--zoo", str(tmp_path / "zoo")]
    assert main(["train", *zoo, *sizes, "--every", "2", "--out", str(tmp_path / "space")]) == 0
    both = ["--space", str(tmp_path / "space"), *zoo]
    short = ["--steps", "4", "--every", "2", "--points", "32", "--lr", "0.1"]
    run = ["lso", *both, "--start", "mean", "--target", "digits:9", *short, "--out", str(tmp_path / "run")]
    assert main(run) == 0
    assert "psnr on test data" in capsys.readouterr().out
    assert main(["directions", *both, "--column", "brightness", "--networks", "1", "--json"]) == 2  # 6 to train on
    assert main(["embed", *both, "--out", str(tmp_path / "z.parquet")]) == 0


# -- paths -----------------------------------------------------------------------------------------------------------


def test_a_path_is_written_as_pictures_a_table_and_a_film(zoo, space, tmp_path, capsys):
    folders = ["--space", str(space_folder(tmp_path, space)), "--zoo", str(zoo.folder)]
    ends = ["--a", "digit-0000", "--b", "digit-0001", "--method", "weights"]
    assert main(["interpolate", *folders, *ends, "--steps", "3", "--out", str(tmp_path / "path")]) == 0
    assert "wrote 3 pictures, path.csv and path.png" in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "path" / "path.csv")
    assert table.picture.tolist() == ["000.png", "001.png", "002.png"] and table.gamma.tolist() == [0, 0.5, 1]
    assert table.psnr_a[0] == table.psnr_b[2] == 100 and table.psnr_a[2] < 40  # raw weights end at the originals
    shown = np.asarray(read_picture(tmp_path / "path" / "000.png"))
    assert np.array_equal(shown, render(zoo["digit-0000"]).squeeze())
    assert read_picture(tmp_path / "path" / "path.png").size == (3 * 240, 240)


def test_pictures_between_raw_weights_vary_as_noise_does(zoo, space, tmp_path):
    paths = task_of(space).survey(space, zoo, 3)
    assert list(paths) == list(METHODS) and paths["weights"]["pairs"] == 3 and paths["weights"]["steps"] == PATH_STEPS
    ends = [TASKS["image-field"].measuring(None, None)(zoo[i]).row["variation"] for i in range(8)]
    assert paths["weights"]["variation_middle"] > 1.2 * np.median(ends)


def test_thumbnails_are_the_pictures(zoo, tmp_path):
    select(zoo, [0, 1, 2], tmp_path / "zoo")
    assert main(["zoo", "thumbnails", "--zoo", str(tmp_path / "zoo")]) == 0
    atlas = np.asarray(read_picture(tmp_path / "zoo" / "thumbnails.webp").convert("RGB")).astype(float)
    small = np.asarray(Image.fromarray(render(zoo[1]).squeeze()).resize((96, 96))).astype(float)
    assert np.abs(atlas[:96, 96:192, 0] - small).mean() < 6
