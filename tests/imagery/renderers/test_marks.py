from __future__ import annotations

import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from reverie.imagery.renderers.collage.colour import from_lab, lab, mix, to_lab
from reverie.imagery.renderers.collage.media.base import RASTER, Base
from reverie.imagery.renderers.collage.media.drawn import hatching
from reverie.imagery.renderers.collage.media.printed import swelling

SIDE = 768


@given(st.tuples(*[st.floats(0, 1)] * 3))
@settings(max_examples=40, deadline=None)
def test_oklab_there_and_back(rgb: tuple[float, float, float]) -> None:
    assert np.allclose(from_lab(to_lab(np.array(rgb))), rgb, atol=2e-4)


def test_oklab_of_published_pairs() -> None:
    assert np.allclose(lab("#ffffff"), (1, 0, 0), atol=1e-3)
    assert np.allclose(lab("#ff0000"), (0.628, 0.225, 0.126), atol=1e-3)
    assert np.allclose(lab("#0000ff"), (0.452, -0.032, -0.312), atol=1e-3)
    assert mix("#000", "#fff", 0) == "#000000"
    assert mix("#000", "#fff", 1) == "#ffffff"


def test_values_between_pixels_are_bilinear() -> None:
    rng = np.random.default_rng(0)
    grid, points = rng.random((RASTER, RASTER)), rng.random((200, 2)) * (SIDE - 8) + 4
    for point, value in zip(points, Base.between(grid, points), strict=True):
        x, y = point * RASTER / SIDE - 0.5
        i, j, a, b = int(x), int(y), x % 1, y % 1
        naive = (grid[j, i] * (1 - a) + grid[j, i + 1] * a) * (1 - b) + (grid[j + 1, i] * (1 - a) + grid[j + 1, i + 1] * a) * b
        assert abs(naive - value) < 1e-9


def test_hatching_stays_where_it_is_dark() -> None:
    dark = np.zeros((RASTER, RASTER), dtype=bool)
    dark[:, : RASTER // 2] = True
    numbers = np.array(re.findall(r"-?[\d.]+", hatching(dark, 0.7, 8.0, np.random.default_rng(0), 1.0)), dtype=float)
    starts = numbers.reshape(-1, 6)[:, :2]
    assert len(starts) > 40
    assert starts[:, 0].max() < SIDE / 2 + 8


def test_lines_swell_with_the_darkness() -> None:
    def area(value: float) -> float:
        total = 0.0
        for piece in swelling(np.full((RASTER, RASTER), value), 0.0, 8.0, 6.0, np.random.default_rng(0), 0.0).split("M")[1:]:
            x, y = np.array(re.findall(r"-?[\d.]+", piece), dtype=float).reshape(-1, 2).T
            total += abs(float(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))) / 2
        return total / SIDE**2

    assert area(0.0) == 0
    assert 0.32 < area(0.5) < 0.42
    assert 0.68 < area(1.0) < 0.80
