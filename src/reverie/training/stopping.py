"""Early stopping and the best weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass
class Best:
    """The best validation so far, and the weights that gave it."""

    patience: int
    value: float = float("-inf")
    epoch: int = 0
    waited: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)

    @property
    def exhausted(self) -> bool:
        """Whether training should stop."""
        return self.waited >= self.patience

    def update(self, value: float, epoch: int, model: torch.nn.Module) -> None:
        """Take note of a validation."""
        if value > self.value:
            self.value, self.epoch, self.waited = value, epoch, 0
            self.weights = {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
        else:
            self.waited += 1

    def numbers(self) -> dict[str, Any]:
        """Return everything but the weights, for a JSON state."""
        value = None if self.epoch == 0 else self.value
        return {"patience": self.patience, "value": value, "epoch": self.epoch, "waited": self.waited}
