"""Base of encoders that compute vectors of items: distinct items once, gradient caching, and a table kept between changes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from reverie.data.sequences import Sequences

PIECE = 1024
"""Items encoded at once where no gradient is wanted, unless the encoder says how many."""


class ContentEncoder(nn.Module):
    """Base of item encoders over content, an `ItemEncoder`; a kind implements `vectors`.

    In training mode `encode` and `table` are computed anew, each distinct item once, and gradients flow. In evaluation mode
    both read a table that is computed in pieces and kept until weights change, and no gradient flows. It is stale after every
    ``train()``, and when a version counter of a parameter or buffer has moved on, as by `load_state_dict` and other writes in place
    (fused optimisers and `torch._foreach` functions move none, so step them in training mode, as every loop does).

    Parameters
    ----------
    n_items : int
        Size N of the catalogue.
    dim : int
        Width D of the vectors.
    present : Tensor, callable or None
        Which items have content [N], bool, or what finds that out, called when it is first needed, so that a model whose table is
        saved opens nothing; the others share a learned vector, zero at first. None: all.
    at_once : int or None
        Gradient caching: in training, activations of at most so many items are held, and items are encoded a second time in the
        backward pass (statistics of batch normalisation are moved once). None holds all.
    keep : bool
        Whether the table, and which of its rows are fresh, are part of the saved model (buffers ``kept`` and ``fresh``), so that it
        scores without raw content.

    Attributes
    ----------
    fixed : dict of str to Tensor
        Tensors that move between devices with the module and are neither trained nor saved, such as features [N, F].
    rate : float
        Factor of the learning rate of `slow_parameters`.
    """

    rowwise = False
    rate = 1.0

    def __init__(
        self, n_items: int, dim: int, *, present: Tensor | Callable[[], Tensor] | None = None, at_once: int | None = None,
        keep: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.n_items, self.dim, self.at_once = n_items, dim, at_once
        self.missing = nn.Parameter(torch.zeros(dim))
        self.fixed: dict[str, Tensor] = {"present": present} if isinstance(present, Tensor) else {}
        self._find = present if callable(present) and not isinstance(present, Tensor) else None
        if keep:
            self.register_buffer("kept", torch.zeros(n_items, dim))
            self.register_buffer("fresh", torch.zeros(n_items, dtype=torch.bool))
        self._versions: list[int] = []
        self.register_state_dict_pre_hook(_before_saving)  # type: ignore[no-untyped-call] # torch's own
        self.register_load_state_dict_post_hook(_after_loading)  # type: ignore[no-untyped-call] # torch's own

    @property
    def keeps(self) -> bool:
        """Whether the table is part of the saved model."""
        return "kept" in self._buffers

    def vectors(self, items: Tensor) -> Tensor:
        """Return the vectors of distinct item codes 1..N that have content, differentiable in the weights; items [U] → [U, D]."""
        raise NotImplementedError

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step."""

    def slow_parameters(self) -> list[nn.Parameter]:
        """Return parameters that are trained at `rate` times the learning rate, such as those of a pretrained network."""
        return []

    def present(self, items: Tensor) -> Tensor:
        """Return which items have content; items [U] → [U]."""
        if self._find is not None and "present" not in self.fixed:
            with torch.inference_mode(False):
                self.fixed["present"] = self._find().to(self.missing.device)
        return self.fixed["present"][items - 1] if "present" in self.fixed else torch.ones_like(items, dtype=torch.bool)

    def live(self, items: Tensor) -> Tensor:
        """Return the vectors of distinct item codes 1..N, computed now; items [U] → [U, D]."""
        there = self.present(items)
        if bool(there.all()):
            return self._in_pieces(items)
        found = self._in_pieces(items[there])
        out = self.missing.to(found.dtype).expand(len(items), -1)
        return out.index_put((there.nonzero()[:, 0],), found)

    def table(self) -> Tensor:
        """Return the vectors of items 1..N → [N, D]; in evaluation mode a kept constant."""
        return self.live(torch.arange(1, self.n_items + 1, device=self.missing.device)) if self.training else self._refreshed()

    def encode(self, items: Tensor) -> Tensor:
        """Return the vectors of item codes, each distinct one computed once; code 0 gives zeros → [*items.shape, D]."""
        if not self.training:
            return F.embedding((items - 1).clamp(min=0), self._refreshed()) * (items > 0).unsqueeze(-1)
        distinct, place = items.unique(return_inverse=True)  # type: ignore[no-untyped-call] # torch's own
        padding = int((distinct == 0).sum())
        return F.embedding(place, F.pad(self.live(distinct[padding:]), (0, 0, padding, 0)))

    def hand_over(self) -> bool:
        """Leave keeping a table to the encoder that this one becomes a part of; return whether it is to be saved."""
        keeps = self.keeps
        self._buffers.pop("kept", None), self._buffers.pop("fresh", None)
        return keeps

    def train(self, mode: bool = True) -> Self:
        """Set the mode; weights are expected to change in training."""
        if mode:
            self._versions = []
        return super().train(mode)

    def _in_pieces(self, items: Tensor) -> Tensor:
        """Return vectors of items that have content, a piece at a time where the encoder asks for it; items [U] → [U, D]."""
        if not len(items):
            return self.missing.new_zeros(0, self.dim)
        if not torch.is_grad_enabled():
            return torch.cat([self.vectors(piece) for piece in torch.split(items, self.at_once or PIECE)])
        if self.at_once is None or len(items) <= self.at_once:
            return self.vectors(items)
        pieces = torch.split(items, self.at_once)
        return torch.cat([checkpoint(self.vectors, piece, use_reentrant=False, context_fn=self._passes) for piece in pieces])

    def _passes(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        """Return the contexts of the two forward passes of gradient caching."""
        return contextlib.nullcontext(), _still_statistics(self)

    @torch.no_grad()
    def _refreshed(self) -> Tensor:
        """Return the kept table, its rows that are stale computed first."""
        self._look()
        kept, fresh = self._store()
        if not bool(fresh.all()):
            for rows in torch.split((~fresh).nonzero()[:, 0], PIECE):
                kept[rows] = self.live(rows + 1).to(kept.dtype)
                fresh[rows] = True
            self._versions = self._now()
        return kept

    def _store(self) -> tuple[Tensor, Tensor]:
        """Return the kept table [N, D] and which rows are fresh [N]; made at first use where they are not saved."""
        if self.keeps:
            return self.get_buffer("kept"), self.get_buffer("fresh")
        if "kept" not in self.fixed:
            with torch.inference_mode(False):
                self.fixed["kept"] = self.missing.new_zeros(self.n_items, self.dim)
                self.fixed["fresh"] = torch.zeros(self.n_items, dtype=torch.bool, device=self.missing.device)
        return self.fixed["kept"], self.fixed["fresh"]

    def _look(self) -> None:
        """Call all rows stale where something has changed since they were computed."""
        if self._versions != (now := self._now()):
            self._store()[1].zero_()
            self._versions = now

    def _now(self) -> list[int]:
        """Return the version counters of all that vectors depend on."""
        buffers = (value for name, value in self.named_buffers() if name not in ("kept", "fresh"))
        return [value._version for value in (*self.parameters(), *buffers)]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move everything, fixed tensors too; what was fresh stays fresh on another device."""
        unchanged = self._versions == self._now()
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call] # torch's own
        self.fixed = {name: fn(value) for name, value in self.fixed.items()}
        self._versions = self._now() if unchanged else []
        return self


def content_encoders(model: nn.Module) -> list[ContentEncoder]:
    """Return the item encoders over content in a model, parts of fused ones included."""
    return [part for part in model.modules() if isinstance(part, ContentEncoder)]


def _before_saving(module: nn.Module, *_: Any) -> None:
    """Before a state is written: rows that are not fresh must not be called so."""
    if isinstance(module, ContentEncoder) and module.keeps:
        module._look()


def _after_loading(module: nn.Module, *_: Any) -> None:
    """After a state is read: rows that were fresh when it was written are."""
    if isinstance(module, ContentEncoder):
        module._versions = module._now() if module.keeps else []


@contextlib.contextmanager
def _still_statistics(network: nn.Module) -> Iterator[None]:
    """Hold the running statistics of batch normalisation still."""
    layers = [part for part in network.modules() if isinstance(part, _BatchNorm) and part.track_running_stats]
    before = [(layer.momentum, layer.num_batches_tracked) for layer in layers]
    for layer, (_, seen) in zip(layers, before, strict=True):
        layer.momentum, layer.num_batches_tracked = 0.0, None if seen is None else seen.clone()
    try:
        yield
    finally:
        for layer, (momentum, seen) in zip(layers, before, strict=True):
            layer.momentum, layer.num_batches_tracked = momentum, seen
