"""The tables of the page are those of the results."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("collm_page", ROOT / "benchmarks" / "collm_page.py")
assert spec is not None
assert spec.loader is not None
collm_page = importlib.util.module_from_spec(spec)
spec.loader.exec_module(collm_page)


def test_the_page_says_what_was_measured() -> None:
    text = collm_page.PAGE.read_text(encoding="utf-8")
    assert len(collm_page.MARK.findall(text)) >= 3
    assert collm_page.page(text) == text


def test_a_number_that_moved_would_be_seen() -> None:
    text = collm_page.PAGE.read_text(encoding="utf-8")
    table = next(part for part in collm_page.MARK.finditer(text) if part[2].startswith("measured"))[0]
    wrong = text.replace(table, table.replace("0.7", "0.9", 1))
    assert collm_page.page(wrong) == text
