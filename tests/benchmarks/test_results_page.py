from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from reverie.errors import ConfigError, DataError
from reverie.study.rows import COLUMNS, append_rows
from reverie.training.recipe import Suite, load_suite, parse_suite

TABLES = Path(__file__).resolve().parents[2] / "benchmarks" / "tables"


def _module(name: str) -> Any:
    """Load a script under a name of its own: other benchmarks have a page too."""
    spec = importlib.util.spec_from_file_location(f"tables_{name}", TABLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(TABLES))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(TABLES))
    return module


@pytest.fixture(scope="module")
def tables() -> dict[str, Any]:
    """The scripts, and what they import by bare names."""
    loaded = {name: _module(name) for name in ("page", "check")}
    return loaded | {name: sys.modules[name] for name in ("plot", "published", "standing")}


@pytest.fixture(scope="module")
def suite() -> Suite:
    rows = {"markov": {"model": "markov"}, "ease": {"model": "ease"}, "full": {"model": "sasrec"}, "mf": {"model": "mf"}}
    beauty = {"seeds": 3, "without": {"ease": "it is too large"}}
    return parse_suite({"name": "sequential", "rows": rows, "datasets": {"amazon-beauty": beauty, "zhihu": {}}}, "test")


def _rows(row: str, ndcg: float, *, dataset: str = "amazon-beauty", k: int = 10, **changes: Any) -> list[dict[str, Any]]:
    common = {
        "recipe": f"{row}-{dataset}",
        "dataset": dataset,
        "dataset_sha256": "ab" * 32,
        "protocol": "leave_one_out",
        "slice": "all",
        "seen": "remove",
        "fit_on": "train",
        "model": {"full": "sasrec"}.get(row, row),
        "seed": 0,
        "interval": "cluster_bootstrap(1000)",
        "n": 99,
        "seconds": 12.0,
        "peak_mb": 300.0,
        "commit": "one",
    } | changes
    return [
        common | {"metric": f"{metric}@{k}", "value": value, "low": value - 0.001, "high": value + 0.001}
        for metric, value in (("recall", 2 * ndcg), ("ndcg", ndcg))
    ]


def _text(tables: dict[str, Any], suite: Suite, path: Path) -> str:
    module = tables["page"]
    text: str = module.page(suite, tables["standing"].read_standings(path, suite), tables["published"].load_published())
    return text


def _line(text: str, start: str) -> list[str]:
    found = [line for line in text.splitlines() if line.startswith(f"| {start} |")]
    assert len(found) == 1, found
    return [cell.strip() for cell in found[0].strip("|").split("|")]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "sequential.csv"
    for seed, value in enumerate((0.050, 0.060)):
        append_rows(path, _rows("full", value, seed=seed, best_epoch=7 + seed, seconds=100.0 + 100 * seed))
    append_rows(path, _rows("markov", 0.040, seconds=0.25))
    append_rows(path, _rows("markov", 0.045, recipe="markov-amazon-beauty+valid", fit_on="train+valid"))
    append_rows(path, _rows("unknown", 0.9))
    return path


def test_the_first_table_names_the_highest_row_its_lead_and_its_cost(tables: dict[str, Any], suite: Suite, table: Path) -> None:
    text = _text(tables, suite, table)
    first = text[: text.index("## Bars")]
    cells = _line(first, "[amazon-beauty](#amazon-beauty) @10")
    assert cells[1] == "**full**"
    assert cells[2:5] == ["full", "0.1100 / 0.0550 (0.0500 to 0.0600)", "150"]
    assert cells[5:8] == ["markov", "0.0800 / 0.0400 [0.0390, 0.0410]", "0.25"]
    assert cells[8] == "1.38, intervals apart"
    assert _line(first, "[zhihu](#zhihu) @20")[1] == "not run"
    assert "unknown" not in text.replace("not known", "")


