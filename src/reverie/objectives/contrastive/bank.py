"""Memory bank of keys from earlier batches as negatives (MoCo; cross-batch memory)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


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
        for name, value in (("size", size), ("dim", dim)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
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
