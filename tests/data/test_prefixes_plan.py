import numpy as np
import pytest

from reverie.data.plans import create_plan
from reverie.testing import tiny_split


@pytest.mark.parametrize("name", ["prefixes", "prefixes-with-empty"])
@pytest.mark.parametrize("history", [1, 5, 100])
def test_every_event_is_a_target_once(name: str, history: int) -> None:
    train = tiny_split().train
    first = 0 if name == "prefixes-with-empty" else 1
    expected = [
        (int(train.users[r]), train.row(r)[max(0, at - history) : at].tolist(), int(train.row(r)[at]))
        for r in range(len(train))
        for at in range(first, len(train.row(r)))
    ]
    plan = create_plan(name, train, history)
    assert len(plan) == len(expected)
    index = np.random.default_rng(0).permutation(len(plan))
    batch = plan.batch(index)
    assert batch.targets is not None
    assert batch.targets.shape == (len(plan),)
    assert batch.items.shape[1] == max(1, *(len(past) for _, past, _ in expected))
    assert batch.lengths.tolist() == [len(expected[number][1]) for number in index]
    for row, number in enumerate(index):
        user, past, target = expected[number]
        assert int(batch.users[row]) == user
        assert batch.items[row].tolist() == past + [0] * (batch.items.shape[1] - len(past))
        assert int(batch.targets[row]) == target


def test_rows_need_not_be_contiguous() -> None:
    train = tiny_split().train
    some = train.take(np.array([7, 2]))
    plan = create_plan("prefixes-with-empty", some, 3)
    batch = plan.batch(np.arange(len(plan)))
    assert batch.targets is not None
    assert batch.targets.tolist() == [*train.row(7).tolist(), *train.row(2).tolist()]


def test_a_batch_of_empty_histories_is_padding() -> None:
    plan = create_plan("prefixes-with-empty", tiny_split().train, 3)
    lengths = plan.batch(np.arange(len(plan))).lengths.numpy()
    batch = plan.batch(np.flatnonzero(lengths == 0)[:4])
    assert batch.items.tolist() == [[0]] * 4
    assert batch.lengths.tolist() == [0] * 4
