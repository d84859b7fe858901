"""Pools of negatives, densities that weight them, and checks of scores, targets and temperatures."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, Self, runtime_checkable

import torch
from torch import Tensor

from reverie.errors import NotFinite

Temperature = float | Tensor
"""τ: a positive number, or a tensor with one for all rows or one for each, shape [], [1], [M] or [M, 1]."""

LEAST = 1e-30
"""The least temperature: scores divided by less would not fit into float32."""
NOTHING = -1e30
"""Stands for the logarithm of an empty sum: as weightless as -inf, but with defined gradients."""


def check_positive(**values: float) -> None:
    """Check options that must be positive, by name."""
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"{name} must be positive, got {value}")


def check_at_least_one(**values: int) -> None:
    """Check numbers of things of which there must be one, by name."""
    for name, value in values.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")


def broadcast(values: Tensor, like: Tensor, what: str) -> Tensor:
    """Return values in the shape of others, or raise with what must broadcast to what."""
    try:
        return values.expand_as(like)
    except RuntimeError:
        raise ValueError(f"{what}, got {list(values.shape)}") from None


def check_scores(positive: Tensor, negative: Tensor) -> None:
    """Check the shapes of scores of targets and negatives; positive [M], negative [M, K]."""
    if positive.dim() != 1:
        raise ValueError(f"positive must have shape [M], got {list(positive.shape)}")
    if negative.dim() != 2 or len(negative) != len(positive) or negative.shape[1] == 0:
        raise ValueError(f"negative must have shape [{len(positive)}, K] with K ≥ 1, got {list(negative.shape)}")


def check_targets(states: Tensor, targets: Tensor, n_items: int) -> None:
    """Check targets against states and the catalogue; codes are looked at on the CPU only, where that costs no waiting.

    states [M, D], targets [M].
    """
    if states.dim() != 2:
        raise ValueError(f"states must have shape [M, D], got {list(states.shape)}")
    if targets.shape != states.shape[:1]:
        raise ValueError(f"targets must have shape [{len(states)}], one per state, got {list(targets.shape)}")
    if targets.device.type == "cpu" and len(targets) > 0 and not 1 <= int(targets.min()) <= int(targets.max()) <= n_items:
        raise ValueError(f"targets must be item codes 1..{n_items}, got {int(targets.min())}..{int(targets.max())}")


def check_temperature(temperature: Temperature) -> None:
    """Check a temperature; values of a tensor are looked at on the CPU only, where that costs no waiting."""
    if isinstance(temperature, Tensor):
        if temperature.device.type == "cpu" and not bool((temperature > 0).all()):
            raise ValueError(f"temperature must be positive, got {float(temperature.min())} in shape {list(temperature.shape)}")
        if temperature.device.type == "cpu" and not bool(((temperature >= LEAST) & temperature.isfinite()).all()):
            given = f"{float(temperature.min())} to {float(temperature.max())} in shape {list(temperature.shape)}"
            raise NotFinite(f"temperature must be finite and at least {LEAST:g}, got {given}")
    elif not (isinstance(temperature, int | float) and temperature > 0):
        raise ValueError(f"temperature must be positive, got {temperature}")
    elif not LEAST <= temperature < math.inf:
        raise NotFinite(f"temperature must be finite and at least {LEAST:g}, got {temperature}")


def inverse_temperature(temperature: Temperature, rows: int) -> float | Tensor:
    """Return 1/τ as a factor of values with one entry per row; temperature [], [1], [M] or [M, 1] → [] or [M]."""
    check_temperature(temperature)
    if not isinstance(temperature, Tensor):
        return 1 / temperature
    if temperature.numel() == 1 and temperature.dim() < 3:
        return 1 / wide(temperature).reshape(())
    if temperature.shape not in ((rows,), (rows, 1)):
        raise ValueError(f"temperature must be a number or have shape [{rows}] or [{rows}, 1], got {list(temperature.shape)}")
    return 1 / wide(temperature).reshape(rows)


def column(factor: float | Tensor) -> float | Tensor:
    """Return a factor of rows so that it multiplies a matrix; factor [] or [M] → [] or [M, 1]."""
    return factor[:, None] if isinstance(factor, Tensor) and factor.dim() == 1 else factor


def not_nan(losses: Tensor) -> Tensor:
    """Return losses after a look for NaN (on the CPU only), which a score that is NaN makes; losses [M] → [M]."""
    if losses.device.type == "cpu" and bool(losses.isnan().any()):
        raise NotFinite(
            f"positive and negative must not be NaN, got a loss of NaN in {int(losses.isnan().sum())} of {len(losses)} rows"
        )
    return losses


def wide(scores: Tensor) -> Tensor:
    """Return scores in float32 or wider, so that sums of exponentials keep their digits under autocast."""
    return scores.to(torch.promote_types(scores.dtype, torch.float32))


@dataclass(frozen=True)
class Density:
    """Weights that depend on nothing but the negative's own score, and are constants to the gradient.

    That is what can be computed one piece of the columns at a time: no matrix of weights is ever held.

    Parameters
    ----------
    log : callable
        ``scores -> log w``, elementwise, before the temperature.
    mean_one : bool
        Divide by the row's mean over its negatives, so that weights move mass but add none.
    """

    log: Callable[[Tensor], Tensor]
    mean_one: bool = True


LogWeight = Tensor | Callable[[Tensor], Tensor] | Density
"""Log-weights of negatives: values that broadcast to [M, K]; or a function of the negatives' scores [M, K] before the
temperature (where masked ones are -inf), through which gradients flow unless it detaches; or a `Density`."""


@runtime_checkable
class Pool(Protocol):
    """The negatives of M anchors, K at most; scores of some may never be held."""

    def count(self) -> Tensor:
        """Return how many negatives each anchor has, shape [M], float32 or wider."""

    def log_sums(self, inverse: float | Tensor, weight: LogWeight | None = None) -> tuple[Tensor, Tensor]:
        """Return ``log Σ_j w_j e^{inverse · f_j}`` and ``log Σ_j w_j``, both [M]; `NOTHING` or less where there is no negative.

        ``inverse`` is a positive factor, of all rows or [M]. The second sum has no gradient and is that of a `Density`, else 0.
        """

    def matrix(self) -> "Scores":
        """Return all scores at once."""


@dataclass(frozen=True)
class Scores:
    """Negatives whose scores are at hand; values [M, K], order [M, K]."""

    values: Tensor
    order: Tensor | None = None

    def count(self) -> Tensor:
        """Return how many negatives each anchor has → [M]."""
        return (~self.masked()).sum(1).to(self.values.dtype)

    def masked(self) -> Tensor:
        """Return which scores do not count → [M, K]."""
        return self.values == float("-inf")

    def matrix(self) -> Self:
        """Return itself."""
        return self

    def log_sums(self, inverse: float | Tensor, weight: LogWeight | None = None) -> tuple[Tensor, Tensor]:
        """Return the log of the weighted sum of exponentials, and of the sum of weights; inverse [] or [M] → [M], [M]."""
        if isinstance(inverse, Tensor):
            masked = self.masked()  # the gradient of the factor is a sum over scores, and must meet no -inf
            logits = (self.values.masked_fill(masked, 0.0) * column(inverse)).masked_fill(masked, float("-inf"))
        else:
            logits = self.values * inverse
        if weight is None:
            if self.order is not None:
                raise ValueError("weights are to be shuffled, but this loss takes none that do not depend on the score's gradient")
            return log_sum_exp(logits), logits.new_zeros(len(logits))
        logs = self.log_weights(weight)
        total = log_sum_exp(logs) if isinstance(weight, Density) else logits.new_zeros(len(logits))
        return log_sum_exp(logits + logs), total

    def log_weights(self, weight: LogWeight) -> Tensor:
        """Return the log-weight of each negative, as given: not divided by the row's mean → [M, K]."""
        if isinstance(weight, Density):
            with torch.no_grad():
                logs = weight.log(self.values).masked_fill(self.masked(), float("-inf"))
        elif callable(weight):
            logs = weight(torch.where(self.masked(), float("-inf"), self.values))  # so that no gradient of -inf comes back
        else:
            logs = weight
        logs = broadcast(logs, self.values, f"log_weight must broadcast to {list(self.values.shape)}")
        return logs if self.order is None else logs.gather(1, self.order)

    def shuffled(self, generator: torch.Generator | None = None) -> Self:
        """Return the same negatives with each row's weights permuted among those that are not masked."""
        masked = self.masked()
        noise = torch.rand(self.values.shape, generator=generator, device=self.values.device)
        # with masked ones at the end of both, the j-th negative of a row receives the weight of a random other one
        places = masked.to(torch.int8).argsort(dim=1, stable=True)
        drawn = noise.masked_fill_(masked, 2.0).argsort(1)
        return replace(self, order=torch.empty_like(places).scatter_(1, places, drawn))


