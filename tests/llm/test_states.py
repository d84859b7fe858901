"""States of every recommender that has vectors: the same as of each history alone, and kept on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from reverie.errors import ConfigError
from reverie.llm.windows import sample_windows, window_states
from reverie.models import create_model
from reverie.testing import tiny_dataset, tiny_split


@pytest.mark.parametrize("name", ["sasrec", "gru4rec", "caser", "nextitnet", "dreamrec", "daydream"])
def test_states_of_windows(name: str, tmp_path: Path) -> None:
    model = create_model(name, tiny_split(), dim=16, history=8)
    model.eval()  # type: ignore[attr-defined]
    windows = sample_windows(tiny_dataset().sequences, 6, 5, 3, seed=0)
    states = window_states(model, windows, tmp_path)
    assert states.shape == (6, 5, 16)
    for row in range(6):
        alone = windows.take(np.array([row]))
        size = int(windows.lengths[row])
        with torch.no_grad():
            reference = model.states(alone.batch())[0, :size]  # type: ignore[attr-defined]
        assert torch.allclose(states[row, :size], reference, atol=1e-5)
        assert (states[row, size:] == 0).all()
    assert len(list(tmp_path.iterdir())) == 1
    assert torch.equal(window_states(model, windows, tmp_path), states)
    with torch.no_grad():
        for parameter in model.parameters():  # type: ignore[attr-defined]
            parameter.mul_(0.5).add_(0.1)
    assert not torch.equal(window_states(model, windows, tmp_path), states)  # another model is another file
    assert len(list(tmp_path.iterdir())) == 2


def test_a_model_without_vectors_is_refused() -> None:
    with pytest.raises(ConfigError, match="model 'markov' has no hidden states"):
        window_states(create_model("markov", tiny_split()), sample_windows(tiny_dataset().sequences, 2, 5, 3, seed=0))
