"""Pages of sections, as a room writes one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from reverie.report import Section, Table, write_page
from reverie.report.page import (
    Commands,
    Example,
    Facts,
    Figure,
    Folded,
    HeatCell,
    HeatMap,
    Item,
    ItemList,
    Legend,
    Prose,
    Tiles,
    Verdicts,
)
from reverie.report.plots import Point, dot_plot, inline_svg, look

if TYPE_CHECKING:
    from pathlib import Path

EVIL = "<script>x</script>"
LOOKS = {EVIL: look(0), "b": look(1, hollow=True)}


def page(tmp_path: Path) -> str:
    figures = [Figure(EVIL, EVIL, inline_svg(lambda axes: axes.set_xlabel(EVIL), f"figure-{n}", EVIL)) for n in range(2)]
    heat = HeatMap(
        EVIL,
        EVIL,
        ["b"],
        [(EVIL, [HeatCell(EVIL, EVIL, EVIL, 0.5)]), ("c", [None]), ("d", [HeatCell("1", "", "one", shown=False)])],
        LOOKS,
    )
    lists = [ItemList(EVIL, [Item(EVIL, EVIL, "found", EVIL)], EVIL, LOOKS["b"], hit=True), ItemList("none", [])]
    sections = [
        Section("first", EVIL, [Table(EVIL, (EVIL,), [(EVIL,)], [EVIL]), *figures, heat, Legend(LOOKS)], f"`{EVIL}`", "First"),
        Section("next", "Next", [Example(EVIL, lists, EVIL, [EVIL], EVIL, [EVIL] * 7), Verdicts([(EVIL, EVIL)], LOOKS)]),
        Section("last", "Last", [Facts([(EVIL, f"`{EVIL}`")], EVIL), Commands([EVIL]), Folded(EVIL, Table("", ("x",), [("y",)]))]),
    ]
    opening = [Prose([EVIL, "`code`"]), Prose([EVIL], listed=True), Tiles([(EVIL, EVIL)])]
    path = write_page(tmp_path / "page.html", EVIL, sections, kind=EVIL, facts=[EVIL, "two"], opening=opening, footer=EVIL)
    return path.read_text(encoding="utf-8")


def test_every_block_is_written_and_escaped(tmp_path: Path) -> None:
    text = page(tmp_path)
    assert EVIL not in text
    assert "&lt;script&gt;" in text
    assert "<code>code</code>" in text
    assert "and 2 more" in text
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(ids)
    assert 'href="#first">First</a>' in text
    assert 'href="#last">Last</a>' in text
    assert "Skip to the first" in text


def test_neighbouring_figures_share_the_width(tmp_path: Path) -> None:
    text = page(tmp_path)
    assert text.count('<div class="figures">') == 1
    assert text.count("<figure") == 2


def test_a_heat_map_says_what_it_shows(tmp_path: Path) -> None:
    text = page(tmp_path)
    assert 'class="up shown" style="--w:35"' in text
    assert 'class="flat open"' in text
    assert text.count('<td class="empty">') == 1


@pytest.mark.parametrize("values", [(-0.7, -0.2), (-0.3, 0.4), (0.2, 0.9)])
def test_dots_stand_on_an_axis_that_grows_to_the_right_and_holds_zero(values: tuple[float, float]) -> None:
    points = [Point(name, look(at), 0, value) for at, (name, value) in enumerate(zip("ab", values, strict=True))]
    svg = dot_plot({"q": points}, "dots", "over-estimation", "two dots")
    ticks = {float(text.replace("−", "-")): float(x) for x, text in re.findall(r'x="([\d.]+)"[^>]*>([−\d.]+)</text>', svg)}
    assert 0.0 in ticks
    assert [ticks[value] for value in sorted(ticks)] == sorted(ticks.values())
