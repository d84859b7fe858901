from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from reverie.cli.main import app
from reverie.data.splits.config import LeaveOneOut, split_dataset
from reverie.errors import ConfigError, DataError
from reverie.robustness.trained import ATTACKS, TrainedConfig, attack_trained, polluted_rows
from reverie.testing import tiny_dataset

if TYPE_CHECKING:
    from pathlib import Path

    from reverie.data.split import Split


class Echo:
    """Scores every item by its likeness to the last event alone: one item is known to lift each target."""

    history = 5

    def __init__(self, split: Split, lifts: np.ndarray) -> None:
        from reverie.protocols import Card

        self.card = Card("echo", None, split.vocabulary)  # type: ignore[arg-type]
        self.lifts = torch.from_numpy(lifts)

    def scores(self, batch: Any, items: torch.Tensor | None = None) -> torch.Tensor:
        last = batch.items[torch.arange(batch.size), batch.lengths - 1]
        whole = self.lifts[last]
        return whole if items is None else whole.gather(1, (items - 1).clamp(min=0))


def _split() -> Split:
    return split_dataset(tiny_dataset(items=60), LeaveOneOut())


def test_the_search_finds_what_lifts_the_target() -> None:
    split = _split()
    n = split.vocabulary.n_items
    target = int(np.argsort(split.train.item_counts()[1:])[0]) + 1
    popular = int(np.argmax(split.train.item_counts()[1:])) + 1
    lifts = np.tile(np.linspace(1, 2, n), (n + 1, 1))
    lifts[:, target - 1] = 0
    lifts[popular, target - 1] = 9  # only after the most popular item the target stands first
    config = TrainedConfig(users=6, targets=(split.vocabulary.items[target - 1],), candidates=12, events=2, pool=6)
    done = attack_trained(Echo(split, lifts), split.test, split.train, config)  # type: ignore[arg-type]
    by_name = dict(zip(ATTACKS, done.rows, strict=True))
    assert [row.attack for row in done.rows] == list(ATTACKS)
    chosen = by_name["chosen"]
    assert (chosen.extra[:, -1] == popular).all()
    assert chosen.hit.value == 1.0
    assert chosen.place.value == 0.0
    last = done.asked.sequences.items[done.asked.stop - 1]
    assert by_name["clean"].place.value == pytest.approx(float((last != popular).mean()))
    assert chosen.moved.value == pytest.approx(-by_name["clean"].place.value)
    assert not np.isin(done.rows[1].extra, [target]).any()
    rows = polluted_rows(done, config, split, "run", "echo")
    assert len(rows) == 4 * len(ATTACKS)
    assert {row["attack"] for row in rows} == {f"history-{name}" for name in ATTACKS}


def test_impossible_wishes_are_one_sentence() -> None:
    split = _split()
    for wish, said in (
        ({"candidates": 10_000}, "set candidates to"),
        ({"draw": 9_999}, "less popular half.*set draw to"),
        ({"candidates": 12, "pool": 9_999}, "set pool to"),
    ):
        with pytest.raises(DataError, match=said):
            attack_trained(None, split.test, split.train, TrainedConfig(**wish))  # type: ignore[arg-type]


def test_a_run_folder_is_attacked_from_the_command_line(tmp_path: Path) -> None:
    clicks = tmp_path / "clicks.csv"
    tiny_dataset(items=60).events.write_csv(clicks)
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(f"name: tiny\ndataset: {{name: {clicks}}}\nmodel: {{name: co-occurrence}}\n")
    trained = CliRunner().invoke(app, ["train", str(recipe), "--out", str(tmp_path / "run"), "-q"])
    assert trained.exit_code == 0, trained.output
    wanted = ["--set", "users=5", "--set", "candidates=11", "--set", "pool=4", "--set", "draw=2"]
    words = ["attack", str(tmp_path / "run"), *wanted, "--results", str(tmp_path / "rows.csv")]
    printed = CliRunner().invoke(app, [*words, "--json"])
    assert printed.exit_code == 0, printed.output
    assert [row["attack"] for row in json.loads(printed.stdout)["attacks"]] == list(ATTACKS)
    assert "history-chosen" in (tmp_path / "rows.csv").read_text()
    shown = CliRunner().invoke(app, words)
    assert "5 users, 11 candidates, 2 events added" in shown.output
    page = (tmp_path / "run" / "attack.html").read_text()
    assert "2 events added" in page
    assert f"reverie attack {tmp_path / 'run'}" in page
    assert str(tmp_path / "run" / "attack.html") in shown.output.replace("\n", "")
    CliRunner().invoke(app, [*words, "--out", str(tmp_path / "elsewhere")])
    assert (tmp_path / "elsewhere" / "attack.html").is_file()
    assert isinstance(CliRunner().invoke(app, ["defend", str(tmp_path / "run")]).exception, ConfigError)
