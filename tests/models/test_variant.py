from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from reverie.data.batch import history_batch
from reverie.errors import ConfigError, RunError
from reverie.models import create_model
from reverie.models.store import with_options
from reverie.testing import tiny_split


def test_options_change_and_weights_do_not() -> None:
    model: Any = create_model("daydream", tiny_split(), seed=3, dim=8, history=6, steps=8)
    state = torch.get_rng_state()
    changed: Any = with_options(model, guidance=2.0, sampler={"kind": "ddim", "steps": 4, "eta": 1.0})
    assert torch.equal(state, torch.get_rng_state())
    assert (changed.card.config.guidance, changed.card.config.sampler.steps, changed.card.config.dim) == (2.0, 4, 8)
    assert model.card.config.guidance != 2.0
    for name, value in model.state_dict().items():
        assert torch.equal(changed.state_dict()[name], value)
    with torch.no_grad():
        for parameter in changed.parameters():
            parameter.add_(1.0)
    assert not torch.equal(next(changed.parameters()), next(model.parameters()))


def test_a_counting_model_keeps_its_counts() -> None:
    split = tiny_split()
    model: Any = create_model("markov", split)
    model.fit_counts(split.train)
    batch = history_batch([np.array([3, 4], dtype=np.int32)], None)
    assert torch.equal(with_options(model).scores(batch), model.scores(batch))


def test_what_does_not_fit_is_refused() -> None:
    model = create_model("sasrec", tiny_split(), dim=8, history=6)
    with pytest.raises(RunError, match="does not fit"):
        with_options(model, dim=16)
    with pytest.raises(ConfigError, match="unknown option 'width'"):
        with_options(model, width=3)
