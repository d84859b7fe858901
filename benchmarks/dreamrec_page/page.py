"""From the two tables to ``docs/results/dreamrec.md`` and its plots; no measured number is typed by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import polars as pl

from reverie.files import write_text

ROOT = Path(__file__).resolve().parents[2]
STORE = ROOT / "runs" / "dreamrec-page"
TABLE, FACTS = ROOT / "results" / "dreamrec-zhihu.csv", ROOT / "benchmarks" / "results" / "dreamrec_page.csv"
SPEED = FACTS.with_name("dreamrec.csv")
PAGE, TEMPLATE = ROOT / "docs" / "results" / "dreamrec.md", Path(__file__).with_name("template.md")
WINDOW = "popularity of window"
"""How cases of popularity by the age of its data begin."""
PUBLISHED = {"HR@20": 2.26, "NDCG@20": 0.79}
"""Per cent; table 1 of arXiv 2510.17245."""
LABELS = {
    "dreamrec": "DreamRec, exact mean",
    "dreamrec 500-steps": "DreamRec, 500 steps, one draw",
    "dreamrec exact-draw": "DreamRec, one exact draw",
    "dreamrec nearest": "DreamRec, exact mean, by distance",
    "dreamrec trained-items": "DreamRec, exact mean, trained items first",
    "ridge-trained": "linear regression, DreamRec's item vectors",
    "ridge-random": "linear regression, random item vectors",
    "noise-off": "same network and loss, noise off",
    "encoder-alone": "encoder alone, cross-entropy",
    "frozen-table": "DreamRec, item vectors frozen",
    "mlp2": "DreamRec, mlp2, 20 steps",
    "zero-terminal": "DreamRec, zero_terminal",
    "lr-0.001": "DreamRec, learning rate 0.001",
    "detach-target": "DreamRec, detach_target",
    "new-items": "untrained items in random order",
    "popularity": "popularity",
    "recent-popularity": "recent popularity",
    "markov": "first-order Markov",
    "co-occurrence": "co-occurrence",
    "sasrec": "SASRec, full softmax",
}
"""Rows of the page in order, and what they are called."""


@dataclass(frozen=True)
class Numbers:
    """What the tables hold.

    Parameters
    ----------
    table : polars.DataFrame
        ``results/dreamrec-zhihu.csv``.
    facts : dict
        ``benchmarks/results/dreamrec_page.csv``: values by case and metric.
    """

    table: pl.DataFrame
    facts: dict[str, dict[str, float]]

    @classmethod
    def read(cls, table: Path, facts: Path) -> Numbers:
        """Read both tables.

        Parameters
        ----------
        table, facts : Path
            CSV files.

        Returns
        -------
        Numbers
            Of a row with several seeds the table keeps all, `row` finds the pooled one.
        """
        types = {"seed": pl.String, "against": pl.String, "commit": pl.String, "p": pl.Float64, "valid": pl.Float64}
        rows = pl.read_csv(table, schema_overrides=types)
        best = chosen_encoder(rows)
        rows = rows.filter(~pl.col("row").str.starts_with("encoder-lr-") | (pl.col("row") == best))
        rows = rows.with_columns(pl.col("row").replace({best: "encoder-alone"}))
        found: dict[str, dict[str, float]] = {}
        for row in pl.read_csv(facts).iter_rows(named=True):
            found.setdefault(row["case"], {})[row["metric"]] = row["value"]
        return cls(rows, found)

    def row(self, name: str, on: str = "train", metric: str = "recall@20", part: str = "all", seen: str = "keep") -> dict[str, Any]:
        """Return one value with its interval, pooled over seeds where there are several.

        Parameters
        ----------
        name, on, metric, part, seen : str
            Row, what it was fitted on, metric, slice and rule for seen items.

        Returns
        -------
        dict
            A row of the table.

        Raises
        ------
        KeyError
            If there is none.
        """
        found = self._found(name, on, metric, part, seen)
        if not found:
            raise KeyError(f"{name}, {on}, {metric}, {part}, {seen}")
        return max(found, key=lambda row: len(row["seed"]))

    def has(self, name: str, on: str) -> bool:
        """Return whether a row was fitted on these events.

        Parameters
        ----------
        name, on : str
            Row and events.

        Returns
        -------
        bool
            True where the table has it.
        """
        return bool(self._found(name, on, "recall@20", "all", "keep"))

    def difference(self, name: str, against: str, on: str = "train", metric: str = "recall@20") -> dict[str, Any]:
        """Return a paired difference.

        Parameters
        ----------
        name, against, on, metric : str
            First row, second row, what both were fitted on, and metric.

        Returns
        -------
        dict
            A row of the table.
        """
        wanted = {"row": name, "against": against, "fit_on": on, "metric": f"{metric} difference"}
        return self.table.filter([pl.col(column) == value for column, value in wanted.items()]).row(0, named=True)

    def _found(self, name: str, on: str, metric: str, part: str, seen: str) -> list[dict[str, Any]]:
        wanted = {"row": name, "fit_on": on, "metric": metric, "slice": part, "seen": seen}
        return self.table.filter([pl.col(column) == value for column, value in wanted.items()]).to_dicts()


def chosen_encoder(rows: pl.DataFrame) -> str:
    """Return the encoder's row whose learning rate is the better one on validation.

    Parameters
    ----------
    rows : polars.DataFrame
        The table.

    Returns
    -------
    str
        Its name.
    """
    tried = rows.filter(pl.col("row").str.starts_with("encoder-lr-"), pl.col("metric") == "ndcg@20", pl.col("valid").is_not_null())
    return str(tried.group_by("row").agg(pl.col("valid").mean()).sort("valid")["row"][-1])


def write_page() -> None:
    """Write the page and its plots from the tables."""
    from dreamrec_page.plots import write_plots

    numbers = Numbers.read(TABLE, FACTS)
    write_plots(ROOT / "docs" / "figures", numbers, LABELS, PUBLISHED["HR@20"])
    write_text(PAGE, page(numbers))


def page(numbers: Numbers) -> str:
    """Return the page in Markdown.

    Parameters
    ----------
    numbers : Numbers
        The tables.

    Returns
    -------
    str
        The template with its numbers.
    """
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701  # Markdown
    environment.filters |= {"pc": percent, "interval": interval, "signed": signed, "p": p_value}
    names = {
        "row": numbers.row,
        "has": numbers.has,
        "difference": numbers.difference,
        "facts": numbers.facts,
        "labels": LABELS,
        "published": PUBLISHED,
        "errors": errors(numbers),
        "speed_up": speed_up(SPEED),
        "older": [values["recall@20"] for case, values in numbers.facts.items() if case.startswith(WINDOW) and case[-2:] > "01"],
        **looks_for_long(numbers),
    }
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(names)


def looks_for_long(numbers: Numbers) -> dict[str, Any]:
    """Return what was seen in the long training, by epoch.

    Parameters
    ----------
    numbers : Numbers
        The tables.

    Returns
    -------
    dict
        Number of epochs, the last look, and the highest value of each metric over all looks.
    """
    start = "collapse for long, epoch "
    seen = {int(case.removeprefix(start)): values for case, values in numbers.facts.items() if case.startswith(start)}
    metrics = ("recall@20", "test recall@20")
    best = {metric: max(values[metric] for values in seen.values()) for metric in metrics}
    return {"long_epochs": max(seen), "long_last": seen[max(seen)], "long_best": best}


def errors(numbers: Numbers) -> tuple[float, float]:
    """Return the smallest and the largest standard error of HR@20 among single runs: a quarter of the interval's width, nearly.

    Parameters
    ----------
    numbers : Numbers
        The tables.

    Returns
    -------
    (float, float)
        As shares.
    """
    kept = (pl.col("metric") == "recall@20") & (pl.col("slice") == "all") & (pl.col("seen") == "keep")
    found = numbers.table.filter(kept).select((pl.col("high") - pl.col("low")) / (2 * 1.959964)).to_series()
    return float(found.min()), float(found.max())  # type: ignore[arg-type]  # not empty


def speed_up(path: Path) -> float:
    """Return how many times faster the exact mean is than the walk over all steps, as `benchmarks/dreamrec.py` measured it last.

    Parameters
    ----------
    path : Path
        Its table.

    Returns
    -------
    float
        For 10,000 histories, ranking not counted.
    """
    kept = (pl.col("case").str.starts_with("sampler, 10000 histories")) & (pl.col("system") == "reverie exact mean")
    return float(pl.read_csv(path).filter(kept & (pl.col("metric") == "speed-up over ddpm"))["value"][-1])


def percent(value: float | dict[str, Any], digits: int = 2) -> str:
    """Return a share, or the value of a row, in per cent without the sign."""
    return f"{100 * (value['value'] if isinstance(value, dict) else value):.{digits}f}"


def interval(row: dict[str, Any], digits: int = 2) -> str:
    """Return a row's interval in per cent."""
    return f"[{100 * row['low']:.{digits}f}, {100 * row['high']:.{digits}f}]"


def signed(row: dict[str, Any]) -> str:
    """Return a difference with its interval, in points."""
    value, low, high = (f"{100 * row[end]:+.2f}".replace("-", "−") for end in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def p_value(row: dict[str, Any]) -> str:
    """Return a p-value."""
    return "< .001" if row["p"] < 0.001 else f"{row['p']:.3f}".lstrip("0")
