"""The queue of earlier keys."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from reverie.objectives import MemoryBank, info_nce


def keys(first: int, n: int) -> Tensor:
    return torch.arange(first, first + n, dtype=torch.float32)[:, None].repeat(1, 2)


@pytest.mark.parametrize("sizes", [[2, 2, 2], [1, 3, 4, 5], [9], [5, 0, 5], [3, 12]])
def test_the_latest_keys_stay(sizes: list[int]) -> None:
    bank, seen = MemoryBank(5, 2), 0
    for n in sizes:
        bank.enqueue(keys(seen, n), torch.arange(seen, seen + n))
        seen += n
        kept = list(range(max(seen - 5, 0), seen))
        assert len(bank) == len(kept)
        assert sorted(bank.labels.tolist()) == kept
        assert torch.equal(bank.keys, bank.labels[:, None].float().repeat(1, 2))


def test_it_is_saved_and_without_gradient() -> None:
    bank, other = MemoryBank(3, 2), MemoryBank(3, 2)
    held = bank.keys
    bank.enqueue(keys(1, 4).requires_grad_())
    assert held.shape == (0, 2)
    assert not bank.keys.requires_grad
    assert bank.labels.tolist() == [-1, -1, -1]
    other.load_state_dict(bank.state_dict())
    assert torch.equal(other.keys, bank.keys)
    before = bank.keys
    bank.enqueue(keys(8, 1))
    assert not torch.equal(before, bank.keys)
    assert sorted(before[:, 0].tolist()) == [2, 3, 4]


def test_it_feeds_a_loss_with_labels() -> None:
    torch.manual_seed(0)
    bank, query, key = MemoryBank(4, 2), torch.randn(2, 2), torch.randn(2, 2)
    assert float(info_nce(query, key, bank.keys)) == 0
    bank.enqueue(torch.randn(3, 2), torch.tensor([7, 8, 9]))
    ours = info_nce(query, key, bank.keys, labels=torch.tensor([8, 1]), negative_labels=bank.labels)
    each = [info_nce(query[:1], key[:1], bank.keys[[0, 2]]), info_nce(query[1:], key[1:], bank.keys)]
    torch.testing.assert_close(ours, torch.stack(each).mean())
    labels = torch.tensor([20, 21])
    both = {"negative_keys": torch.cat([key, bank.keys]), "negative_labels": torch.cat([labels, bank.labels])}
    with_batch = info_nce(query, key, labels=labels, **both)
    wanted = [info_nce(query[[i]], key[[i]], torch.cat([key[[1 - i]], bank.keys])) for i in range(2)]
    torch.testing.assert_close(with_batch, torch.stack(wanted).mean())


@pytest.mark.parametrize(
    ("message", "call"),
    [
        (r"size must be at least 1, got 0", lambda: MemoryBank(0, 2)),
        (r"dim must be at least 1, got 0", lambda: MemoryBank(2, 0)),
        (r"keys must have shape \[M, 2\], got \[3, 4\]", lambda: MemoryBank(2, 2).enqueue(torch.ones(3, 4))),
        (
            r"labels must have shape \[3\], one per key, got \[2\]",
            lambda: MemoryBank(2, 2).enqueue(torch.ones(3, 2), torch.ones(2)),
        ),
    ],
)
def test_errors_name_the_argument(message: str, call: object) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=f"^{message}"):
        call()
