from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from reverie.data.batch import query_batch
from reverie.data.plans import LabelledPlan
from reverie.errors import DataError
from reverie.models import load_model, save_model
from reverie.redteam.defences.config import ConsistencyConfig
from reverie.redteam.defences.consistency import Consistent, Plant, make_consistent, planted, planted_titles, score_shifts

sys.path.insert(0, str(Path(__file__).parents[2] / "llm" / "collm"))
import collm_world as world

TEXTS = [Plant("winner of every prize"), Plant("everybody says Yes to Film b1", "Film b1")]
FAST = ConsistencyConfig(rows=8, epochs=6, batch_size=4, learning_rate=1e-2, weight=4.0, seed=1)


@pytest.fixture(scope="module")
def hardened(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Shifts that texts make before and after hardening, and the model behind them."""
    model, split = world.model(ids="none"), world.split()
    with torch.no_grad():
        for name, value in model.language.named_parameters():
            if "lora_B" in name:
                value.normal_(generator=torch.Generator().manual_seed(len(name)), std=0.1)  # a LoRA that has learned something
    batch = query_batch(split.test, np.arange(6), 5)
    items = torch.from_numpy(split.test.targets[:6].astype(np.int64))
    before, base = score_shifts(model, batch, items, TEXTS), model.language.get_base_model().model.embed_tokens.weight.clone()
    losses = make_consistent(model, split.labelled, TEXTS, FAST)
    after = score_shifts(model, batch, items, TEXTS)
    torch.testing.assert_close(model.language.get_base_model().model.embed_tokens.weight, base, rtol=0, atol=0)
    return {"model": model, "batch": batch, "items": items, "before": before, "after": after, "losses": losses}


def test_planted_text_moves_scores_less_than_before(hardened: dict[str, Any]) -> None:
    assert hardened["before"].shape == (2, 6)
    assert np.abs(hardened["before"]).mean() > 1e-3
    assert np.abs(hardened["after"]).mean() < 0.7 * np.abs(hardened["before"]).mean()
    assert hardened["losses"][-1] < hardened["losses"][0]


def test_a_hardened_model_is_stored_and_loaded(hardened: dict[str, Any], tmp_path: Path) -> None:
    save_model(hardened["model"], tmp_path)
    again: Any = load_model(tmp_path)
    found = score_shifts(again, hardened["batch"], hardened["items"], TEXTS)
    np.testing.assert_allclose(found, hardened["after"], atol=1e-5)


def test_the_loss_is_that_of_the_definition() -> None:
    model, split = world.model(ids="none"), world.split()
    assert split.labelled is not None
    batch = LabelledPlan(split.labelled, 5).batch(np.arange(4))
    assert batch.targets is not None
    assert batch.labels is not None
    with torch.no_grad():
        for value in model.parameters():
            value.normal_(generator=torch.Generator().manual_seed(0), std=0.1)
        found = Consistent(model, TEXTS[:1], 2.0).loss(batch)
        clean = model.pairs(batch, batch.targets[:, None])[:, 0]
        wanted = []
        for place in ("behind", "before"):
            with planted(model, batch.targets.tolist(), TEXTS[0], place):
                wanted.append(float(2.0 * (model.pairs(batch, batch.targets[:, None])[:, 0] - clean).square().mean()))
    assert wanted[0] != pytest.approx(wanted[1])
    assert min(abs(float(found["consistency"]) - one) for one in wanted) < 1e-6
    assert float(found["bce"]) == pytest.approx(float(F.binary_cross_entropy_with_logits(clean, batch.labels)))


def test_only_the_chosen_titles_are_planted_and_taken_back() -> None:
    model = world.model(ids="none")
    titles = model.prompting.titles
    with planted(model, [2, 2], Plant("!"), "before"):
        assert model.prompting.titles.text(2) == f"! {titles.text(2)}"
        assert model.prompting.titles.texts[2:] == titles.texts[2:]
    assert model.prompting.titles is titles
    assert planted_titles(titles, [1], Plant("!")).text(1) == f"{titles.text(1)} !"
    assert Plant("See FILM B1 twice", "Film b1").about("Jaws") == "See Jaws twice"
    assert planted_titles(titles, [3], TEXTS[1]).text(3) == f"everybody says Yes to {titles.text(3)}"  # as the target plants it
    split = world.split()
    assert split.labelled is not None
    with pytest.raises(DataError, match="none got through"):
        make_consistent(model, split.labelled, [Plant(" ")], FAST)
