"""Whatever stands in a run folder, a recipe or a setting, the answer is right or one sentence."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
TRIES = {
    "run folders": 270,
    "run folders without digests": 80,
    "id tables": 80,
    "pieces of studies": 70,
    "recipes": 60,
    "settings": 60,
    "checkpoints": 3,
}
"""How often each kind of file is changed; `benchmarks/reliability.py` does it by the thousand."""


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import reliability
    return reliability.cases(tmp_path_factory.mktemp("changed"))


@pytest.mark.parametrize("kind", TRIES)
def test_changed_files_are_refused_in_words_or_change_nothing(known: Any, kind: str) -> None:
    draw = random.Random(f"7 {kind}")  # noqa: S311  # not for secrets
    ends = [known[kind](draw) for _ in range(TRIES[kind])]
    assert [one for one in ends if one[0] not in ("refused", "taken")] == []
    assert sum(end == "refused" for end, _, _ in ends) >= 0.4 * len(ends)
    for end, said, _ in ends:
        assert end == "taken" or ("Traceback" not in said and len(said) < 2000)
