"""One table, four forms."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import pytest
from rich.console import Console

from reverie.cli.options import console
from reverie.printing import escaped_json, printable
from reverie.report import Column, Table, TableCell
from reverie.report.table import StudyReport

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


def test_a_text_without_end_is_cut() -> None:
    text = printed(Table("", ("item", "title"), [("7", f"begin {'word ' * 4000} end")]))
    assert "begin word" in text
    assert text.rstrip().endswith("end")
    assert len(text) < 2000


HOSTILE = "Boot [/b] [red] :sun: \x1b[31m\x9b1mred\x07 a\nb\tc \u202egnp\u2066 \udcff [bold]Loud"
SHOWN = "Boot [/b] [red] :sun: [31m1mred a b c gnp \ufffd [bold]Loud"


def test_nothing_in_a_text_is_obeyed() -> None:
    assert printable(HOSTILE) == SHOWN
    assert printable("a\nb\x00", lines=True) == "a\nb"
    assert json.loads(escaped_json(json.dumps([HOSTILE], ensure_ascii=False))) == [HOSTILE]
    assert not set(escaped_json(json.dumps([HOSTILE], indent=2, ensure_ascii=False))) & set("\x1b\x07\x9b\u202e\udcff")
    text = printed(Table(HOSTILE, (HOSTILE, "n"), [(HOSTILE, TableCell("1", HOSTILE, HOSTILE))], [HOSTILE]), 500)
    assert text.count(SHOWN) == 5  # title, head, cell, aside and note; lines of the cell's own note stay lines
    out = io.StringIO()
    StudyReport({}, [HOSTILE], [Path(HOSTILE)]).print(Console(file=out, width=500))
    assert out.getvalue() == f"{SHOWN.replace('a b', 'a' + chr(10) + 'b')}\nwritten: {SHOWN}\n"
    assert not set(text + out.getvalue()) & set("\x1b\x07\x9b\u202e\u2066\udcff")


def test_lines_of_the_command_are_what_they_say(capsys: pytest.CaptureFixture[str]) -> None:
    console().print(f"{HOSTILE} {'x' * 5}", markup=False, soft_wrap=True)
    assert capsys.readouterr().out.replace("\n", " ") == f"{SHOWN} xxxxx "


@pytest.mark.parametrize("name", ["sasrec", "collaborative-filtering", "a-name-of-thirty-nine-characters-in-all-"])
@pytest.mark.parametrize("metrics", [2, 7])
def test_names_stay_whole_where_a_table_is_too_wide(name: str, metrics: int) -> None:
    heads = [Column(f"metric{k}@10", "right", wrap=False) for k in range(metrics)]
    cells = [TableCell("0.5000", "0.250–0.750")] * metrics
    table = Table(
        "", [Column("system", width=(6, 40)), *heads, Column("behind")], [(name, *cells, TableCell("0.1", "not shown, p = 1.00"))]
    )
    text = printed(table, 110)
    assert max(map(len, text.splitlines())) <= 110
    if metrics == 2 or len(name) < 30:
        assert name in text
    assert ("0.250–0.750" in text) == (metrics == 2)


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
