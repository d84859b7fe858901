"""Matrix factorisation: its fold-in against explicit normal equations, and who is folded in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from reverie.data.batch import SequenceBatch, history_batch
from reverie.models import create_model
from reverie.models.mf.model import MF, fold_in
from reverie.testing.data import tiny_split
from reverie.training import fit


def model_of(**options: Any) -> MF:
    split = tiny_split()
    model = create_model("mf", split, dim=6, **options)
    assert isinstance(model, MF)
    fit(model, split, epochs=3, batch_size=32, learning_rate=0.05, show=False, device="cpu")
    return model


def of_users(codes: list[list[int]], users: list[int]) -> SequenceBatch:
    made = history_batch([np.array(row, dtype=np.int32) for row in codes], None)
    return SequenceBatch(made.items, made.lengths, torch.tensor(users))


def test_fold_in_solves_the_normal_equations() -> None:
    generator = torch.Generator().manual_seed(0)
    table = torch.randn(9, 4, generator=generator, dtype=torch.float64)
    histories = [[0, 3, 3, 8], [5], []]
    taken = torch.zeros(3, 4, 4, dtype=torch.float64)
    for row, history in enumerate(histories):
        taken[row, : len(history)] = table[history]
    found = fold_in(table, taken, torch.tensor(2.5), ridge=0.7, background=0.2).numpy()
    q = table.numpy()
    scale = np.mean([vector @ vector for vector in q])
    for row, history in enumerate(histories):
        left = 0.7 * scale * np.eye(4)
        right = np.zeros(4)
        for vector in q:
            left += 0.2 * np.outer(vector, vector)
        for item in history:
            left += np.outer(q[item], q[item])
            right += 2.5 * q[item]
        np.testing.assert_allclose(found[row], np.linalg.solve(left, right), rtol=1e-9, atol=1e-12)


def test_only_cold_users_are_folded_in() -> None:
    model = model_of()
    history = [[1, 4, 7], [2, 5]]
    known = model.represent(of_users(history, [0, 1]))
    torch.testing.assert_close(known[:, :6], model.users[:2])
    mixed = model.represent(of_users(history, [0, -1]))
    torch.testing.assert_close(mixed[0], known[0])
    assert not torch.allclose(mixed[1], known[1])
    assert mixed[1, 6].item() == 0.0
    model.trained[1] = False
    torch.testing.assert_close(model.represent(of_users(history, [0, 1])), mixed)
    torch.testing.assert_close(model.represent(of_users(history, [0, 10_000])), mixed)


def test_fold_in_of_everybody_ignores_trained_vectors() -> None:
    model = model_of(fold_in="always")
    torch.testing.assert_close(model.represent(of_users([[1, 4]], [0])), model.represent(of_users([[1, 4]], [-1])))


@pytest.mark.parametrize("biases", [True, False])
def test_scores_are_inner_products_with_biases(biases: bool) -> None:
    model = model_of(biases=biases)
    batch = of_users([[1, 4, 7], []], [3, -1])
    scores = model.scores(batch)
    torch.testing.assert_close(scores, model.represent(batch) @ model.item_table().T)
    expected = model.users[3] @ model.encoder.table().T
    if model.item_bias is not None and model.user_bias is not None:
        expected = expected + model.item_bias + model.user_bias[3]
        torch.testing.assert_close(scores[1], model.item_bias)
    torch.testing.assert_close(scores[0], expected)


def test_a_pointwise_objective_trains_user_biases() -> None:
    model = model_of(objective={"kind": "bce"})
    assert model.user_bias is not None
    assert bool(model.user_bias.abs().sum() > 0)


def test_users_without_training_events_are_not_trained() -> None:
    split = tiny_split()
    model = create_model("mf", split, dim=4)
    assert isinstance(model, MF)
    model.observe(split.train.take(np.arange(5)))
    assert model.trained.nonzero()[:, 0].tolist() == sorted(split.train.users[:5].tolist())


def test_recommending_by_titles_folds_in() -> None:
    import reverie as rv

    found = rv.recommend(model_of(), ["Tale 01", "Tale 04"], k=3, titles=True)
    assert len(found) == 3
    assert not set(found["title"]) & {"Tale 01", "Tale 04"}


def test_a_batch_without_pairs_is_refused() -> None:
    with pytest.raises(ValueError, match="targets"):
        model_of().loss(of_users([[1, 2]], [0]))
