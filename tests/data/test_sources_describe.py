from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from reverie.cli.data import app
from reverie.data.describe import describe
from reverie.data.readers import read_events
from reverie.errors import ReverieError

LOG = pl.DataFrame({"user": [1, 1, 1, 2, 2], "item": [5, 6, 5, 5, 7], "timestamp": [0, 0, 86_400, 100, 400]})


def test_description_of_a_small_log() -> None:
    facts = describe(read_events(LOG, catalog=pl.DataFrame({"item": [5, 6], "title": ["A", "B"]})))
    assert (facts["users"], facts["items"], facts["events"]) == (2, 3, 5)
    assert facts["density"] == pytest.approx(4 / 6)
    assert facts["repeated_pairs"] == pytest.approx(1 / 5)
    assert facts["events_per_user"] == {"min": 2, "25%": 2.25, "median": 2.5, "75%": 2.75, "90%": 2.9, "max": 3}
    assert (facts["first"], facts["span_days"]) == ("1970-01-01 00:00:00", 1)
    assert facts["median_gap_seconds"] == 300
    assert facts["same_time_neighbours"] == pytest.approx(1 / 3)
    assert facts["titles"] == pytest.approx(2 / 3)
    assert facts["splits"]["leave_one_out"] == "yes"
    assert "does not come split" in facts["splits"]["given"]
    json.dumps(facts)


def test_description_without_times_says_why_splits_are_not_allowed() -> None:
    facts = describe(read_events(LOG.drop("timestamp"), order="none"))
    assert facts["median_gap_seconds"] is None
    assert "no order" in facts["splits"]["leave_one_out"]
    assert "no timestamps" in facts["splits"]["temporal"]


def test_the_command_lists_describes_and_converts(tmp_path: Path) -> None:
    run = CliRunner().invoke
    listed = json.loads(run(app, ["list", "--json"]).stdout)
    assert {"ml-100k", "zhihu"} <= {row["name"] for row in listed}
    assert "leave_one_out" in run(app, ["list"]).stdout
    source = tmp_path / "log.csv"
    LOG.rename({"user": "who"}).write_csv(source)
    facts = json.loads(run(app, ["describe", str(source), "--user", "who", "--json"]).stdout)
    assert facts["events"] == 5
    assert "repeated pairs" in run(app, ["describe", str(source), "--user", "who"]).stdout
    target = tmp_path / "log.inter"
    assert "wrote 5 events" in run(app, ["convert", str(source), str(target), "--user", "who"]).stdout.replace("\n", "")
    assert read_events(target).sha256 == facts["sha256"]
    assert isinstance(run(app, ["describe", str(tmp_path / "none.csv")]).exception, ReverieError)
    for command in ("list", "fetch", "describe", "convert"):
        assert f"Example: reverie data {command}" in run(app, [command, "--help"]).stdout
