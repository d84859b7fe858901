"""Models that are trained at every position teach later targets when asked to."""

from __future__ import annotations

import pytest
import torch

import reverie as rv
from reverie.data.batch import SequenceBatch
from reverie.errors import ConfigError
from reverie.nn.states import targets_ahead
from reverie.testing import tiny_dataset

QUIET = {"dim": 8, "dropout": 0.0, "objective": {"kind": "full_softmax"}}
MODELS = {"sasrec": {}, "gru4rec": {}, "caser": {}, "nextitnet": {}, "daydream": {"noise": False, "p_uncond": 0.0, "steps": 8}}


@pytest.mark.parametrize("name", MODELS)
def test_the_loss_is_that_of_the_moved_targets(name: str) -> None:
    split = rv.leave_one_out(tiny_dataset())
    torch.manual_seed(0)
    model = rv.create_model(name, split, **QUIET, **MODELS[name], ahead=0.7)
    plain = rv.create_model(name, split, **QUIET, **MODELS[name])
    plain.load_state_dict(model.state_dict())
    items = torch.tensor([[1, 2, 3, 4, 5], [3, 1, 0, 0, 0]])
    batch = SequenceBatch(
        items, torch.tensor([5, 2]), torch.zeros(2, dtype=torch.int64), torch.tensor([[2, 3, 4, 5, 6], [1, 4, 0, 0, 0]])
    )
    torch.manual_seed(2)
    found = sum(model.train().loss(batch).values())
    torch.manual_seed(2)
    moved = targets_ahead(batch, 0.7)
    assert not torch.equal(moved.targets, batch.targets)
    assert torch.allclose(found, sum(plain.train().loss(moved).values()))


def test_daydream_needs_positions_for_it() -> None:
    split = rv.leave_one_out(tiny_dataset())
    with pytest.raises(ConfigError, match="every_position"):
        rv.create_model("daydream", split, ahead=0.3, every_position=False)
