"""Write ``docs/results/objectives.md`` and its plots from ``results/`` and ``benchmarks/results/``: losses side by side, and speed.

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
from reverie.contrast.page import draw_rows, draw_temperature, effective, standalone
from reverie.contrast.recipe import CONTRAST
from reverie.contrast.results import stored_studies
from reverie.contrast.study import run_contrast
from reverie.contrast.summary import study_markdown, summarise
from reverie.evaluation.effects import to_claim_row, write_claims
from reverie.files import write_text
from reverie.training.recipe import load_suite

if TYPE_CHECKING:
    from reverie.contrast.task import MeasuredStudy

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
        plots = {part: ROOT / "docs" / "figures" / f"objectives-{name}-{part}.svg" for part in ("rows", "temperature")}
        write_text(plots["rows"], standalone(draw_rows(summarise(study))))
        ran = ROOT / "runs" / f"contrast-{name}"
        curves = effective(run_contrast(study.recipe, ran, show=False)) if (ran / "study.json").exists() else []
        if curves:  # they need the cosines of negatives, which the table does not hold
            write_text(plots["temperature"], standalone(draw_temperature(curves, study.dataset)))
        shown = [f"![{part} of {name}](../figures/{path.name})\n" for part, path in plots.items() if path.exists()]
        parts += [f"### {name}\n", f"`reverie contrast {name}`\n", study_markdown(study), *shown]
    return "\n".join(parts)


def contrast_claims(studies: Mapping[str, MeasuredStudy], table: Path) -> None:
    """Write the difference of every row to the tuned InfoNCE, paired by seed, into a claims table."""
    for name, study in studies.items():
        summary = summarise(study)
        means = {row.name: row.mean for row in summary.rows}
        commits = {row.name: ", ".join(dict.fromkeys(run.commit for run in row.runs)) for row in study.rows}
        rows = [
            to_claim_row(
                row.difference,
                dataset=name,
                first=row.name,
                other=summary.against,
                why="other than a tuned InfoNCE?",
                metric=summary.metric,
                values=(row.mean, means[summary.against]),
                commit=commits[row.name],
            )
            for row in summary.rows
            if row.difference is not None
        ]
        write_claims(table, name, rows)


def main() -> None:
    """Write the page."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True)  # noqa: S701 # Markdown
    template = environment.from_string((HERE / "template.md").read_text(encoding="utf-8"))
    studies = stored_studies(ROOT / "results" / "contrast.csv", {name: CONTRAST.load(name) for name in CONTRAST.files()})
    contrast_claims(studies, ROOT / "results" / "contrast-claims.csv")
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
    write_text(ROOT / "docs" / "results" / "objectives.md", page)


if __name__ == "__main__":
    main()
