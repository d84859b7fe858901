"""What a model computes from its weights, kept between calls."""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


class Kept(Generic[T]):
    """A value computed from tensors, kept where no gradient is asked for until one of them changes."""

    def __init__(self) -> None:
        self._held: tuple[tuple[int, ...], T] | None = None

    def forget(self) -> None:
        """Compute anew next time: fused optimisers do not raise the versions of weights."""
        self._held = None

    def get(self, tensors: Iterable[Tensor], compute: Callable[[], T]) -> T:
        """Return the value; where gradients are asked for it is computed each time, for a step may follow."""
        if torch.is_grad_enabled():
            self.forget()
            return compute()
        version = tuple(number for tensor in tensors for number in (tensor.data_ptr(), tensor._version))
        if self._held is None or self._held[0] != version:
            with torch.inference_mode(mode=False), torch.no_grad():  # so that the value may be used in autograd later
                self._held = version, compute()
        return self._held[1]
