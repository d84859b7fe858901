"""The cell that is timed beside RecAD, on a small copy of its files."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reverie.options import checked
from reverie.robustness.recipe import RobustnessRecipe

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
USERS, ITEMS = 60, 80


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    sys.modules.pop("robustness", None)
    import robustness

    yield robustness
    sys.modules.pop("robustness", None)


@pytest.fixture
def likes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[int, set[int]]:
    """Write RecAD's three files and return the training likes by user; every seventh user has the target."""
    folder = tmp_path / "data" / "recad-game"
    folder.mkdir(parents=True)
    generator, found = np.random.default_rng(0), dict[int, set[int]]()
    lines: dict[str, list[str]] = {"train": [], "valid": [], "test": []}
    for user in range(USERS):
        items = generator.permutation(np.arange(1, ITEMS))[:22].tolist()
        if user % 7 == 0:
            items[0] = 0
        for place, item in enumerate(items):
            part = "train" if place < 20 else "valid" if place == 20 else "test"
            rating = 5 if place == 0 or place >= 20 else int(generator.integers(1, 6))
            lines[part].append(f"{user},{item},{rating},{1_400_000_000 + place}")
            if part == "train" and rating >= 4:
                found.setdefault(user, set()).add(item)
    for part, rows in lines.items():
        (folder / f"game_{part}.csv").write_text("\n".join(["user_id,item_id,rating,timestamp", *rows]) + "\n")
    monkeypatch.setenv("REVERIE_DATA", str(tmp_path / "data"))
    return found


def test_the_cell_is_a_recipe_that_may_be_run(script: Any) -> None:
    recipe = checked(RobustnessRecipe, script.recipe(3, 4), "cell")
    recipe.refuse()
    assert recipe.victims["mf"].training.epochs == 3
    assert recipe.attacks["aush"].set["steps"] == 4
    assert recipe.budgets == (50,)
    assert recipe.size == 37


def test_ranks_of_foreign_weights_are_those_of_a_plain_loop(
    script: Any, likes: dict[int, set[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "CUTS", (1, 5, 20))
    generator = np.random.default_rng(1)
    shapes = {
        "user_emb": (USERS, script.WIDTH),
        "item_emb": (ITEMS, script.WIDTH),
        "user_bias": (USERS, 1),
        "item_bias": (ITEMS, 1),
    }
    tables = {
        f"{when}/{name}.weight": generator.normal(size=shape).astype(np.float32) * 0.1
        for when in "01"
        for name, shape in shapes.items()
    }
    np.savez(tmp_path / "weights.npz", **tables)
    found = script.ranks_alone(tmp_path / "weights.npz")
    asked = [user for user in likes if script.TARGET not in likes[user]]
    assert found["users"] == len(asked) < USERS
    for place, when in enumerate("01"):
        p, q, b_u, b_i = (tables[f"{when}/{name}.weight"].astype(np.float64) for name in shapes)
        ranks = []
        for user in asked:
            scores = q @ p[user] + b_i[:, 0] + b_u[user, 0]
            others = [item for item in range(ITEMS) if item not in likes[user] and item != script.TARGET]
            ranks.append(int((scores[others] > scores[script.TARGET]).sum()))
        for cut in script.CUTS:
            assert found["hr"][str(cut)][place] == pytest.approx(np.mean(np.array(ranks) < cut), abs=1e-9)


def test_the_same_steps_are_run_and_timed(script: Any, likes: dict[int, set[int]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "FAKES", 6)
    monkeypatch.setattr(script, "FILLERS", 8)
    found = script.same_steps(1, 2)
    assert [step["step"] for step in found["steps"]] == ["open", "train", "attack", "retrain", "evaluate"]
    assert all(step["cpu"] > 0 for step in found["steps"][1:])
    assert found["users"] == len([user for user in likes if script.TARGET not in likes[user]])
    assert found["likes"] == sum(map(len, likes.values()))
    rows = script.rows_of("case", "system", found | {"stopped": False, "wall": 1.0, "cpu": 1.0, "mb": 1.0, "load": 0.0})
    assert {"wall", "cpu time", "peak memory", "train, cpu time", "hr@10 before", "hr@10 after"} <= {row["metric"] for row in rows}


def test_a_process_is_measured_from_outside_and_stopped_at_its_limit(script: Any, tmp_path: Path) -> None:
    work = "import json; x = bytearray(80_000_000); s = sum(range(2_000_000)); print(json.dumps({'version': '1'}))"
    found = script.measured([sys.executable, "-c", work], tmp_path, 0, 60.0)
    assert found["version"] == "1"
    assert not found["stopped"]
    assert found["mb"] > 76
    assert found["cpu"] > 0
    cut = script.measured([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path, 0, 0.3)
    assert cut["stopped"]
    assert cut["wall"] < 30
    assert all(row["metric"].startswith("at least") for row in script.rows_of("case", "system", cut))
    with pytest.raises(SystemExit, match="boom"):
        script.measured([sys.executable, "-c", "raise ValueError('boom')"], tmp_path, 0, 60.0)
    assert json.dumps(cut)
