"""Every notebook of the documentation is run here, cell by cell; what is stored below its cells is what they show today."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "docs").rglob("*.ipynb"))


def load(path: Path) -> ModuleType:
    """Import a file that is in no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def forms(notebook: dict[str, Any]) -> list[list[tuple[str, ...]]]:
    """Return the kinds of what each cell shows; numbers may differ from one machine to another."""
    return [[(one["output_type"], *sorted(one.get("data", ()))) for one in cell.get("outputs", ())] for cell in notebook["cells"]]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_shows_what_is_stored(path: Path) -> None:
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert forms(load(ROOT / "benchmarks" / "notebook.py").run(stored)) == forms(stored)
    assert "Error" not in json.dumps([cell.get("outputs") for cell in stored["cells"]])


def test_a_model_of_fifteen_lines_is_one() -> None:
    stored = json.loads((ROOT / "docs/guide/first-hour.ipynb").read_text(encoding="utf-8"))
    (source,) = (cell["source"] for cell in stored["cells"] if "class Follows" in cell["source"])
    assert len([line for line in source.partition("class Follows")[2].splitlines() if line.strip()]) <= 15


def test_a_page_of_the_documentation_has_text_code_tables_plots_and_lines() -> None:
    pytest.importorskip("mkdocs")
    stored = json.loads((ROOT / "docs/guide/first-hour.ipynb").read_text(encoding="utf-8"))
    page = load(ROOT / "mkdocs_hooks.py").notebook_page(stored)
    assert page.startswith("# The first hour")
    assert page.count("```python") == sum(cell["cell_type"] == "code" for cell in stored["cells"])
    assert page.count("data:image/png;base64,") == 2
    assert len(re.findall("<table", page)) >= 6
