"""`Sampler` protocol, compatible with the schedulers of the diffusers library, and spacing of timesteps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from torch import Tensor

from reverie.diffusion.noising import q_sample

if TYPE_CHECKING:
    from reverie.diffusion.schedules import Schedule

Draw = Callable[[], Tensor]


@dataclass(frozen=True)
class StepOutput:
    """What one step gives.

    Parameters
    ----------
    prev_sample : Tensor, shape [B, D]
        The less noisy vectors; after the last step the clean ones.
    pred_original_sample : Tensor, shape [B, D]
        The clean vectors as predicted at this step.
    """

    prev_sample: Tensor
    pred_original_sample: Tensor


class Sampler(Protocol):
    """A diffusion sampler."""

    @property
    def timesteps(self) -> Sequence[int]:
        """Steps s at which the denoiser is asked, most noisy first."""
        ...

    def set_timesteps(self, n: int) -> None:
        """Walk the chain in n steps, 1 ≤ n ≤ T."""
        ...

    def step(self, out: Tensor, t: int, x: Tensor, noise: Draw | None = None) -> StepOutput:
        """Go from step t to the next one, given the predicted clean vectors `out [B, D]` and the noisy `x [B, D]`.

        `noise` gives standard normal numbers of the shape of `x`; without it a step that needs some takes them from torch's
        global generator.
        """
        ...

    def add_noise(self, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """Return the noisy vectors [B, D] of steps ``t [B]``."""
        ...


class NoisySchedule:
    """The forward process that samplers of one schedule share."""

    _schedule: Schedule

    def add_noise(self, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """Return noisy vectors; x0, noise [B, D], t [B] → [B, D]."""
        return q_sample(self._schedule.signal.to(x0), self._schedule.spread.to(x0), x0, noise, t)


def space_timesteps(steps: int, n: int) -> list[int]:
    """Choose n of T steps, evenly, always with the most noisy one (called "trailing" in arXiv 2305.08891, table 2)."""
    if not 1 <= n <= steps:
        raise ValueError(f"n must be in 1..{steps}, the length of the chain, got {n}")
    return [round(steps * (n - i) / n) - 1 for i in range(n)]
