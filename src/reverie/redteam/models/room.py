"""Keys and values of a growing answer, written into room that was made beforehand."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers.cache_utils import DynamicLayer


class RoomyLayer(DynamicLayer):  # type: ignore[misc]
    """One layer of a cache; transformers' own copies all keys and values at every token."""

    def __init__(self, keys: Tensor, values: Tensor, room: int) -> None:
        super().__init__()
        self.lazy_initialization(keys, values)
        self._whole = (_with_room(keys, room), _with_room(values, room))
        self._show(keys.shape[-2])

    def _show(self, length: int) -> None:
        self.keys, self.values = (whole[..., :length, :] for whole in self._whole)

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Take the keys and values of new tokens, and return all; [B, H, T, D]."""
        before = self.get_seq_length()
        after = before + key_states.shape[-2]
        for whole, new in zip(self._whole, (key_states, value_states), strict=True):
            whole[..., before:after, :] = new
        self._show(after)
        return self._whole[0][..., :after, :], self._whole[1][..., :after, :]

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep some rows; indices [B']."""
        length = self.get_seq_length()
        self._whole = (self._whole[0][indices], self._whole[1][indices])
        self._show(length)


def make_room(cache: Any, room: int) -> None:
    """Give each layer of a cache that grows by copying room for so many tokens; layers of other kinds stay."""
    for at, layer in enumerate(cache.layers):
        if type(layer) is DynamicLayer and layer.keys is not None and layer.values is not None:
            cache.layers[at] = RoomyLayer(layer.keys, layer.values, room)


def _with_room(tensor: Tensor, room: int) -> Tensor:
    batch, heads, length, width = tensor.shape
    whole = tensor.new_empty(batch, heads, length + room, width)
    whole[..., :length, :] = tensor
    return whole
