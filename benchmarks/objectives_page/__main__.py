"""Write ``docs/objectives.md`` and its plots from finished runs: studies of losses, the suite ``collaborative`` and benchmarks.

Run ``python benchmarks/objectives_page``. It trains nothing: a study is shown where its folder ``runs/contrast-<name>`` is finished
(``reverie contrast <name> --results results/contrast.csv``), all other tables come from ``results/`` and ``benchmarks/results/``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tables"))
import jinja2

from objectives_page.compared import compared
from objectives_page.glance import glance
from objectives_page.measured import speed, staircase
from objectives_page.released import released_settings
from objectives_page.users import collaborative
from reverie.contrast.markdown import study_markdown
from reverie.contrast.packaged import load_study, study_files
from reverie.contrast.plot import write_plots
from reverie.contrast.study import run_study
from reverie.files import write_text
from reverie.training.suite import load_suite

if TYPE_CHECKING:
    from reverie.contrast.study import Study

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TITLES = {"graph": "Graphs", "text": "Sentences", "image": "Images"}


def finished() -> dict[str, Study]:
    """Return the packaged studies whose folders are finished, by name."""
    folders = {name: ROOT / "runs" / f"contrast-{name}" for name in study_files()}
    done = {name: folder for name, folder in folders.items() if (folder / "study.json").exists()}
    return {name: run_study(load_study(name), folder, show=False) for name, folder in done.items()}


def sections(studies: Mapping[str, Study]) -> str:
    """Return one section per kind of data."""
    parts: list[str] = []
    for name, study in studies.items():
        title = TITLES[str(study.recipe.task["kind"])]
        if f"## {title}\n" not in parts:
            parts.append(f"## {title}\n")
        shown = []
        for path in write_plots(study):
            target = ROOT / "docs" / f"objectives-{name}-{path.stem}.svg"
            copyfile(path, target)
            shown.append(f"![{path.stem} of {name}]({target.name})\n")
        parts += [f"### {name}\n", f"`reverie contrast {name}`\n", study_markdown(study), *shown]
    return "\n".join(parts)


def main() -> None:
    """Write the page."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True)  # noqa: S701 # Markdown
    template = environment.from_string((HERE / "template.md").read_text(encoding="utf-8"))
    studies, table, runs = finished(), ROOT / "results" / "collaborative.csv", ROOT / "runs"
    tests = {
        data: compared(data, runs, table.with_name("collaborative-claims.csv")) for data in load_suite("collaborative").datasets
    }
    page = template.render(
        answer=(HERE / "answer.md").read_text(encoding="utf-8").strip(),
        glance=glance(studies.values(), tests),
        settings=released_settings(),
        studies=sections(studies),
        collaborative=collaborative(table, tests),
        staircase=staircase(),
        speed=speed(),
    )
    write_text(ROOT / "docs" / "objectives.md", page)


if __name__ == "__main__":
    main()
