from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reverie.models import list_models
from reverie.models.shelf import MODELS
from reverie.testing import CHECKS, check_recommender
from reverie.testing.checks import Case

SMALL: dict[str, dict[str, Any]] = {
    "sasrec": {"dim": 16, "history": 8, "dropout": 0.1},
    "co-occurrence": {"trials": 2},
    "blend": {
        "parts": ({"name": "co-occurrence", "trials": 2}, {"name": "sasrec", "dim": 16, "history": 8, "dropout": 0.1}),
        "shares": 10,
    },
    "rerank": {"model": {"name": "sasrec", "dim": 16, "history": 8, "dropout": 0.1}},
    "mf": {"dim": 8},
    "vbpr": {"dim": 8, "content_dim": 4, "decay": 0.1},
    "freedom": {"dim": 8, "neighbours": 3, "prune": 0.3},
    "dssm": {"dim": 8, "hidden": (8,)},
    "neumf": {"factor": 8, "layers": 2},
    "ease": {"grid": (1.0, 10.0)},
    "bert4rec": {"dim": 16, "history": 8, "dropout": 0.1, "multiple": 1},
    "slim": {"trials": 2, "l1": 0.1},
    "als": {"dim": 8, "iterations": 4, "trials": 2},
    "vmis-knn": {"trials": 2},
    "gru4rec": {"dim": 16, "hidden": 16, "history": 8, "dropout": 0.1},
    "caser": {"dim": 16, "window": 3, "horizontal": 4, "vertical": 2, "history": 8, "dropout": 0.1},
    "nextitnet": {"dim": 16, "dilations": (2,), "history": 8, "dropout": 0.1},
    "comirec": {"dim": 16, "interests": 2, "history": 8, "dropout": 0.1},
    "dreamrec": {"dim": 16, "history": 8, "steps": 50, "guidance": 1.0},
    "din": {"dim": 16, "history": 8, "attention": 8, "hidden": (16,)},
    "daydream": {"dim": 16, "history": 8, "steps": 10, "guidance": 0.5, "sampler": {"kind": "ddim", "steps": 3, "eta": 1.0}},
}
SMALL |= {name: {"dim": 16, "history": 15, "dropout": 0.1} for name in list_models() if "needs-reward" in MODELS[name].tags}

SLOW = ("bert4rec", "daydream")
"""Models that are near chance after the twelve epochs that are enough for others."""

UNLABELLED = [name for name in list_models() if "needs-labels" not in MODELS[name].tags]
"""Models of labelled rows are no part of the kit, whose data have no labels; `collm` keeps its laws in tests/llm/collm."""


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", UNLABELLED)
def test_conformance(name: str, check: Callable[[Case], None], tmp_path: Path) -> None:
    epochs = 6 if "needs-reward" in MODELS[name].tags else 20 if name in SLOW else 12
    check_recommender(name, check, folder=tmp_path, options=SMALL.get(name), epochs=epochs)