def test_the_table_of_a_dataset_shows_seeds_refit_and_what_is_missing(tables: dict[str, Any], suite: Suite, table: Path) -> None:
    text = _text(tables, suite, table)
    section = text[text.index("## amazon-beauty") : text.index("## zhihu")]
    full, markov = _line(section, "full"), _line(section, "markov")
    assert section.index("| full |") < section.index("| markov |")
    assert full[2:6] == ["0.0550 (0.0500 to 0.0600)", "", "", "2 of 3"]
    assert full[9:] == ["7, 8", "one"]
    assert markov[3:5] == ["0.0900 [0.0890, 0.0910]", "0.0450 [0.0440, 0.0460]"]
    assert "Not run: mf." in section
    assert "Left out: ease, it is too large." in section
    assert "99 queries, 3 seeds" in section


def test_bars_and_published_figures_stand_beside_ours(tables: dict[str, Any], suite: Suite, table: Path) -> None:
    bar = _line(_text(tables, suite, table).split("## Bars")[1].split("## amazon-beauty")[0], "amazon-beauty")
    assert bar[1] == "recall@10 0.0921, ndcg@10 0.0531"
    assert bar[3:] == ["full", "recall@10 0.1100, ndcg@10 0.0550", "**reached**"]
    for value, verdict in ((0.05, "only recall@10 reached"), (0.04, "not reached")):
        append_rows(table, [line for seed in range(2) for line in _rows("full", value, seed=seed, commit=f"v{value}")])
        assert _line(_text(tables, suite, table).split("## Bars")[1].split("Each row")[0], "amazon-beauty")[5] == verdict


def test_published_rows_name_our_row_and_every_row_exists(tables: dict[str, Any]) -> None:
    whole, known = load_suite("sequential"), tables["published"].load_published()
    assert set(known) <= set(whole.datasets)
    for name, facts in known.items():
        for figure in facts.published:
            assert figure.row is None or figure.row in whole.rows_on(name)
            assert all(0 < value < 1 for value in figure.values.values())
            assert figure.differs.endswith(".")
    assert known["amazon-sports"].bar.values == {"recall@10": 0.0569, "ndcg@10": 0.0340}
    assert known["ml-1m"].bar.reported_only


def test_the_newest_run_wins_and_other_copies_of_the_data_are_left_out(tables: dict[str, Any], suite: Suite, table: Path) -> None:
    append_rows(table, _rows("full", 0.02, seed=1, commit="two")[1:])
    read = tables["standing"].read_standings
    standing = read(table, suite)["amazon-beauty", "full", "train", "all"]
    assert standing.value("ndcg@10").mean == pytest.approx(0.035)
    assert standing.value("recall@10") is None
    assert standing.several("commit") == "one, two"
    append_rows(table, _rows("mf", 0.01, dataset_sha256="cd" * 32))
    assert set(read(table, suite)) == {("amazon-beauty", "mf", "train", "all")}


def test_a_seed_range_needs_seeds_that_differ(tables: dict[str, Any], suite: Suite, tmp_path: Path) -> None:
    path = tmp_path / "same.csv"
    append_rows(path, [line for seed in range(3) for line in _rows("markov", 0.04, seed=seed)])
    value = tables["standing"].read_standings(path, suite)["amazon-beauty", "markov", "train", "all"].value("ndcg@10")
    assert (value.low, value.high) == (value.user_low, value.user_high) == (pytest.approx(0.039), pytest.approx(0.041))


def test_zhihu_is_shown_at_20_with_and_without_empty_histories(tables: dict[str, Any], suite: Suite, table: Path) -> None:
    for part, value in (("all", 0.01), ("history:some", 0.02)):
        append_rows(table, _rows("markov", value, dataset="zhihu", k=20, slice=part))
    text = _text(tables, suite, table)
    section = text[text.index("## zhihu") :]
    assert "| row | recall@20 | ndcg@20 |" in section
    assert "whose history is empty" in section
    assert "| markov | 0.0400 [0.0390, 0.0410] | 0.0200 [0.0190, 0.0210] |" in section
    assert "1 seed (no claim about a method)" in section


