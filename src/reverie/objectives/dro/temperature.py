"""`TemperatureRule` protocol, and checks of user codes and temperature bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class TemperatureRule(Protocol):
    """Gives a temperature from the scores of a batch, without gradient.

    Instances here keep what they learn in buffers and learn in training mode only, once per call.
    """

    def __call__(self, positive: Tensor, negative: Tensor, users: Tensor | None = None) -> Tensor:
        """Return temperatures, in units of score; positive [M], negative [M, K], users [M] → [M, 1] or []."""
        ...


def check_users(users: Tensor | None, rows: int, n: int, name: str = "users") -> Tensor:
    """Return users after a check; codes are looked at on the CPU only, where that costs no waiting; users [M] → [M]."""
    if users is None or users.shape != (rows,):
        raise ValueError(f"{name} must have shape [{rows}], one per row, got {None if users is None else list(users.shape)}")
    if users.device.type == "cpu" and rows > 0 and not 0 <= int(users.min()) <= int(users.max()) < n:
        raise ValueError(f"{name} must be codes 0..{n - 1}, got {int(users.min())}..{int(users.max())}")
    return users


def check_bounds(minimum: float, maximum: float) -> None:
    """Check the bounds of a temperature."""
    if not 0 < minimum <= maximum:
        raise ValueError(f"minimum and maximum must be positive and in order, got {minimum} and {maximum}")
