"""Caser: convolutions against windows cut out one by one, causality, and users' own vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from reverie.data.batch import SequenceBatch, history_batch
from reverie.errors import ConfigError
from reverie.models import create_model
from reverie.models.caser.model import ConvolutionalNetwork, WindowConvolutions
from reverie.models.learned import SequenceRecommender
from reverie.testing.data import tiny_split
from reverie.training import fit


def caser(**options: Any) -> SequenceRecommender:
    model = create_model("caser", tiny_split(), dim=6, window=3, horizontal=2, vertical=2, history=8, **options)
    assert isinstance(model, SequenceRecommender)
    return model.eval()


def own_vectors(model: SequenceRecommender) -> torch.nn.Parameter | None:
    network = model.network
    assert isinstance(network, ConvolutionalNetwork)
    return network.users


def test_convolutions_are_those_of_each_window_alone() -> None:
    torch.manual_seed(0)
    dim, window = 3, 4
    layer = WindowConvolutions(dim, window, horizontal=2, vertical=2).double()
    x = torch.randn(2, 6, dim, dtype=torch.float64)
    with torch.no_grad():
        found = layer(x)
        assert found.shape == (2, 6, layer.width)
        for row in range(2):
            for t in range(6):
                seen = torch.zeros(window, dim, dtype=torch.float64)
                for back in range(window):
                    if t - back >= 0:
                        seen[window - 1 - back] = x[row, t - back]
                parts = []
                for height, filters in enumerate(layer.horizontal, start=1):
                    assert isinstance(filters, torch.nn.Conv1d)
                    assert filters.bias is not None
                    for kernel, bias in zip(filters.weight, filters.bias, strict=True):
                        places = [(kernel.T * seen[i : i + height]).sum() + bias for i in range(window - height + 1)]
                        parts.append(torch.stack(places).relu().max())
                for column in range(dim):
                    parts += [(kernel[0] * seen[:, column]).sum() for kernel in layer.vertical.weight]
                torch.testing.assert_close(found[row, t], torch.stack(parts))


def test_a_state_sees_its_window_and_nothing_else() -> None:
    model, at, window = caser(), 4, 3
    items = torch.tensor([[1, 2, 3, 4, 5, 6, 7]])
    for changed in range(7):
        other = items.clone()
        other[0, changed] = 15
        with torch.no_grad():
            before, after = (model.states(SequenceBatch(i, torch.tensor([7]), torch.tensor([-1])))[0, at] for i in (items, other))
        assert torch.equal(before, after) != (at - window < changed <= at)


def test_scores_depend_on_the_last_window_only() -> None:
    model = caser()
    batch = history_batch([np.array(h, dtype=np.int32) for h in ([9, 8, 1, 2, 3], [1, 2, 3])], None)
    scores = model.scores(batch)
    torch.testing.assert_close(scores[0], scores[1])


def test_users_have_vectors_where_asked_for() -> None:
    split, model = tiny_split(), caser(user_vector=True)
    fit(model, split, epochs=2, batch_size=16, learning_rate=0.01, show=False, device="cpu")
    made = history_batch([np.array([1, 2, 3], dtype=np.int32)] * 3, None)
    scores = model.scores(SequenceBatch(made.items, made.lengths, torch.tensor([0, 1, -1])))
    assert not torch.allclose(scores[0], scores[1])
    users = own_vectors(model)
    assert users is not None
    difference = (scores[0] - scores[2]) - users[0] @ model.item_table().T
    torch.testing.assert_close(difference, torch.zeros_like(difference), rtol=0, atol=1e-5)
    assert own_vectors(caser()) is None


def test_a_history_shorter_than_the_window_is_refused() -> None:
    with pytest.raises(ConfigError, match="history=2 is shorter than window=5"):
        create_model("caser", tiny_split(), history=2)
