"""The protocol `Objective`: a training loss over states, targets and a head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from reverie.protocols import Head


@runtime_checkable
class Objective(Protocol):
    """What a model is taught by."""

    def loss(
        self, states: Tensor, targets: Tensor, head: Head, weight: Tensor | None = None, users: Tensor | None = None
    ) -> Tensor:
        """Return one loss per row, shape [M], times `weight` [M] if given; the model averages.

        ``states [M, D]`` are float, ``targets [M]`` item codes 1..N (padding removed before), ``users [M]`` whose row it is,
        read by temperatures and losses that differ by user.
        """
        ...

    def with_counts(self, counts: NDArray[Any]) -> Objective:
        """Return the same objective with training counts [N + 1] by item code, for negatives drawn by popularity."""
        ...
