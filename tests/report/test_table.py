"""One table, four forms."""

from __future__ import annotations

import io
import json
import math

import pytest
from rich.console import Console

from reverie.report import Column, Table, TableCell

EVIL = '<b>x</b> [bold]y[/] & "z"'
TABLE = Table(
    "What was measured",
    ("model", Column("ndcg@10", "right", bar=True), Column("behind", wrap=False)),
    [
        (TableCell("markov", "2 seeds", emphasis="bold"), TableCell("0.1200", "0.10–0.14", value=0.12, low=0.1, high=0.14), "best"),
        (EVIL, TableCell("–", value=math.nan), TableCell("0.02", "not shown", "0.01–0.03")),
    ],
    ["Intervals: 95 %."],
)


def printed(table: Table, width: int = 80, **options: bool) -> str:
    out = io.StringIO()
    table.print(Console(file=out, width=width, **options))  # type: ignore[arg-type]  # its own options
    return out.getvalue()


def test_a_terminal_shows_every_text_as_it_is() -> None:
    text = printed(TABLE)
    assert text.startswith("What was measured\n")
    assert text.rstrip().endswith("Intervals: 95 %.")
    for said in ("markov", "2 seeds", "0.1200", "0.10–0.14", "best", EVIL, "0.02  0.01–0.03", "not shown"):
        assert said in text
    assert "\x1b[1mmarkov" in printed(TABLE, force_terminal=True, no_color=False)


@pytest.mark.parametrize("width", [40, 60])
def test_a_narrow_terminal_is_kept(width: int) -> None:
    assert max(map(len, printed(TABLE, width).splitlines())) <= width
    many = Table("", ("name", "text"), [("a", "word " * 40)])
    assert max(map(len, printed(many, width).splitlines())) <= width


def test_a_table_without_headings_has_none() -> None:
    assert printed(Table("", ("", ""), [("users", "3")])).split() == ["users", "3"]


def test_markdown_marks_what_is_bold_and_keeps_its_columns() -> None:
    lines = TABLE.to_markdown().splitlines()
    assert lines[0] == "What was measured"
    assert lines[2:4] == ["| model | ndcg@10 | behind |", "|---|--:|---|"]
    assert lines[4] == "| **markov** (2 seeds) | 0.1200 (0.10–0.14) | best |"
    assert lines[5].endswith("| 0.02 0.01–0.03 (not shown) |")
    assert lines[-1] == "- Intervals: 95 %."
    assert "a \\| b" in Table("", ("x",), [("a | b",)]).to_markdown()


def test_html_is_escaped() -> None:
    text = str(TABLE.to_html())
    assert "<b>x</b>" not in text
    assert "&lt;b&gt;x&lt;/b&gt; [bold]y[/] &amp; &#34;z&#34;" in text
    assert text.count('class="whisker"') == 1, "a bar for each finite value of the column"
    assert 'aria-label="What was measured"' in text
    assert '<tr class="best">' in text


def test_plain_values_are_finite() -> None:
    plain = json.loads(json.dumps(TABLE.to_json(), allow_nan=False))
    assert plain["columns"] == ["model", "ndcg@10", "behind"]
    assert plain["rows"][0][1] == {"text": "0.1200", "note": "0.10–0.14", "value": 0.12, "low": 0.1, "high": 0.14}
    assert plain["rows"][1][1] == {"text": "–"}
