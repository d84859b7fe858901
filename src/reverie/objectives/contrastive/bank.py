"""Keys beyond the batch: a memory bank (MoCo; cross-batch memory), and the rows of all processes (all-gather) with gradients."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from reverie.objectives.pool import check_at_least_one


class MemoryBank(nn.Module):
    """The latest keys, oldest replaced first; saved with the model (MoCo, arXiv 1911.05722; cross-batch memory, arXiv 1912.06798).

    Use ``negative_keys=bank.keys``, with ``negative_labels=bank.labels`` where labels matter. For the positives of the batch beside
    the bank, give each example a label of its own and concatenate:
    ``negative_keys=torch.cat([positive_key, bank.keys]), negative_labels=torch.cat([labels, bank.labels])``.
    While the bank is empty, `contrast` returns 0. With several processes, enqueue ``gather_rows(keys)``, so that banks agree.

    Parameters
    ----------
    size : int
    dim : int
        Width D of a key.

    Raises
    ------
    ValueError
        If one is not positive.
    """

    _keys: Tensor
    _labels: Tensor
    _seen: Tensor

    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        check_at_least_one(size=size, dim=dim)
        self.register_buffer("_keys", torch.zeros(size, dim))
        self.register_buffer("_labels", torch.full((size,), -1))
        self.register_buffer("_seen", torch.zeros((), dtype=torch.int64))

    def __len__(self) -> int:
        return min(int(self._seen), len(self._keys))

    @property
    def keys(self) -> Tensor:
        """The keys held, shape [len(bank), D], without gradient; a copy that later entries do not change."""
        return self._keys[: len(self)].clone()

    @property
    def labels(self) -> Tensor:
        """Their labels, shape [len(bank)], int64; -1 where none was given."""
        return self._labels[: len(self)].clone()

    @torch.no_grad()
    def enqueue(self, keys: Tensor, labels: Tensor | None = None) -> None:
        """Add keys in place of the oldest ones.

        Parameters
        ----------
        keys : Tensor, shape [M, D]
            Keys; of more than the bank holds, the last are kept.
        labels : Tensor or None, shape [M], integer

        Raises
        ------
        ValueError
            If a shape does not fit.
        """
        size, dim = self._keys.shape
        if keys.dim() != 2 or keys.shape[1] != dim:
            raise ValueError(f"keys must have shape [M, {dim}], got {list(keys.shape)}")
        if labels is not None and labels.shape != keys.shape[:1]:
            raise ValueError(f"labels must have shape [{len(keys)}], one per key, got {list(labels.shape)}")
        places = torch.arange(int(self._seen), int(self._seen) + len(keys), device=self._keys.device)[-size:] % size
        self._keys[places] = keys[-size:].to(self._keys)
        self._labels[places] = -1 if labels is None else labels[-size:].to(self._labels)
        self._seen += len(keys)


def gather_rows(rows: Tensor) -> Tensor:
    """Return the rows of all processes of `torch.distributed`, this process's own first, then the others' in order of rank.

    The gradient of a process's rows is the sum of what all processes send back to them, so a loss of local anchors and gathered
    keys has, added up over processes, the gradients of the loss of the whole batch.

    Parameters
    ----------
    rows : Tensor, shape [M, ...]
        M may differ between processes; all must call, and all must go backward or none.

    Returns
    -------
    Tensor, shape [sum of M, ...]
        `rows` itself where there is one process.
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return rows
    gathered: Tensor = _Gather.apply(rows)  # type: ignore[no-untyped-call] # torch's own
    return gathered


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        size = torch.tensor([len(rows)], device=rows.device)
        sizes = [torch.zeros_like(size) for _ in range(dist.get_world_size())]
        dist.all_gather(sizes, size)
        ctx.sizes = [int(s) for s in sizes]
        longest, rank = max(ctx.sizes), dist.get_rank()
        padded = rows.new_zeros(longest, *rows.shape[1:])
        padded[: len(rows)] = rows
        parts = [torch.empty_like(padded) for _ in ctx.sizes]
        dist.all_gather(parts, padded)
        others = [part[:size] for r, (part, size) in enumerate(zip(parts, ctx.sizes, strict=True)) if r != rank]
        return torch.cat([rows, *others])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        rank, sizes = dist.get_rank(), ctx.sizes
        order = [rank, *(r for r in range(len(sizes)) if r != rank)]
        pieces = dict(zip(order, torch.split(gradient, [sizes[r] for r in order]), strict=True))
        every = torch.cat([pieces[r] for r in range(len(sizes))])
        dist.all_reduce(every)
        return every[sum(sizes[:rank]) : sum(sizes[: rank + 1])]
