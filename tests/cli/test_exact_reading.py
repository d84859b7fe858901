"""The command line on logs with kinds, paths with brackets, and lists in the format of their suffix."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from reverie.testing import tiny_dataset

if TYPE_CHECKING:
    from collections.abc import Callable


def test_kinds_paths_with_brackets_and_lists_by_their_suffix(ask: Callable, tmp_path: Path) -> None:
    folder = tmp_path / "my [shop]"
    folder.mkdir()
    events = tiny_dataset().events.with_columns(kind=pl.lit("buy"))
    views = events.with_columns(pl.col("timestamp") + 1, kind=pl.lit("view"))
    pl.concat([events, views]).write_csv(folder / "shop[1].csv")
    events.with_columns(user=pl.lit(1)).write_csv(folder / "shop1.csv")
    log = str(folder / "shop[1].csv")

    facts = json.loads(ask("data", "describe", log, "--kinds", "buy", "--json").out)
    assert (facts["kinds"], facts["events"]) == ({"buy": events.height}, events.height)
    assert facts["notes"] == [f"{events.height:,} of {2 * events.height:,} events are counted: buy"]
    assert "did you mean 'buy'" in ask("data", "describe", log, "--kinds", "buyy").err
    assert "--kinds names no kind" in ask("data", "describe", log, "--kinds", " ,").err

    runs = folder / "runs"
    compared = ask("compare", log, "--kinds", "buy", "--models", "popularity", "--out", runs)
    assert compared.code == 0, compared.err
    assert f"kinds buy {events.height:,}" in compared.read_as
    run = next(runs.glob("popularity*"))
    assert "kinds:\n  - buy" in (run / "recipe.yaml").read_text()

    for name in ("lists.csv", "lists.TSV", "lists.jsonl"):
        assert ask("recommend", run, "--all", folder / name, "-k", "2").code == 0
    read = [
        pl.read_csv((folder / "lists.csv").read_bytes()),
        pl.read_csv((folder / "lists.TSV").read_bytes(), separator="\t"),
        pl.read_ndjson((folder / "lists.jsonl").read_bytes()),
    ]
    assert all(frame.equals(read[0]) and frame.columns[:3] == ["user", "item", "rank"] for frame in read)
    judged = ask("judge", folder / "lists.csv", "--dataset", log, "--kinds", "buy", "-k", "2", "--json")
    assert judged.code == 0, judged.err
    refused = ask("recommend", run, "--all", "lists.xlsx")
    assert (refused.code, "choose a name ending in .parquet" in refused.err, Path("lists.xlsx").exists()) == (2, True, False)
    assert "--truth has none" in ask("judge", folder / "lists.csv", "--truth", log, "--kinds", "buy").err
