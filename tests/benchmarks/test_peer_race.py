from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reverie as rv
from reverie.study.store import key

PEERS = Path(__file__).resolve().parents[2] / "benchmarks" / "peers"


@pytest.fixture(scope="module")
def race() -> Iterator[dict[str, Any]]:
    """The driver's modules; they import each other by bare names, as scripts do."""
    before = list(sys.path)
    sys.path[:0] = [str(PEERS), str(PEERS / "adapters")]
    import cells
    import curves
    import page
    import race as driver
    import stopwatch
    import systems

    yield {"cells": cells, "curves": curves, "page": page, "race": driver, "stopwatch": stopwatch, "systems": systems}
    sys.path[:] = before


def curve(race: Any, *values: float, start: float = 0.0) -> list[Any]:
    return [race["curves"].Point(n + 1, start + 10.0 * (n + 1), start + 5.0 * (n + 1), 100.0 + n, v) for n, v in enumerate(values)]


def result(race: Any, *values: float, system: str = "reverie", seed: int = 1, start: float = 0.0) -> dict[str, Any]:
    points = curve(race, *values, start=start)
    return {
        "case": "ml-100k",
        "system": system,
        "setting": "s",
        "seed": seed,
        "budget": 60.0,
        "date": "2026-11-23",
        "commit": "abc",
        "facts": {"version": "1", "load": 0.5},
        "curve": [[p.epoch, p.wall, p.cpu, p.peak, p.value] for p in points],
    }


def test_target_is_a_share_of_the_best_run_of_any_system(race: Any) -> None:
    assert race["curves"].common_target([0.02, 0.1, 0.08]) == pytest.approx(0.095)
    with pytest.raises(ValueError, match="best is empty"):
        race["curves"].common_target([])


def test_time_to_target_is_the_first_measurement_at_or_above_it(race: Any) -> None:
    points = curve(race, 0.01, 0.05, 0.04, 0.06)
    reached = race["curves"].first_reaching
    assert reached(points, 0.05).wall == 20.0
    assert reached(points, 0.051).wall == 40.0
    assert reached(points, 0.0601) is None


@given(values=st.lists(st.floats(0, 1), min_size=1, max_size=20), target=st.floats(0, 1))
def test_nothing_before_the_found_point_reaches_the_target(race: Any, values: list[float], target: float) -> None:
    points = curve(race, *values)
    found = race["curves"].first_reaching(points, target)
    if found is None:
        assert max(values) < target
    else:
        assert found.value >= target
        assert all(p.value < target for p in points if p.wall < found.wall)


def test_a_seed_that_never_arrives_leaves_no_median(race: Any) -> None:
    spread = race["curves"].spread
    assert spread([3.0, 1.0, 2.0]) == race["curves"].Spread(1.0, 2.0, 3.0)
    assert spread([3.0, None, 2.0]) is None
    assert spread([]) is None


def test_the_first_of_equally_good_settings_is_chosen(race: Any) -> None:
    assert race["curves"].best_setting({"a": 0.1, "b": 0.2, "c": 0.2}) == "b"
    with pytest.raises(ValueError, match="no setting"):
        race["curves"].best_setting({})


def test_systems_take_turns(race: Any) -> None:
    turns = race["curves"].interleaved({"a": ["1", "2", "3"], "b": ["1"], "c": ["1", "2"]})
    assert turns == [("a", "1"), ("b", "1"), ("c", "1"), ("a", "2"), ("c", "2"), ("a", "3")]


def test_an_unfinished_epoch_is_extrapolated(race: Any) -> None:
    point = race["curves"].Point(0.25, 30.0, 20.0, 1.0, 0.1)
    assert race["curves"].epoch_seconds([point]) == 120.0


def test_every_system_has_at_most_three_settings_for_each_case_and_an_adapter(race: Any) -> None:
    systems = race["systems"]
    for system in systems.SYSTEMS.values():
        assert (PEERS / "adapters" / system.adapter).is_file()
        assert set(system.settings) == set(systems.CASES)
        assert all(1 <= len(settings) <= 3 for settings in system.settings.values())


def test_runs_have_folders_of_their_own(race: Any) -> None:
    driver, systems = race["race"], race["systems"]
    for case in systems.CASES:
        chosen = {name: next(iter(system.settings[case])) for name, system in systems.SYSTEMS.items()}
        found = driver.tuning_cells(case, list(systems.SYSTEMS)) + driver.race_cells(case, chosen)
        assert len({key(cell.facts()) for cell in found}) == len(found)
        assert {cell.seed for cell in driver.race_cells(case, chosen)}.isdisjoint({0})


