"""Write ``docs/objectives.md`` and its plots from ``results/`` and ``benchmarks/results/``: losses beside each other, and speed.

Run ``python benchmarks/objectives_page``. It trains nothing. Two things a table does not hold come from finished runs where these
are (``runs/contrast-<name>``, ``runs/compare-collaborative-<data>``), and stay as they were written before where they are not: the
plots of temperatures, and the tests paired by user (``results/collaborative-claims.csv``).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tables"))
import jinja2

from objectives_page.compared import compared
from objectives_page.glance import glance
from objectives_page.measured import speed, staircase
from objectives_page.noise import noise
from objectives_page.released import released_settings
from objectives_page.users import collaborative
from reverie.contrast.effective import effective
from reverie.contrast.page import rows_plot, temperature_plot
from reverie.contrast.recipe import CONTRAST
from reverie.contrast.results import stored_studies
from reverie.contrast.study import run_contrast
from reverie.contrast.summary import summarise
from reverie.contrast.table import study_markdown
from reverie.files import write_text
from reverie.training.recipe import load_suite

if TYPE_CHECKING:
    from reverie.contrast.training import MeasuredStudy

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TITLES = {"graph": "Graphs", "text": "Sentences", "image": "Images"}


def sections(studies: Mapping[str, MeasuredStudy]) -> str:
    """Return one section per kind of data."""
    parts: list[str] = []
    for name, study in studies.items():
        title = TITLES[str(study.recipe.task["kind"])]
        if f"## {title}\n" not in parts:
            parts.append(f"## {title}\n")
        plots = {part: ROOT / "docs" / f"objectives-{name}-{part}.svg" for part in ("rows", "temperature")}
        write_text(plots["rows"], rows_plot(summarise(study)))
        ran = ROOT / "runs" / f"contrast-{name}"
        curves = effective(run_contrast(study.recipe, ran, show=False)) if (ran / "study.json").exists() else []
        if curves:  # they need the cosines of negatives, which the table does not hold
            write_text(plots["temperature"], temperature_plot(curves, study.dataset))
        shown = [f"![{part} of {name}]({path.name})\n" for part, path in plots.items() if path.exists()]
        parts += [f"### {name}\n", f"`reverie contrast {name}`\n", study_markdown(study), *shown]
    return "\n".join(parts)


def main() -> None:
    """Write the page."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True)  # noqa: S701 # Markdown
    template = environment.from_string((HERE / "template.md").read_text(encoding="utf-8"))
    studies = stored_studies(ROOT / "results" / "contrast.csv", {name: CONTRAST.load(name) for name in CONTRAST.files()})
    table, runs = ROOT / "results" / "collaborative.csv", ROOT / "runs"
    tests = {
        data: compared(data, runs, table.with_name("collaborative-claims.csv")) for data in load_suite("collaborative").datasets
    }
    page = template.render(
        answer=(HERE / "answer.md").read_text(encoding="utf-8").strip(),
        glance=glance(studies.values(), tests),
        settings=released_settings(),
        studies=sections(studies),
        collaborative=collaborative(table, tests),
        noise=noise(ROOT / "results" / "false-negatives.csv"),
        staircase=staircase(),
        speed=speed(),
    )
    write_text(ROOT / "docs" / "objectives.md", page)


if __name__ == "__main__":
    main()
