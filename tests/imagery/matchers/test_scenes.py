"""Scenes of drawn icons, and pictures as pixels."""

import io
from pathlib import Path

import numpy as np
import pytest
from icon_families import COLOURS, tiny_family
from PIL import Image

from reverie.errors import DataError
from reverie.imagery.matchers.blocks import composed_block, crops_block, single_block
from reverie.imagery.matchers.drawings import draw_icons, held_out
from reverie.imagery.matchers.pictures import read_pixels, read_windows, window_boxes
from reverie.imagery.matchers.scenes import AROUND, MOST, draw_crops

DRAWINGS = draw_icons([tiny_family("openmoji"), tiny_family("twemoji")], 32)


def test_icons_that_show_a_thing_are_drawn_once_in_each_family() -> None:
    assert len(DRAWINGS.names) == 2 * len(COLOURS)
    assert set(DRAWINGS.names) == set(COLOURS)
    assert DRAWINGS.pixels.shape == (16, 32, 32, 4)
    at = DRAWINGS.chosen(["twemoji"], ["leaf"])
    assert len(at) == 1
    assert DRAWINGS.pixels[at[0], 16, 16].tolist() == [0x22, 0xAA, 0x22, 255]
    assert DRAWINGS.pixels[at[0], 0, 0, 3] == 0


def test_blocks_are_functions_of_seed_and_number() -> None:
    allowed = DRAWINGS.chosen(["openmoji"])
    first, again, other = (composed_block(DRAWINGS, allowed, 6, 48, 0, number) for number in (3, 3, 4))
    assert np.array_equal(first.pixels, again.pixels)
    assert np.array_equal(first.shown, again.shown)
    assert not np.array_equal(first.pixels, other.pixels)
    longer = composed_block(DRAWINGS, allowed, 7, 48, 0, 3)
    assert np.array_equal(longer.pixels[:6], first.pixels)
    assert first.shown.shape == (6, MOST)
    for row in first.shown:
        there = row[row >= 0]
        assert 1 <= len(there) == len(set(there))
        assert set(there) <= set(allowed)


def test_crops_hold_the_thing_that_they_are_named_by() -> None:
    allowed = DRAWINGS.chosen(["openmoji"])
    block = crops_block(DRAWINGS, allowed, 6, 48, 0, 3)
    assert np.array_equal(block.pixels, crops_block(DRAWINGS, allowed, 6, 48, 0, 3).pixels)
    assert ((block.shown[:, 0] >= 0) & (block.shown[:, 1:] == -1).all(axis=1)).all()
    for seed in range(12):
        for scene in draw_crops(DRAWINGS.pixels, allowed, 16, np.random.default_rng(seed)):
            ((x, y, width),) = scene.places
            assert -0.01 <= x <= 1.01
            assert -0.01 <= y <= 1.01
            assert width >= 0.99 / AROUND[1]


def test_chosen_things_are_shown_alone() -> None:
    block = single_block(DRAWINGS, np.array([2, 5]), 40, 0)
    assert block.shown.tolist() == [[2, -1, -1, -1, -1], [5, -1, -1, -1, -1]]
    assert (block.pixels.std(axis=(1, 2)).max(axis=1) > 5).all()  # something is there


def test_held_out_names_do_not_depend_on_the_others() -> None:
    names = [f"name {at}" for at in range(400)]
    out = held_out(names, 0, 0.15)
    assert 30 < len(out) < 90
    assert held_out(names[:100], 0, 0.15) == out & set(names[:100])
    assert held_out(names, 1, 0.15) != out


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_what_is_transparent_is_white_and_sizes_change(tmp_path: Path) -> None:
    image = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    image.paste((200, 0, 0, 255), (0, 0, 10, 20))
    (tmp_path / "a.png").write_bytes(png(image))
    pixels = read_pixels(tmp_path / "a.png", 10)
    assert pixels.shape == (10, 10, 3)
    assert pixels[5, 1].tolist() == [200, 0, 0]
    assert pixels[5, 8].tolist() == [255, 255, 255]
    assert np.array_equal(pixels, read_pixels(png(image), 10))


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"GIF89a\x01\x00\x01\x00\x80\x00\x00"])
def test_what_is_no_png_is_refused(data: bytes) -> None:
    with pytest.raises(DataError, match="the picture is no PNG that can be read; render it again"):
        read_pixels(data, 10)


def test_windows_share_half_of_their_width_and_cover_the_picture() -> None:
    boxes = window_boxes((1, 3))
    assert boxes[0].tolist() == [0, 0, 1, 1]
    assert np.allclose(boxes[1:4], [[0, 0, 0.5, 0.5], [0.25, 0, 0.75, 0.5], [0.5, 0, 1, 0.5]])
    assert np.allclose(boxes[-1], [0.5, 0.5, 1, 1])
    image = Image.new("RGB", (40, 40), "red")
    image.paste((0, 0, 255), (20, 20, 40, 40))
    windows = read_windows(png(image), 8, (1, 3))
    assert windows.shape == (10, 8, 8, 3)
    assert np.array_equal(windows[0], read_pixels(png(image), 8))
    assert np.abs(windows[1][:6, :6].astype(int) - [255, 0, 0]).max() < 8
    assert np.abs(windows[-1][2:, 2:].astype(int) - [0, 0, 255]).max() < 8