def test_the_number_of_tried_settings_is_shown(tables: dict[str, Any], suite: Suite, table: Path) -> None:
    lines = table.read_text().splitlines()
    assert COLUMNS[-2:] == ("trials", "key")
    table.write_text("\n".join([lines[0], *(f"{line.rsplit(',', 2)[0]},8," for line in lines[1:])]) + "\n")
    section = _text(tables, suite, table).split("## amazon-beauty")[1]
    assert _line(section, "full")[6] == "8"


def test_page_and_plot_are_written_and_the_plot_is_the_same_twice(tables: dict[str, Any], table: Path, tmp_path: Path) -> None:
    append_rows(table, _rows("sasrec-full", 0.05, model="sasrec"))
    plots = []
    for folder in ("a", "b"):
        tables["page"].main(["--results", str(table), "--out", str(tmp_path / folder / "results" / "results.md")])
        plots.append((tmp_path / folder / "figures" / "results-amazon-beauty.svg").read_bytes())
    assert plots[0] == plots[1]
    text = (tmp_path / "a/results/results.md").read_text()
    assert "![ndcg@10 against seconds of training](../figures/results-amazon-beauty.svg)" in text
    written = sorted(path.relative_to(tmp_path / "a").as_posix() for path in (tmp_path / "a").rglob("*.*"))
    assert written == ["figures/results-amazon-beauty.svg", "results/results.md"]


def test_a_table_that_does_not_exist_gives_a_page_of_what_is_to_be_run(tables: dict[str, Any], tmp_path: Path) -> None:
    tables["page"].main(["--results", str(tmp_path / "none.csv"), "--out", str(tmp_path / "results.md")])
    assert "Not run: popularity" in (tmp_path / "results.md").read_text()


def test_a_broken_number_is_named_with_its_line(tables: dict[str, Any], suite: Suite, table: Path) -> None:
    table.write_text(table.read_text().replace("0.05,", "many,", 1))
    with pytest.raises(DataError, match=r"sequential.csv, line 3: a number is missing"):
        tables["standing"].read_standings(table, suite)


@pytest.fixture
def small_data(small_movielens: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("REVERIE_DATA", small_movielens), ("REVERIE_CACHE", tmp_path / "cache"), ("REVERIE_OFFLINE", 1)):
        monkeypatch.setenv(name, str(value))


@pytest.mark.usefixtures("small_data")
def test_the_check_agrees_with_its_own_run_and_sees_a_change(
    tables: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from reverie.training.recipe import load_recipe
    from reverie.training.run import result_rows, run_recipe

    check, path = tables["check"], tmp_path / "sequential.csv"
    run = run_recipe(load_recipe("markov-ml-100k"), tmp_path / "run", device="cpu", show=False)
    rows = result_rows(run, ["recall@10", "ndcg@10"])
    append_rows(path, rows)
    words = ["markov-ml-100k", "--results", str(path)]
    assert check.main(words) == 0
    assert "all agree" in capsys.readouterr().out
    append_rows(path, [row | {"value": row["value"] - 1e-5} for row in rows])
    assert check.main(words) == 1
    assert "DIFFERS" in capsys.readouterr().out
    append_rows(path, [row | {"dataset_sha256": "other"} for row in rows])
    assert check.main(words) == 1
    assert "has other events here" in capsys.readouterr().err


def test_the_check_says_what_to_run_where_nothing_is_stored(
    tables: dict[str, Any], table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check = tables["check"]
    assert check.main(["--results", str(table)]) == 2
    assert "has no row of 'co-occurrence-ml-100k' to compare with; make it with 'reverie compare" in capsys.readouterr().err
    with pytest.raises(ConfigError, match=r"no suite has the recipe 'markow-ml-100k' \(did you mean 'markov-ml-100k'"):
        check.stored_run("markow-ml-100k", table)
    assert check.Line("a", "ndcg@10", 0.1, 0.104, check.TOLERANCE).agrees
    assert not check.Line("a", "ndcg@10", 0.1, 0.106, check.TOLERANCE).agrees
