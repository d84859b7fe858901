"""The page of content results: tables by data variant, metrics at 10 and 20, cost of a training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def content(load_script: Callable[[Path], ModuleType]) -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "tables" / "content.py"
    return load_script(path)


def row(data: str, metric: str, value: float, seed: int, part: str = "all") -> dict[str, str]:
    known = {"recipe": "r", "dataset": "mm-tiktok", "dataset_sha256": "f" * 64, "protocol": "given", "data": data, "slice": part}
    about = {"recommender": "vbpr", "item_encoder": "image+audio", "tuning": "", "fusion": "", "drop": ""}
    numbers = {"metric": metric, "value": str(value), "seed": str(seed), "seconds": "12.4", "peak_mb": str(500 + 100 * seed)}
    return known | about | numbers


def test_a_dataset_and_the_same_with_content_taken_away_are_two_tables(content: ModuleType) -> None:
    rows = [
        row(data, metric, value + seed / 100, seed)
        for data, value in (("mm-tiktok", 0.25), ("half-missing", 0.125))
        for metric in ("recall@10", "ndcg@10", "recall@20", "ndcg@20")
        for seed in (0, 1)
    ]
    page = content.page(rows, [])
    whole, half = page.split("## mm-tiktok: mm-tiktok, given")[1].split("## half-missing: mm-tiktok, given")
    assert "0.2550" in whole
    assert "0.1300" not in whole
    assert "0.1300" in half
    for metric in ("recall@10", "ndcg@10", "recall@20", "ndcg@20"):
        assert f"all {metric}" in whole
    assert "| s | peak MB |" in whole.replace("  ", " ")
    assert "| 12 | 550 |" in whole.replace("  ", " ")
