"""Data sets come in as they lie on disk, split as the paper splits them; what is broken is refused in one sentence."""

import dataclasses
import io
import json
import os
import pickle
import shutil
import struct
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from netspace.data.images import available, data_folders, download_images, image_classes, load_images
from netspace.data.layouts import CIFAR10_CLASSES, IMAGE_SPLITS
from netspace.data.transforms import augment, normalise
from netspace.errors import DataError, MissingData
from netspace.nets.inputs import MEAN, STD


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """No data set of this machine is found."""
    monkeypatch.setenv("NETSPACE_DATA", str(tmp_path / "named"))
    monkeypatch.setattr("netspace.data.images.HOME", tmp_path / "project")
    monkeypatch.chdir(tmp_path)


def noise(n: int, size: int = 32, seed: int = 0) -> np.ndarray:
    """Images (n, size, size, 3) uint8."""
    return np.random.default_rng(seed).integers(0, 256, (n, size, size, 3), np.uint8)


def encode(array: np.ndarray, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, kind, lossless=True)
    return file.getvalue()


class Python2Pickler(pickle._Pickler):
    """Writes texts and bytes as Python 2 did, which CIFAR-10's makers used."""

    def save_string(self, text: str | bytes) -> None:
        data = text.encode("latin1") if isinstance(text, str) else text
        self.write(pickle.BINSTRING + struct.pack("<i", len(data)) + data)

    dispatch = pickle._Pickler.dispatch | {str: save_string, bytes: save_string}


def pickled(batch: dict) -> bytes:
    file = io.BytesIO()
    Python2Pickler(file, protocol=2).dump(batch)
    return file.getvalue().replace(b"numpy._core.multiarray\n", b"numpy.core.multiarray\n")


def write_batches(folder, per_batch=20):
    """CIFAR-10 as torchvision unpacks it; returns pixels (6 * per_batch, 3, 32, 32) and labels in the files' order."""
    folder.mkdir(parents=True)
    pixels, labels = noise(6 * per_batch).transpose(0, 3, 1, 2), np.arange(6 * per_batch) % 10
    for k, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
        rows = slice(k * per_batch, (k + 1) * per_batch)
        batch = {"data": pixels[rows].reshape(per_batch, -1), "labels": labels[rows].tolist(), "batch_label": name}
        (folder / name).write_bytes(pickled(batch))
    return pixels, labels


