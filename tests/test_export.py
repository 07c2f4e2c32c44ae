"""Every kind of file in EXPORTS is written for every kind of network that it is for, and read back."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from reading import read_picture

import netspace
from netspace.cli.main import main
from netspace.cli.registry import build_parser
from netspace.errors import MissingPackage, NoSurface, UnknownName, UsageError
from netspace.export import EXPORTS, video
from netspace.export.figures import Original, PlotLine
from netspace.export.film import FILM_SIZE, some_of
from netspace.export.gif import CAPTION_HEIGHT, MARGIN, MOST_NETWORKS, PAPER, PICTURE_SIZE, frames_of, with_one_palette
from netspace.export.table import (
    CURVE,
    NETWORK,
    PATH,
    SURFACE,
    CurveSubject,
    Export,
    NetworkSubject,
    PathSubject,
    export_named,
    exports_of,
)  # fmt: skip
from netspace.latent.paths import METHODS, gammas
from netspace.nets.network import Network
from netspace.nets.prep import pack
from netspace.tasks import TASKS, task_of
from netspace.tasks.task import PathStep

STEPS, RESOLUTION = 5, 32
ENDS = {
    "sdf": ("chairs/zoo", "chair-0000", "chair-0287"),
    "classification": ("digits/zoo", "resnet8-001", "resnet8-079"),
}
"""by kind of network: a zoo that ships, and two of its networks"""
EACH = [(task, name) for task in TASKS for name in exports_of(EXPORTS, TASKS[task])]


def image_field(seed: int) -> Network:
    """A network with weights drawn at random: no image fields ship."""
    family = netspace.Family.of("siren/2-16-16-1@30")
    return Network(family.archs[0], pack(family.archs[0].initialise(seed), family.size))


@pytest.fixture(scope="module")
def subjects():
    """By kind of network and by what is exported: a network, a path through raw weights, and its curve."""
    found = {}
    for name in TASKS:
        a, b = image_field(0), image_field(1)
        if name in ENDS:
            folder, *ends = ENDS[name]
            zoo = netspace.Zoo.load(netspace.ASSETS / folder)
            a, b = (zoo[end] for end in ends)
        task, method, positions = task_of(a), METHODS["weights"], gammas(STEPS)
        data = task.data(a.arch)
        measure = task.measuring(a, b, data.take(slice(32)) if data else None, RESOLUTION)
        networks = method.open(None, a, b).networks(positions)
        steps = [measure(network) for network in networks]
        about, chance = task.scale(data)
        rows = pd.DataFrame([{"gamma": gamma} | step.row for gamma, step in zip(positions, steps, strict=True)])
        lines = [PlotLine(method.title, method.look, rows[task.score].tolist())] if about else []
        ends = [Original(0.0, "A: a", 0.1), Original(1.0, "B: b", 1.0)] if about else []
        network = NetworkSubject(a, {"is": method.ends, "zoo": "here"}, RESOLUTION)
        found[name] = {
            NETWORK: network,
            SURFACE: network,
            PATH: PathSubject(
                task, method.title, method.look, positions, steps, through=[(0, "A: a"), (1, "B: b")], chance=chance
            ),
            CURVE: CurveSubject(rows, positions, lines, ends, chance, about),
        }
    return found


# -- files are read back -------------------------------------------------------------------------------------------


def same_weights(params: dict, network: Network) -> None:
    assert params.keys() == network.params.keys()
    assert all(torch.equal(params[name], p) for name, p in network.params.items())


def read_mesh(content: bytes, subject: NetworkSubject, suffix: str) -> None:
    import trimesh

    from netspace.geometry.mesh import surface_of

    mesh = trimesh.load(io.BytesIO(content), file_type=suffix, force="mesh")
    assert mesh.volume == pytest.approx(surface_of(subject.network, RESOLUTION).mesh.volume, rel=1e-3)


def read_zip(content: bytes, subject: NetworkSubject, suffix: str) -> None:
    from safetensors.torch import load

    bundle = zipfile.ZipFile(io.BytesIO(content))
    same_weights(load(bundle.read("network.safetensors")), subject.network)
    arch = subject.network.arch
    assert json.loads(bundle.read("network.json")) == {
        "architecture": arch.name, "is": "the original network", "zoo": "here", "evaluate": arch.formula
    }  # fmt: skip


def read_state_dict(content: bytes, subject: NetworkSubject, suffix: str) -> None:
    same_weights(torch.load(io.BytesIO(content), weights_only=True), subject.network)


def read_onnx(content: bytes, subject: NetworkSubject, suffix: str) -> None:
    import onnxruntime

    images = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"images": images.numpy()})
    assert torch.allclose(torch.from_numpy(logits), subject.network(images), atol=1e-3)


def read_png(content: bytes, subject: NetworkSubject, suffix: str) -> None:
    assert np.array_equal(
        np.asarray(Image.open(io.BytesIO(content))), TASKS["image-field"].show(subject.network)[..., 0]
    )


def read_slices(content: bytes, subject: NetworkSubject, suffix: str) -> None:
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)
    field, error = np.array_split(pixels, 2)
    assert (field[..., 2] - field[..., 0]).max() > 100 < (field[..., 0] - field[..., 2]).max(), "inside and outside"
    assert not np.array_equal(field[: len(error)], error)


def read_csv(content: bytes, subject: CurveSubject, suffix: str) -> None:
    pd.testing.assert_frame_equal(pd.read_csv(io.BytesIO(content)), subject.table)


def read_figure(content: bytes, subject: CurveSubject, suffix: str) -> None:
    assert content.startswith({"png": b"\x89PNG", "pdf": b"%PDF"}[suffix]) and len(content) > 5000


def read_film(content: bytes, subject: PathSubject, suffix: str) -> None:
    film = np.asarray(Image.open(io.BytesIO(content)))
    assert film.shape == (FILM_SIZE, STEPS * FILM_SIZE, 4) and (film[..., 3] == 255).all()
    drawn = [np.ptp(film[:, k * FILM_SIZE :][:, :FILM_SIZE]) > 0 for k in range(STEPS)]
    assert drawn == [step.shown is not None for step in subject.steps]


def read_gif(content: bytes, subject: PathSubject, suffix: str) -> None:
    animation = Image.open(io.BytesIO(content))
    assert animation.format == "GIF" and animation.n_frames == 2 * (STEPS - 1)


def film_frames(content: bytes) -> tuple[np.ndarray, float]:
    """Frames (n, H, W, 3) of an MP4, and its seconds."""
    import av

    with av.open(io.BytesIO(content)) as film:
        stream = film.streams.video[0]
        shown = np.stack([frame.to_ndarray(format="rgb24") for frame in film.decode(stream)])
        return shown, float(stream.duration * stream.time_base)


def read_mp4(content: bytes, subject: PathSubject, suffix: str) -> None:
    shown, seconds = film_frames(content)
    assert len(shown) == 2 * (STEPS - 1) and seconds == pytest.approx(2 * (STEPS - 1) / 20)


def read_turntable(content: bytes, subject: NetworkSubject, suffix: str) -> None:
    shown, seconds = film_frames(content)
    assert seconds == pytest.approx(len(shown) / video.TURN_FPS)
    shown = shown.astype(int)
    quarter, half = (np.abs(shown[k * len(shown) // 4] - shown[0]).mean() for k in (1, 2))
    assert quarter > 3 < half, "it turns"
    assert np.abs(shown[0] - 255).mean() > 3, "there is something"


READERS = dict.fromkeys(("glb", "stl", "ply", "obj", "off"), read_mesh) | {
    "zip": read_zip,
    "pt": read_state_dict,
    "onnx": read_onnx,
    "slices": read_slices,
    "picture": read_png,
    "csv": read_csv,
    "png": read_figure,
    "pdf": read_figure,
    "film": read_film,
    "gif": read_gif,
    "mp4": read_mp4,
    "turntable": read_turntable,
}


@pytest.mark.parametrize(("task", "name"), EACH)
def test_every_export_is_written_and_read_back(subjects, monkeypatch, task, name):
    monkeypatch.setattr(video, "TURN_FRAMES", 4)
    monkeypatch.setattr(video, "TURN_SIZE", 96)
    export = EXPORTS[name]
    subject = subjects[task][export.of]
    READERS[name](export.write(subject), subject, export.suffix)


def test_a_network_without_a_surface_is_no_mesh(subjects):
    network = subjects["sdf"][NETWORK].network
    nothing = NetworkSubject(Network(network.arch, torch.zeros_like(network.prep)), resolution=RESOLUTION)
    with pytest.raises(NoSurface):
        EXPORTS["glb"].write(nothing)


def test_what_is_at_hand_of_a_network_is_not_computed_again(subjects, monkeypatch):
    step = subjects["sdf"][PATH].steps[0]
    monkeypatch.setattr("netspace.export.surfaces.surface_of", None)
    content = EXPORTS["ply"].write(replace(subjects["sdf"][NETWORK], shown=step.shown))
    assert content.startswith(b"ply")


# -- the animation -------------------------------------------------------------------------------------------------


def blocks(content: bytes) -> dict[str, int]:
    """Count what a GIF file consists of: colour tables of the file and of single frames, frames, other blocks."""
    found = {"global": int(content[10] >> 7), "local": 0, "frames": 0}
    at = 13 + (3 << ((content[10] & 7) + 1)) * found["global"]
    while content[at] != 0x3B:
        if content[at] == 0x21:
            at += 2
        else:
            assert content[at] == 0x2C
            found["frames"] += 1
            flags = content[at + 9]
            found["local"] += flags >> 7
            at += 11 + (3 << ((flags & 7) + 1)) * (flags >> 7)
        while content[at]:
            at += content[at] + 1
        at += 1
    return found


@pytest.mark.parametrize("task", TASKS)
def test_the_animation_goes_there_and_back_for_ever_in_one_palette(subjects, task):
    subject = subjects[task][PATH]
    content = EXPORTS["gif"].write(subject)
    assert blocks(content) == {"global": 1, "local": 0, "frames": 2 * (STEPS - 1)}
    animation, frames = Image.open(io.BytesIO(content)), frames_of(subject)
    assert animation.info["loop"] == 0 and animation.size == frames[0].size
    shown = []
    for k in range(animation.n_frames):
        animation.seek(k)
        assert animation.info["duration"] == 50
        shown.append(np.asarray(animation.convert("RGB")).astype(int))
    for k, i in enumerate([0, 1, 2, 3, 4, 3, 2, 1]):
        assert np.abs(shown[k] - np.asarray(frames[i])).mean() < 2
    assert all(np.array_equal(shown[k], shown[-k]) for k in range(1, STEPS - 1))
    paper = tuple(int(PAPER[k : k + 2], 16) for k in (1, 3, 5))
    assert all(tuple(one[0, 0]) == paper for one in shown)
    assert all((one[:, :8] == paper).all() for one in shown)  # what does not change does not flicker


# -- the film ------------------------------------------------------------------------------------------------------


def box(content: bytes, *names: bytes) -> bytes:
    """What a box of an MP4 holds, the first of these names in the one of the name before it."""
    for name in names:
        at = 0
        while content[at + 4 : at + 8] != name:
            at += int.from_bytes(content[at : at + 4])
        content = content[at + 8 : at + int.from_bytes(content[at : at + 4])]
    return content


def whole(content: bytes, *at: int) -> list[int]:
    """Whole numbers of four bytes, where they lie."""
    return [int.from_bytes(content[k : k + 4]) for k in at]


def test_the_film_shows_what_the_animation_shows_as_long(subjects):
    subject = replace(subjects["sdf"][PATH], fps=25)
    content, animation = EXPORTS["mp4"].write(subject), Image.open(io.BytesIO(EXPORTS["gif"].write(subject)))
    track = box(content, b"moov", b"trak", b"mdia")
    scale, ticks = whole(box(track, b"mdhd"), 12, 16)
    (count,) = whole(box(track, b"minf", b"stbl", b"stsz"), 8)
    shown, seconds = film_frames(content)
    assert count == len(shown) == animation.n_frames == 2 * (STEPS - 1)
    delays, stills = [], []
    for k in range(animation.n_frames):
        animation.seek(k)
        delays.append(animation.info["duration"])
        stills.append(np.asarray(animation.convert("RGB")).astype(int))
    assert ticks / scale == seconds == pytest.approx(sum(delays) / 1000) and sum(delays) == 320
    assert shown[0].shape == stills[0].shape
    assert all(np.abs(one - still).mean() < 3 for one, still in zip(shown, stills, strict=True))
    film = Image.open(io.BytesIO(EXPORTS["film"].write(subject))).convert("RGB")
    for k in (0, STEPS - 1):  # A and B, drawn smaller
        left, top = MARGIN, CAPTION_HEIGHT
        drawn = Image.fromarray(shown[k]).crop((left, top, left + PICTURE_SIZE, top + PICTURE_SIZE))
        tiles = [film.crop((i * FILM_SIZE, 0, (i + 1) * FILM_SIZE, FILM_SIZE)) for i in (0, STEPS - 1)]
        small = np.asarray(drawn.resize(tiles[0].size, Image.Resampling.BOX)).astype(int)
        apart = [np.abs(small - np.asarray(tile)).mean() for tile in tiles]
        assert min(apart) == apart[k > 0] < 3 and max(apart) > 6


def test_equal_frames_are_shown_as_long_as_others(subjects):
    """Pillow makes one of them, which lasts longer; a film has all."""
    subject = subjects["classification"][PATH]
    still = replace(subject, positions=[0.0, 0.0, 1.0], steps=[subject.steps[k] for k in (0, 0, 1)])
    animation = Image.open(io.BytesIO(EXPORTS["gif"].write(still)))
    delays = []
    for k in range(animation.n_frames):
        animation.seek(k)
        delays.append(animation.info["duration"])
    assert len(delays) == 3 and sum(delays) == 4 * 50
    shown, seconds = film_frames(EXPORTS["mp4"].write(still))
    assert len(shown) == 4 and seconds == pytest.approx(0.2)


@pytest.mark.parametrize(("fps", "real"), [(10, ""), (20, ""), (24, "25.0"), (30, "33.3"), (60, "50.0")])
def test_the_rate_of_an_animation_is_told_if_it_is_another(subjects, fps, real):
    subject = replace(subjects["classification"][PATH], fps=fps)
    remark = EXPORTS["gif"].remark(subject)
    assert remark.startswith(f"{real} frames per second") if real else not remark
    assert not EXPORTS["mp4"].remark(subject)


def test_a_film_has_even_sizes_and_is_the_same_again():
    draw = np.random.default_rng(0).integers(0, 256, (3, 5, 7, 3), dtype=np.uint8).repeat(9, axis=1).repeat(9, axis=2)
    content = video.encoded(list(draw), 7)
    shown, seconds = film_frames(content)
    assert shown.shape == (3, 46, 64, 3) and seconds == pytest.approx(3 / 7)
    inner = (slice(None), slice(4, None, 9), slice(4, None, 9))
    luma = np.array([0.2126, 0.7152, 0.0722])  # colours are kept at half the size
    assert np.abs(shown[:, :45, :63][inner] @ luma - draw[inner] @ luma).max() < 8
    assert video.encoded(list(draw), 7) == content


def test_without_an_encoder_a_film_is_refused_before_anything_is_drawn(subjects, monkeypatch):
    monkeypatch.setattr(video, "ENCODER", "libnone")
    monkeypatch.setattr(video, "frames_of", None)
    with pytest.raises(UsageError, match=r"an MP4 needs the H\.264 encoder libnone, which this build of PyAV lacks"):
        EXPORTS["mp4"].write(subjects["sdf"][PATH])


# -- frames --------------------------------------------------------------------------------------------------------


def coloured(frame: Image.Image, colour: str, rows: slice) -> np.ndarray:
    """Columns in which some rows of a frame have about a colour."""
    wanted = [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
    return np.flatnonzero((np.abs(np.asarray(frame)[rows].astype(int) - wanted) < 60).all(axis=2).any(axis=0))


@pytest.mark.parametrize("task", TASKS)
def test_every_frame_names_the_method_and_shows_the_position(subjects, task):
    subject = subjects[task][PATH]
    frames, other = frames_of(subject), frames_of(replace(subject, name="latent path"))
    assert not np.array_equal(np.asarray(frames[0])[:28], np.asarray(other[0])[:28])
    colour = subject.look.colour
    bars = [len(coloured(frame, colour, slice(-26, -22))) for frame in frames]
    assert bars[0] < 5 and np.ptp(np.diff(bars[1:])) <= 2 and bars[1] > 20


def test_a_classifiers_point_runs_along_its_curve(subjects):
    subject = subjects["classification"][PATH]
    frames = [np.asarray(frame).astype(int) for frame in frames_of(subject)]
    still = np.median(frames, axis=0)  # the point is elsewhere in most of the frames
    for gamma, step, frame in zip(subject.positions, subject.steps, frames, strict=True):
        y, x = np.nonzero(np.abs(frame - still).sum(axis=2)[48:368, 12:332] > 100)
        assert x.mean() == pytest.approx(28 + gamma * 264, abs=3)
        assert y.mean() == pytest.approx(292 - step.row["accuracy"] * 264, abs=3)


def test_a_score_that_is_not_known_leaves_a_gap(subjects):
    subject = subjects["classification"][PATH]
    steps = [subject.steps[0], PathStep({"accuracy": float("nan")}, "not known yet", None), *subject.steps[2:]]
    partly, whole = frames_of(replace(subject, steps=steps)), frames_of(subject)
    colour = subject.look.colour
    curve = slice(60, 340)
    assert len(coloured(partly[-1], colour, curve)) < len(coloured(whole[-1], colour, curve)) - 50
    assert len(EXPORTS["gif"].write(replace(subject, steps=steps))) > 1000


def test_a_frame_without_a_surface_says_so(subjects):
    subject = subjects["sdf"][PATH]
    empty = PathStep({}, "no surface", None)
    frame = np.asarray(frames_of(replace(subject, steps=[empty] * STEPS))[0])
    middle = frame[180:236]
    assert (middle < 128).any() and (middle[:, :100] == 255).all()  # words in the centre of white


def test_a_long_path_is_thinned_evenly(subjects):
    assert some_of(3, 9) == [0, 1, 2] and some_of(1, 9) == [0]
    assert some_of(10_000, 5) == [0, 2500, 5000, 7499, 9999]
    subject = subjects["classification"][PATH]
    many = 4 * MOST_NETWORKS
    long = replace(subject, positions=gammas(many), steps=[subject.steps[0]] * many)
    assert len(frames_of(long)) == MOST_NETWORKS


def test_a_palette_holds_given_colours_and_the_nearest_is_taken():
    draw = np.random.default_rng(0)
    frames = [Image.fromarray(draw.integers(0, 256, (40, 40, 3), dtype=np.uint8)) for _ in range(3)]
    for frame in frames:
        frame.paste("#123457", (0, 0, 3, 3))
    found = with_one_palette(frames, ["#123457", "#FEDCBA"])
    palettes = [np.array(frame.getpalette()).reshape(-1, 3) for frame in found]
    assert all(np.array_equal(one, palettes[0]) for one in palettes) and len(palettes[0]) <= 256
    assert [0x12, 0x34, 0x57] in palettes[0].tolist() and [0xFE, 0xDC, 0xBA] in palettes[0].tolist()
    for before, after in zip(frames, found, strict=True):
        pixels = np.asarray(before).reshape(-1, 1, 3).astype(int)
        best = ((pixels - palettes[0]) ** 2).sum(axis=2).min(axis=1)
        taken = ((pixels[:, 0] - np.asarray(after.convert("RGB")).reshape(-1, 3)) ** 2).sum(axis=1)
        assert np.array_equal(taken, best)


# -- names ---------------------------------------------------------------------------------------------------------


def test_an_unknown_export_and_one_for_other_networks_are_told_with_those_there_are():
    with pytest.raises(UnknownName, match=r"no export 'bvh' of image classifiers; choose from zip, pt, onnx, csv, png"):
        export_named(EXPORTS, "bvh", TASKS["classification"])
    with pytest.raises(UsageError, match=r"'glb' is not for image fields; choose from picture, zip, pt, csv, film"):
        export_named(EXPORTS, "glb", TASKS["image-field"])
    with pytest.raises(UsageError, match=r"'gif' is of a path; choose from glb, stl, ply, obj, off, turntable"):
        export_named(EXPORTS, "gif", TASKS["sdf"], NETWORK, SURFACE)


@pytest.mark.parametrize(("task", "name", "module", "words"), [
    ("classification", "gif", "PIL", r"an animated GIF needs the package pillow: pip install 'netspace\[images\]'"),
    ("classification", "mp4", "av", r"an MP4 needs the package av: pip install 'netspace\[video\]'"),
    ("sdf", "film", "vtkmodules", r"a picture of a path needs the package vtk: pip install 'netspace\[geometry\]'"),
    ("sdf", "glb", "trimesh", r"a mesh file needs the package trimesh: pip install 'netspace\[geometry\]'"),
    ("classification", "pdf", "matplotlib", r"a figure needs the package matplotlib: .*netspace\[figures\]"),
    ("classification", "onnx", "onnxscript", r"an ONNX file needs the package onnxscript: .*netspace\[onnx\]"),
])  # fmt: skip
def test_a_missing_package_is_named_with_its_extra(subjects, monkeypatch, task, name, module, words):
    for each in [each for each in sys.modules if each.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, each)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingPackage, match=words):
        EXPORTS[name].write(subjects[task][EXPORTS[name].of])


# -- commands ------------------------------------------------------------------------------------------------------

CHAIRS = ["--zoo", str(netspace.ASSETS / "chairs/zoo")]
DIGITS = ["--zoo", str(netspace.ASSETS / "digits/zoo")]
DIGITS_PATH = [
    "interpolate", *DIGITS, "--space", str(netspace.ASSETS / "digits/space"), "--steps", "3",
    "--a", "resnet8-001", "--b", "resnet8-079",
]  # fmt: skip


def test_a_path_is_exported_beside_what_is_always_written(tmp_path, capsys):
    more = ["--export", "gif", "pt", "mp4", "--export", "zip", "--fps", "30"]
    assert main([*DIGITS_PATH, *more, "--out", str(tmp_path)]) == 0
    words = "3 networks, 3 .pt files, 3 .zip files, path.csv, path.png, path.pdf, path.gif"
    rate = "33.3 frames per second, as GIF counts in hundredths of a second"
    assert f"wrote {words} ({rate}) and path.mp4 to {tmp_path}" in capsys.readouterr().out
    assert film_frames((tmp_path / "path.mp4").read_bytes())[1] == pytest.approx(4 / 30)
    assert read_picture(tmp_path / "path.gif").n_frames == 4
    about = json.loads(zipfile.ZipFile(tmp_path / "001.zip").read("network.json"))
    assert about["gamma"] == 0.5 and about["is"] == METHODS["latent"].between and about["a"] == "resnet8-001"
    assert about["evaluate"].startswith("RGB images") and about["architecture"] == "resnet8/digits"
    assert torch.load(tmp_path / "002.pt", weights_only=True)


def test_an_export_of_a_step_without_a_surface_is_left_out(tmp_path, capsys):
    """No export may end a path early: chair-0000 and chair-0287 have nothing to mesh between their raw weights."""
    path = [*CHAIRS, "--space", str(netspace.ASSETS / "chairs/space-prep"), "--a", "chair-0000", "--b", "chair-0287"]
    options = ["--method", "weights", "--steps", "5", "--resolution", "32", "--export", "stl", "gif"]
    assert main(["interpolate", *path, *options, "--out", str(tmp_path)]) == 0
    table = pd.read_csv(tmp_path / "path.csv")
    meshed = [f"{i:03d}" for i in np.flatnonzero(table.mesh.notna())]
    assert sorted(file.stem for file in tmp_path.glob("*.stl")) == meshed
    assert f"{len(meshed)} .stl files" in capsys.readouterr().out and read_picture(tmp_path / "path.gif").n_frames == 8


def test_a_family_is_exported_too(tmp_path, capsys):
    """Mixtures over a pad: every one as a file, all as a sheet and as an animation."""
    three = ["--mix", "chair-0000", "chair-0287", "chair-0086", "--steps", "3", "--resolution", "32"]
    chairs = ["path", *CHAIRS, "--space", str(netspace.ASSETS / "chairs/space-prep"), *three]
    assert main([*chairs, "--export", "gif", "zip", "--out", str(tmp_path)]) == 0
    assert "6 .zip files, path.csv, path.png and path.gif" in capsys.readouterr().out
    assert read_picture(tmp_path / "path.gif").n_frames == 10
    about = json.loads(zipfile.ZipFile(tmp_path / "001.zip").read("network.json"))
    assert about["made_by"] == "mix" and about["weights"]["chair-0287"] == 0.5


@pytest.mark.parametrize(("name", "words"), [
    ("bvh", "no export 'bvh' of image classifiers; choose from zip,"),
    ("glb", "the export 'glb' is not for image classifiers; choose from zip,"),
])  # fmt: skip
def test_a_wrong_export_is_refused_before_anything_is_written(tmp_path, capsys, name, words):
    assert main([*DIGITS_PATH, "--export", name, "--out", str(tmp_path / "path")]) == 2
    assert words in capsys.readouterr().err and not (tmp_path / "path").exists()


def test_a_picture_that_was_not_asked_for_may_be_missing_and_one_that_was_may_not(tmp_path, capsys, monkeypatch):
    for each in [each for each in sys.modules if each.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, each)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main([*DIGITS_PATH, "--out", str(tmp_path)]) == 0
    assert "no path.png (a figure needs the package matplotlib" in capsys.readouterr().out
    assert (tmp_path / "path.csv").exists() and not (tmp_path / "path.png").exists()
    assert main([*DIGITS_PATH, "--export", "png", "--out", str(tmp_path)]) == 2
    assert "a figure needs the package matplotlib" in capsys.readouterr().err


def test_a_network_of_a_zoo_and_its_decode_are_exported(tmp_path, capsys):
    import trimesh

    chair = ["export", *CHAIRS, "--network", "chair-0000", "--resolution", "32"]
    assert main([*chair, "--out", str(tmp_path / "new" / "chair.glb")]) == 0
    assert trimesh.load(tmp_path / "new" / "chair.glb", force="mesh").volume > 0.1
    assert f"wrote {tmp_path / 'new' / 'chair.glb'}: the surface as a mesh" in capsys.readouterr().out
    one = ["export", *DIGITS, "--network", "resnet8-079"]
    assert main([*one, "--as", "pt", "--out", str(tmp_path / "own")]) == 0
    assert main([*one, "--space", str(netspace.ASSETS / "digits/space"), "--out", str(tmp_path / "decoded.zip")]) == 0
    zoo, space = netspace.Zoo.load(netspace.ASSETS / "digits/zoo"), netspace.load(netspace.ASSETS / "digits/space")
    same_weights(torch.load(tmp_path / "own", weights_only=True), zoo["resnet8-079"])
    bundle = zipfile.ZipFile(tmp_path / "decoded.zip")
    assert json.loads(bundle.read("network.json"))["is"] == "decoded from its embedding"
    (decoded,) = space.networks(space.encode(zoo["resnet8-079"].prep[None]))
    from safetensors.torch import load

    weights = load(bundle.read("network.safetensors"))
    assert all(torch.allclose(weights[name], p, atol=1e-5) for name, p in decoded.params.items())


@pytest.mark.parametrize(("options", "words"), [
    (["--out", "x"], "no export '' of SDFs; choose from glb,"),
    (["--out", "x.gif"], "'gif' is of a path; choose from glb,"),
    (["--as", "onnx", "--out", "x"], "'onnx' is not for SDFs; choose from glb,"),
])  # fmt: skip
def test_a_wrong_export_of_a_network_is_refused(tmp_path, monkeypatch, capsys, options, words):
    monkeypatch.chdir(tmp_path)
    assert main(["export", *CHAIRS, "--network", "chair-0000", *options]) == 2
    assert words in capsys.readouterr().err and not list(tmp_path.iterdir())


def help_of(command: str) -> str:
    (groups,) = (action for action in build_parser()._actions if action.dest == "==SUPPRESS==")
    return " ".join(groups.choices[command].format_help().split())


def test_an_entry_of_the_table_is_all_that_a_new_export_needs(tmp_path, monkeypatch, capsys):
    """A dummy of a network and one of a path are explained by --help and written."""
    assert "in ones and zeros" not in help_of("interpolate") + help_of("export")
    monkeypatch.setitem(
        EXPORTS, "bits", Export("Bits", "bin", NETWORK, "in ones and zeros", lambda s: s.network.arch.name.encode())
    )
    monkeypatch.setitem(
        EXPORTS, "list", Export("List", "txt", PATH, "as words", lambda s: "\n".join(map(str, s.positions)).encode())
    )
    assert "bits: in ones and zeros" in help_of("interpolate") and "list: as words" in help_of("interpolate")
    assert "bits: in ones and zeros" in help_of("export") and "list: as words" not in help_of("export")
    assert main([*DIGITS_PATH, "--export", "bits", "list", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "002.bin").read_text() == "resnet8/digits"
    assert (tmp_path / "path.txt").read_text().split() == ["0.0", "0.5", "1.0"]
    assert "3 .bin files" in capsys.readouterr().out
    assert main(["export", *DIGITS, "--network", "resnet8-001", "--as", "bits", "--out", str(tmp_path / "one")]) == 0