def log_sum_exp(logits: Tensor) -> Tensor:
    """Return ``log Σ_j e^{z_j}`` of each row, less than `NOTHING`, with gradient 0, where all are -inf; logits [M, K] → [M]."""
    top = logits.detach().amax(1, keepdim=True).clamp(min=NOTHING)
    total = (logits - top).exp_().sum(1)
    return total.clamp(min=torch.finfo(total.dtype).tiny).log() + top[:, 0]


def log_mass(pool: Pool, inverse: float | Tensor, weight: LogWeight | None = None) -> Tensor:
    """Return ``log Σ_j w_j e^{inverse · f_j}``, weights of a `Density` divided by their mean where it says so.

    inverse [] or [M] → [M].
    """
    mass, weights = pool.log_sums(inverse, weight)
    if isinstance(weight, Density) and weight.mean_one:
        return mass - weights + pool.count().log()
    return mass


def to_pool(positive: Tensor, negative: Tensor | Pool, temperature: Temperature) -> tuple[Tensor, Pool, float | Tensor]:
    """Return scores in float32 or wider, checked where they come as tensors, and 1/τ.

    Parameters
    ----------
    positive : Tensor, shape [M]
        Scores of the positives.
    negative : Tensor, shape [M, K], or Pool
        Scores of the negatives; -inf masks one.
    temperature : float or Tensor, shape [], [M] or [M, 1]
        τ, positive.

    Returns
    -------
    Tensor, shape [M]
        Positives.
    Pool
        Negatives.
    float or Tensor, shape [] or [M]
        1/τ.

    Raises
    ------
    ValueError
        If shapes do not fit or `temperature` is not positive; `NotFinite` if a positive is NaN or infinite (looked at on the CPU
        only).
    """
    if isinstance(negative, Tensor):
        check_scores(positive, negative)
        if positive.device.type == "cpu" and not bool(positive.isfinite().all()):
            raise NotFinite(f"positive must be finite, got NaN or infinite scores in shape {list(positive.shape)}")
        negative = Scores(wide(negative))
    return wide(positive), negative, inverse_temperature(temperature, len(positive))


def zero_without_negatives(loss: Tensor, mass: Tensor) -> Tensor:
    """Return losses with 0, and no gradient, for anchors without negatives; loss [M], mass [M] → [M]."""
    if mass.device.type == "cpu" and bool(mass.isnan().any()):
        raise NotFinite(f"negative must be finite or -inf, got NaN or +inf among scores or weights of anchors [{len(mass)}]")
    return torch.where(mass <= NOTHING / 2, 0.0, loss)