def test_events_are_written_in_order_and_only_once(race: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = race["cells"]
    rows = [(u, i, t) for u, items in enumerate(["abcd", "bcad", "cdba"]) for t, i in enumerate(items)]
    frame = pl.DataFrame(rows, schema=["user", "item", "timestamp"], orient="row")
    split = rv.leave_one_out(rv.read_events(frame))
    monkeypatch.setattr(cells, "split_of", lambda case: split)
    folder = cells.write_events("ml-100k", tmp_path)
    train, valid, test = (pl.read_parquet(folder / f"{name}.parquet") for name in ("train", "valid", "test"))
    assert all(table.dtypes == [pl.Int64] * 3 for table in (train, valid, test))
    assert train["timestamp"].to_list() == [0, 1] * 3
    assert valid["timestamp"].to_list() == [2] * 3
    assert test["timestamp"].to_list() == [3] * 3
    lists = valid.select("user_id", "item_id", pl.lit(1).alias("rank"))
    judged = cells.judge(cells.external(lists, split), split.valid)
    assert judged.value("ndcg@10") == 1.0
    before = (folder / "train.parquet").stat().st_mtime_ns
    cells.write_events("ml-100k", tmp_path)
    assert (folder / "train.parquet").stat().st_mtime_ns == before


def test_windows_hold_the_latest_events_padded_on_the_left(race: Any) -> None:
    events = {"user_id": np.array([3, 3, 3, 5, 5, 9]), "item_id": np.array([1, 2, 3, 4, 5, 6])}
    users, inputs = race["stopwatch"].windows(events, events["item_id"], 2, 0)
    assert users.tolist() == [3, 5, 9]
    assert inputs.tolist() == [[2, 3], [4, 5], [0, 6]]


def test_seen_items_are_not_among_the_best(race: Any) -> None:
    import torch

    scores = torch.arange(12.0).reshape(3, 4)
    seen = np.array([0, 0, 2]), np.array([3, 2, 1])
    columns, values = race["stopwatch"].best_unseen(lambda begin, end: scores[begin:end].clone(), seen, 3, 2)
    assert columns.tolist() == [[1, 0], [3, 2], [3, 2]]
    assert values.tolist() == [[1.0, 0.0], [7.0, 6.0], [11.0, 10.0]]


def test_a_run_that_never_arrives_leaves_its_time_empty(race: Any) -> None:
    rows = {row["metric"]: row for row in race["page"].table_rows(result(race, 0.01, 0.02), 0.05, 0.02)}
    assert rows["seconds_to_target"]["value"] is None
    assert rows["seconds_to_target"]["unit"] == "s, not reached in 20 s"
    assert rows["seconds_to_peer_target"]["value"] == 20.0
    assert rows["seconds_to_peer_target"]["unit"] == "s"
    assert rows["best_ndcg@10"]["value"] == 0.02
    assert rows["epoch_seconds"]["value"] == 10.0


@pytest.mark.parametrize(
    ("delay", "words"),
    [(40.0, "The aim of 2 is met"), (2.0, r"The aim of 2 is \*\*not\*\* met"), (-4.0, "faster than Reverie")],
)
def test_the_page_says_who_is_ahead_whoever_it_is(race: Any, delay: float, words: str) -> None:
    results = [result(race, 0.05, 0.1), result(race, 0.05, 0.1, system="rectools", start=delay)]
    text = race["page"].page({"ml-100k": results}, {"ml-100k": results}, {"ml-100k": 0.095})
    assert re.search(words, text)


def test_the_page_names_peers_that_are_better(race: Any) -> None:
    results = [result(race, 0.1), result(race, 0.12, system="replay")]
    text = race["page"].page({"ml-100k": results}, {"ml-100k": results}, {"ml-100k": race["page"].target_of(results)})
    assert "Better than Reverie in the best value of a run: replay (0.1200)" in text
    assert "did not reach the target with every seed" in text


def test_the_page_has_a_second_target_that_the_best_peer_reaches(race: Any) -> None:
    results = [result(race, 0.05, 0.2), result(race, 0.01, 0.08, system="replay")]
    text = race["page"].page({"ml-100k": results}, {"ml-100k": results}, {"ml-100k": race["page"].target_of(results)})
    assert "No peer reached the target with every seed" in text
    assert "NDCG@10 = **0.0760**" in text
    assert "replay is the fastest peer: 1.0 times" in text


def test_the_page_names_settings_that_were_faster_in_tuning(race: Any) -> None:
    tuned = [result(race, 0.05, 0.08, start=3.0), result(race, 0.01, 0.09, system="replay")]
    found = race["page"]._faster_in_tuning(tuned, 0.07)
    assert found == ["Faster to the second target in tuning than any setting of Reverie (13.0 CPU s): replay with s (10.0 CPU s)."]
    assert race["page"]._faster_in_tuning(tuned, 0.04) == []
