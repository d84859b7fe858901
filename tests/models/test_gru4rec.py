"""GRU4Rec against PyTorch's own cell, one event at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reverie.data.batch import history_batch
from reverie.models import create_model
from reverie.models.gru4rec.model import RecurrentNetwork
from reverie.models.learned import SequenceRecommender
from reverie.testing.data import tiny_split


def test_states_are_those_of_a_cell_run_event_by_event() -> None:
    model = create_model("gru4rec", tiny_split(), dim=5, hidden=7)
    assert isinstance(model, SequenceRecommender)
    network = model.network
    assert isinstance(network, RecurrentNetwork)
    model.eval()
    cell = torch.nn.GRUCell(5, 7)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in network.gru.state_dict().items()})
    history = [3, 1, 9, 20]
    batch = history_batch([np.array(history, dtype=np.int32), np.array([2], dtype=np.int32)], None)
    with torch.no_grad():
        states, hidden = model.states(batch), torch.zeros(1, 7)
        for position, code in enumerate(history):
            hidden = cell(model.encoder.table()[code - 1][None] * 5**0.5, hidden)
            torch.testing.assert_close(states[0, position], network.project(hidden)[0], rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(model.represent(batch)[1], states[1, 0])


def test_several_layers_and_no_dropout_between_one() -> None:
    assert create_model("gru4rec", tiny_split(), layers=1, dropout=0.3).network.gru.dropout == 0  # type: ignore[attr-defined]
    assert create_model("gru4rec", tiny_split(), layers=2, dropout=0.3).network.gru.dropout == 0.3  # type: ignore[attr-defined]


def test_a_batch_without_targets_at_every_position_is_refused() -> None:
    model = create_model("gru4rec", tiny_split(), dim=4, hidden=4)
    assert isinstance(model, SequenceRecommender)
    with pytest.raises(ValueError, match=r"targets of shape \[1, 2\]"):
        model.loss(history_batch([np.array([1, 2], dtype=np.int32)], None))