def write_parquet(file, arrays, labels, image="img", label="label", kind="WEBP", names=None):
    """A shard in Hugging Face's layout."""
    file.parent.mkdir(parents=True, exist_ok=True)
    images = [array if isinstance(array, bytes) else encode(array, kind) for array in arrays]
    table = pa.table({image: [{"bytes": data, "path": None} for data in images], label: labels})
    if names:
        about = {"info": {"features": {label: {"names": names, "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(about)})
    pq.write_table(table, file)


def tiny_files(train=5, classes=200):
    """Tiny-ImageNet's files by path, 2 of them validation images; image i of class c has the colour (c, 40 i, 0)."""
    wnids = [f"n{9000 - c:08d}" for c in range(classes)]
    files = {"wnids.txt": "\n".join(wnids).encode()}
    files["words.txt"] = "\n".join(f"{wnid}\tthing {c}, stuff" for c, wnid in enumerate(wnids)).encode()
    for c, wnid in enumerate(wnids):
        files[f"train/{wnid}/{wnid}_boxes.txt"] = b""
        for i in range(train):
            colour = np.broadcast_to(np.array([c, 40 * i, 0], np.uint8), (64, 64, 3))
            files[f"train/{wnid}/images/{wnid}_{i}.JPEG"] = encode(colour, "JPEG")
    files["val/images/val_0.JPEG"] = encode(noise(1, 64)[0], "JPEG")
    files["val/images/val_1.JPEG"] = encode(np.full((64, 64), 77, np.uint8), "JPEG")  # grey
    files["val/val_annotations.txt"] = (
        f"val_0.JPEG\t{wnids[7]}\t0\t0\t63\t63\nval_1.JPEG\t{wnids[3]}\t0\t0\t9\t9\n".encode()
    )
    return files


@pytest.fixture(scope="module")
def tiny():
    return tiny_files()


def write_zip(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def write_folder(folder, files):
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def class_files(counts, size=16, prefix=""):
    """Class folders: the image i of a class has the red value i."""
    return {
        f"{prefix}{name}/{i:02d}.png": encode(np.full((size, size, 3), (i, 0, 0), np.uint8))
        for name, n in counts.items()
        for i in range(n)
    }


# -- what the networks see -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 3, 8, 8), (2, 5, 3, 4, 4), (3, 6, 6)])
def test_normalising_undone_gives_the_pixels(shape):
    pixels = torch.randint(256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    x = normalise(pixels)
    back = (x * torch.tensor(STD).view(3, 1, 1) + torch.tensor(MEAN).view(3, 1, 1)) * 255
    assert x.dtype == torch.float32 and torch.equal(back.round().to(torch.uint8), pixels)


@pytest.mark.parametrize(("size", "pad", "flip"), [(8, 2, True), (8, 2, False), (6, 0, True), (5, 3, True)])
def test_every_crop_is_a_window_of_the_padded_image_or_its_mirror(size, pad, flip):
    pixels = torch.from_numpy(noise(300, size)).permute(0, 3, 1, 2).contiguous()
    crops = augment(pixels, pad, flip, torch.Generator().manual_seed(1))
    padded = torch.nn.functional.pad(pixels, (pad,) * 4)
    seen = set()
    for i, crop in enumerate(crops):
        windows = {
            (y, x, mirrored): window.flip(2) if mirrored else window
            for y in range(2 * pad + 1)
            for x in range(2 * pad + 1)
            for mirrored in (False, True)[: 1 + flip]
            for window in [padded[i, :, y : y + size, x : x + size]]
        }
        found = [key for key, window in windows.items() if torch.equal(crop, window)]
        assert found, i
        seen.add(found[0])
    assert {key[0] for key in seen} == {key[1] for key in seen} == set(range(2 * pad + 1))
    assert {key[2] for key in seen} == ({False, True} if flip else {False})


def test_without_pad_and_flip_nothing_changes_and_a_seed_repeats_itself():
    pixels = torch.from_numpy(noise(9)).permute(0, 3, 1, 2)
    assert torch.equal(augment(pixels, 0, False, torch.Generator().manual_seed(0)), pixels)
    a, b, c = (augment(pixels, 4, True, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4))
    assert torch.equal(a, b) and not torch.equal(a, c) and a.dtype == torch.uint8


def test_the_pad_is_an_eighth_of_the_size():
    digits = load_images("digits", "test")
    assert digits.pad == 4 and dataclasses.replace(digits, pixels=torch.zeros(1, 3, 64, 64, dtype=torch.uint8)).pad == 8


# -- data sets as they lie on disk ---------------------------------------------------------------------------------


def test_digits_need_no_folder():
    splits = [load_images("digits", split) for split in IMAGE_SPLITS]
    assert [len(images) for images in splits] == [1077, 360, 360] and available("digits")
    pixels = torch.cat([images.pixels for images in splits])
    assert pixels.shape == (1797, 3, 32, 32) and pixels.dtype == torch.uint8 and pixels.max() == 255
    assert len(pixels.flatten(1).unique(dim=0)) == 1797, "the splits overlap"
    for images in splits:
        assert images.labels.unique().tolist() == list(range(10)) and not images.flip


def test_digits_are_read_from_no_folder(tmp_path):
    with pytest.raises(DataError, match="come with scikit-learn: nothing is read from"):
        load_images("digits", "test", tmp_path)


def test_a_batch_is_an_index():
    images = load_images("digits", "test")
    part = images.take(torch.tensor([5, 2]))
    assert len(part) == 2 and part.classes == images.classes and part.labels[1] == images.labels[2]
    assert torch.equal(part.pixels[0], images.pixels[5]) and torch.equal(
        images.take(slice(2, 3)).pixels, part.pixels[1:]
    )
    assert images.to("meta").pixels.device.type == "meta" and len(images.to("meta")) == len(images)


@pytest.mark.parametrize("below", ["", "cifar-10-batches-py"])
def test_cifar_in_torchvisions_layout(tmp_path, below):
    pixels, labels = write_batches(tmp_path / "data" / below)
    rows = {"train": slice(0, 80), "validation": slice(80, 100), "test": slice(100, 120)}  # 4 : 1 : 1, as 40,000
    for split in IMAGE_SPLITS:
        images = load_images("cifar10", split, tmp_path / "data")
        assert np.array_equal(images.pixels, pixels[rows[split]]) and np.array_equal(images.labels, labels[rows[split]])
        assert images.classes == CIFAR10_CLASSES and images.flip and images.size == 32


@pytest.mark.parametrize("names", [tuple(map(str, range(10))), tuple(map(str, range(100)))])
def test_a_parquet_with_other_classes_is_not_taken_for_cifar(tmp_path, names):
    arrays, labels = noise(20), list(np.arange(20) % 10)
    for folder, classes in (("another", names), ("cifar", CIFAR10_CLASSES)):
        for split in ("train", "test"):
            write_parquet(tmp_path / "data" / folder / f"{split}.parquet", arrays, labels, names=classes)
    assert load_images("cifar10", "test").classes == CIFAR10_CLASSES
    shutil.rmtree(tmp_path / "data" / "cifar")
    assert not available("cifar10")


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_cifar_in_parquet_keeps_order_over_its_shards(tmp_path, kind):
    arrays, labels = noise(30), list(np.arange(30) % 10)
    folder = tmp_path / "data" / "any"
    for k in range(2):
        rows = slice(k * 10, (k + 1) * 10)
        write_parquet(folder / f"train-0000{k}-of-00002.parquet", arrays[rows], labels[rows], kind=kind)
    write_parquet(folder / "test-00000-of-00001.parquet", arrays[20:], labels[20:], kind=kind)
    for split, rows in (("train", slice(0, 16)), ("validation", slice(16, 20)), ("test", slice(20, 30))):
        images = load_images("cifar10", split)  # found in ./data
        assert np.array_equal(images.pixels.permute(0, 2, 3, 1), arrays[rows]), split
        assert images.labels.tolist() == labels[rows] and images.classes == CIFAR10_CLASSES


def test_parquet_of_ones_own_has_its_class_names_and_is_cut_by_class(tmp_path):
    arrays, labels = noise(40, 24), [0, 1] * 20
    write_parquet(tmp_path / "my_train.parquet", arrays, labels, "image", "labels", "PNG", names=["cat", "dog"])
    splits = {split: load_images("pets", split, tmp_path) for split in IMAGE_SPLITS}
    assert {split: len(images) for split, images in splits.items()} == {"train": 28, "validation": 8, "test": 4}
    assert np.array_equal(splits["validation"].pixels.permute(0, 2, 3, 1), arrays[32:])
    assert np.array_equal(splits["test"].pixels.permute(0, 2, 3, 1), arrays[28:32])
    assert splits["train"].classes == ("cat", "dog") and splits["train"].size == 24


def test_parquet_without_names_numbers_its_classes(tmp_path):
    write_parquet(tmp_path / "train.parquet", noise(9, 8), [0, 1, 2] * 3, "image", "fine_label")
    write_parquet(tmp_path / "validation.parquet", noise(3, 8, seed=1), [0, 1, 2], "image", "fine_label")
    assert load_images("mine", "train", tmp_path).classes == ("0", "1", "2")
    validation = load_images("mine", "validation", tmp_path)
    assert np.array_equal(validation.pixels.permute(0, 2, 3, 1), noise(3, 8, seed=1))


@pytest.mark.parametrize("how", ["folder", "zip"])
def test_tiny_imagenet_from_a_folder_and_from_a_zip(tmp_path, tiny, how):
    (tmp_path / "data").mkdir()
    if how == "folder":
        write_folder(tmp_path / "data" / "tiny-imagenet-200", tiny)
    else:
        write_zip(tmp_path / "data" / "tiny-imagenet-200.zip", {f"tiny-imagenet-200/{n}": d for n, d in tiny.items()})
    before = sorted(tmp_path.rglob("*"))
    train, validation, test = (load_images("tiny-imagenet", split) for split in IMAGE_SPLITS)
    assert (len(train), len(validation), len(test)) == (800, 200, 2)
    for images, i in ((train, [0, 1, 2, 3]), (validation, [4])):
        red, green = (images.pixels[:, c, 32, 32].double() for c in (0, 1))
        assert (red - images.labels).abs().max() <= 3, "labels are positions in wnids.txt"
        assert sorted(set((green / 40).round().int().tolist())) == i, "the last fifth of a class is for validation"
    assert test.labels.tolist() == [7, 3] and (test.pixels[1] == 77).all()
    assert test.classes[:2] == ("thing 0", "thing 1") and test.size == 64 and len(test.classes) == 200
    assert available("tiny-imagenet") and sorted(tmp_path.rglob("*")) == before, "nothing is unpacked"


def test_tiny_imagenets_parquet_has_the_published_validation_as_test(tmp_path):
    write_parquet(tmp_path / "train-00000.parquet", noise(10, 64), [4, 9] * 5, "image")
    write_parquet(tmp_path / "valid-00000.parquet", noise(2, 64, seed=5), [9, 4], "image")
    assert [len(load_images("tiny-imagenet", split, tmp_path)) for split in IMAGE_SPLITS] == [8, 2, 2]
    assert np.array_equal(
        load_images("tiny-imagenet", "test", tmp_path).pixels.permute(0, 2, 3, 1), noise(2, 64, seed=5)
    )


@pytest.mark.parametrize("how", ["direct", "train", "below", "zip"])
def test_class_folders_are_cut_by_class(tmp_path, how):
    prefix = {"direct": "", "train": "train/", "below": "pets/train/", "zip": ""}[how]
    files = class_files({"cat": 20, "dog": 10}, prefix=prefix) | {f"{prefix}.hidden/0.png": b"no image"}
    (tmp_path / "all").mkdir()
    if how == "zip":
        write_zip(tmp_path / "all" / "pets.zip", {f"pets/{name}": data for name, data in files.items()})
    else:
        write_folder(tmp_path / "all", files)
    cats = {"train": range(14), "test": range(14, 16), "validation": range(16, 20)}
    dogs = {"train": range(7), "test": range(7, 8), "validation": range(8, 10)}
    for split in IMAGE_SPLITS:
        images = load_images("folder", split, tmp_path / "all")
        assert images.pixels[:, 0, 0, 0].tolist() == [*cats[split], *dogs[split]]
        assert images.labels.tolist() == [0] * len(cats[split]) + [1] * len(dogs[split])
        assert images.classes == ("cat", "dog") and images.size == 16


def test_published_splits_of_class_folders_are_taken(tmp_path):
    for part, n in (("train", 10), ("val", 3), ("test", 2)):
        write_folder(tmp_path, class_files({"cat": n, "dog": n}, prefix=f"{part}/"))
    assert [len(load_images("folder", split, tmp_path)) for split in IMAGE_SPLITS] == [20, 6, 4]


@pytest.mark.parametrize("mode", ["L", "P", "1"])
def test_grey_and_palette_images_become_rgb(tmp_path, mode):
    image = Image.fromarray(noise(1, 16)[0]).convert(mode)
    write_folder(tmp_path, class_files({"cat": 9, "dog": 10}))
    image.save(tmp_path / "cat" / "00.png")
    images = load_images("folder", "train", tmp_path)
    assert np.array_equal(images.pixels[0].permute(1, 2, 0), np.asarray(image.convert("RGB")))


def test_only_the_split_asked_for_is_decoded(tmp_path):
    write_parquet(tmp_path / "train.parquet", [encode(noise(1)[0]), *[b"broken"] * 19], [0, 1] * 10)
    write_parquet(tmp_path / "test.parquet", noise(4), [0, 1] * 2)
    assert len(load_images("cifar10", "test", tmp_path)) == 4
    with pytest.raises(DataError, match=r"train\.parquet: image 16 is not an image"):
        load_images("cifar10", "validation", tmp_path)


# -- where data sets are looked for --------------------------------------------------------------------------------


def test_data_folders_are_those_named_then_the_projects_then_the_current_ones(tmp_path, monkeypatch):
    monkeypatch.setenv("NETSPACE_DATA", os.pathsep.join([str(tmp_path / "b"), str(tmp_path / "a")]))
    assert data_folders() == [tmp_path / name for name in ("b", "a", "project/data", "data")]
    monkeypatch.delenv("NETSPACE_DATA")
    monkeypatch.chdir(tmp_path / "..")
    monkeypatch.setattr("netspace.data.images.HOME", tmp_path.parent)
    assert data_folders() == [tmp_path.parent / "data"]


def test_another_data_set_of_the_folder_is_not_taken_for_it(tmp_path):
    """Parquet files do not say what they hold: the size of the images tells."""
    write_parquet(tmp_path / "named" / "a" / "test.parquet", noise(2, 64), [0, 1], "image")
    assert not available("cifar10") and available("tiny-imagenet")
    write_parquet(tmp_path / "named" / "b" / "test.parquet", noise(3), [0, 1, 2])
    assert available("cifar10") and len(load_images("cifar10", "test")) == 3
    assert len(load_images("tiny-imagenet", "test")) == 2


@pytest.mark.parametrize("name", ["cifar10", "tiny-imagenet"])
def test_what_is_not_there_says_how_to_get_it(tmp_path, name):
    assert not available(name)
    with pytest.raises(MissingData, match=rf"no {name} in .*named.*netspace images {name} --download.*NETSPACE_DATA"):
        load_images(name, "test")
    with pytest.raises(MissingData, match=rf"no {name} in {tmp_path / 'gone'}: run"):
        load_images(name, "test", tmp_path / "gone")


def test_a_failed_download_is_a_sentence(tmp_path, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr("torchvision.datasets.utils.download_url", refuse)
    monkeypatch.setattr("torchvision.datasets.CIFAR10", refuse)
    for name in ("cifar10", "tiny-imagenet"):
        with pytest.raises(DataError, match=rf"{name} could not be downloaded to .*no route to host"):
            download_images(name, tmp_path)
    with pytest.raises(DataError, match=r"'mnist' cannot be downloaded; known: cifar10"):
        download_images("mnist", tmp_path)


# -- bad input -----------------------------------------------------------------------------------------------------


def refused(words, name, folder, split="train"):
    """The one clear sentence of DataError."""
    with pytest.raises(DataError, match=words) as caught:
        load_images(name, split, folder)
    assert "\n" not in str(caught.value)


def test_unknown_names_and_splits(tmp_path):
    refused(r"unknown split 'val'; known: train, validation, test", "digits", None, "val")
    refused(
        r"unknown data set 'mnist'; known: cifar10, tiny-imagenet, digits; any other name needs a folder", "mnist", None
    )
    refused(rf"no folder {tmp_path / 'gone'}", "mine", tmp_path / "gone")
    refused(rf"no images in {tmp_path}: put them there as train/<class>/\*\.png", "mine", tmp_path)


def test_one_class_only(tmp_path):
    write_folder(tmp_path, class_files({"cat": 5}))
    refused(r"has one class only, 'cat'", "mine", tmp_path)


def test_a_class_that_train_does_not_have(tmp_path):
    write_folder(tmp_path, class_files({"cat": 5, "dog": 5}, prefix="train/") | class_files({"cow": 1}, prefix="val/"))
    refused(r"val/cow/00\.png is of a class that has no images in train", "mine", tmp_path, "validation")


def test_images_of_another_size_or_shape(tmp_path):
    files = class_files({"cat": 9, "dog": 9})
    write_folder(tmp_path / "a", files | {"dog/03.png": encode(noise(1, 20)[0])})
    refused(r"dog/03\.png is 20x20, .*cat/00\.png is 16x16", "mine", tmp_path / "a")
    write_folder(tmp_path / "b", files | {"cat/00.png": encode(noise(1, 20)[0, :12])})
    refused(r"cat/00\.png is 20x12, images must be square", "mine", tmp_path / "b")
    write_parquet(tmp_path / "c" / "test.parquet", noise(4, 28), [0, 1, 2, 3])
    refused(r"test\.parquet: image 0 is 28x28, cifar10 needs 32x32", "cifar10", tmp_path / "c", "test")


def test_images_with_other_channels(tmp_path):
    arrays = [*noise(3), np.zeros((32, 32, 4), np.uint8)]
    write_parquet(tmp_path / "test.parquet", arrays, [0, 1, 2, 3], kind="PNG")
    refused(r"test\.parquet: image 3 has the channels RGBA, it must be RGB or grey", "cifar10", tmp_path, "test")


@pytest.mark.parametrize(("data", "words"), [(b"<svg/>", "is not an image"), (None, "cannot be decoded")])
def test_an_undecodable_image(tmp_path, data, words):
    files = class_files({"cat": 9, "dog": 9})
    files["cat/04.png"] = data or encode(noise(1, 16)[0])[:200]
    write_folder(tmp_path / "folder", files)
    refused(rf"cat/04\.png {words}", "mine", tmp_path / "folder")
    write_zip(tmp_path / "mine.zip", files)
    refused(rf"mine\.zip/cat/04\.png {words}", "mine", tmp_path / "mine.zip")


@pytest.mark.parametrize(("label", "words"), [(12, "image 2 has the label 12, there are 10 classes"), (-1, "label -1")])
def test_labels_outside_the_classes(tmp_path, label, words):
    write_parquet(tmp_path / "p" / "test-0.parquet", noise(2), [0, 1])
    write_parquet(tmp_path / "p" / "test-1.parquet", noise(3), [3, 4, label])
    refused(rf"test-1\.parquet: .*{words}", "cifar10", tmp_path / "p", "test")
    write_batches(tmp_path / "b")
    batch = {"data": np.zeros((3, 3072), np.uint8), "labels": [0, 1, label]}
    (tmp_path / "b" / "test_batch").write_bytes(pickled(batch))
    refused(rf"test_batch: .*{words}", "cifar10", tmp_path / "b", "test")


def test_another_number_of_classes(tmp_path):
    write_parquet(tmp_path / "test.parquet", noise(2), [0, 1], names=["cat", "dog"])
    refused(r"has 2 classes, cifar10 has 10", "cifar10", tmp_path, "test")
    write_folder(tmp_path / "tiny", tiny_files(train=1, classes=8))
    refused(r"tiny has 8 classes, tiny-imagenet has 200", "tiny-imagenet", tmp_path / "tiny")


def test_a_truncated_parquet(tmp_path):
    file = tmp_path / "test.parquet"
    write_parquet(file, noise(20), [0, 1] * 10)
    whole = file.read_bytes()
    for broken in (whole[:-100], b"", b"PAR1" + bytes(2000) + whole[2004:]):
        file.write_bytes(broken)
        refused(r"test\.parquet.* is (truncated or not a parquet file|not an image)", "cifar10", tmp_path, "test")


def test_parquet_without_its_columns(tmp_path):
    write_parquet(tmp_path / "a" / "test.parquet", noise(2), [0, 1], image="picture")
    refused(
        r"test\.parquet has no image column \(img or image\), it has picture, label", "cifar10", tmp_path / "a", "test"
    )
    write_parquet(tmp_path / "b" / "test.parquet", noise(2), [0, 1], label="kind")
    refused(r"test\.parquet has no label column \(.*\), it has img, kind", "cifar10", tmp_path / "b", "test")
    write_parquet(tmp_path / "c" / "test.parquet", noise(2), ["cat", "dog"])
    refused(r"test\.parquet has labels of type (large_)?string", "cifar10", tmp_path / "c", "test")
    write_parquet(tmp_path / "d" / "test.parquet", noise(2), [1, None])
    refused(r"test\.parquet has labels of type int64 with 1 missing", "cifar10", tmp_path / "d", "test")
    pq.write_table(pa.table({"img": [1, 2], "label": [0, 1]}), tmp_path / "test.parquet")
    refused(r"test\.parquet has images of type int64", "cifar10", tmp_path, "test")


def test_empty_and_missing_splits(tmp_path):
    nothing = {"img": pa.array([], pa.struct([("bytes", pa.binary())])), "label": pa.array([], pa.int64())}
    (tmp_path / "a").mkdir()
    pq.write_table(pa.table(nothing), tmp_path / "a" / "test.parquet")
    refused(r"the test split of cifar10 in .*a is empty", "cifar10", tmp_path / "a", "test")
    refused(r"a has no train images of cifar10", "cifar10", tmp_path / "a", "validation")
    write_parquet(tmp_path / "b" / "train.parquet", noise(10), [0, 1] * 5)
    refused(r"b has no test images of cifar10", "cifar10", tmp_path / "b", "test")
    write_folder(tmp_path / "c", class_files({"cat": 1, "dog": 1}))
    refused(r"the train split of mine in .*c is empty", "mine", tmp_path / "c")


def test_a_truncated_zip_and_what_tiny_imagenet_lacks(tmp_path, tiny):
    path = tmp_path / "tiny-imagenet.zip"
    write_zip(path, tiny)
    path.write_bytes(path.read_bytes()[:-5000])
    refused(r"tiny-imagenet\.zip is truncated or not a zip", "tiny-imagenet", tmp_path)
    for name in ("words.txt", "val/val_annotations.txt", "val/images/val_1.JPEG"):
        write_zip(path, {n: d for n, d in tiny.items() if n != name})
        refused(rf"tiny-imagenet\.zip has no {name}", "tiny-imagenet", tmp_path, "test")
    write_zip(path, tiny | {"val/val_annotations.txt": b"val_0.JPEG\tn5\t0\n"})
    refused(r"has images of n5, which is not one of the 200 in its wnids\.txt", "tiny-imagenet", tmp_path, "test")


class Command:
    def __reduce__(self):
        return open, ("ran", "w")


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    write_batches(tmp_path / "b")
    file = tmp_path / "b" / "test_batch"
    whole = file.read_bytes()
    file.write_bytes(pickle.dumps({"data": Command(), "labels": []}, protocol=4))
    refused(
        r"test_batch is truncated or not a batch of CIFAR-10 \(it asks for _?io\.open\)", "cifar10", tmp_path, "test"
    )
    assert not (tmp_path / "ran").exists()
    file.write_bytes(whole[:1000])
    refused(r"test_batch is truncated or not a batch", "cifar10", tmp_path, "test")
    file.write_bytes(pickled({"data": np.zeros((2, 784), np.uint8), "labels": [0, 1]}))
    refused(r"test_batch holds uint8 \(2, 784\), CIFAR-10 needs uint8 \(2, 3072\)", "cifar10", tmp_path, "test")
    (tmp_path / "b" / "data_batch_3").unlink()
    refused(r"b has no data_batch_3", "cifar10", tmp_path, "train")


def test_classes_are_told_without_their_images():
    assert image_classes("digits") == load_images("digits", "test").classes
    with pytest.raises(DataError, match="unknown data set 'mnist'"):
        image_classes("mnist")
