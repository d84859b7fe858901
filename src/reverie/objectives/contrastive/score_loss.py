"""`ScoreLoss`: a contrastive loss of scores with its temperature, and its creation from options."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from torch import Tensor, nn

from reverie.objectives.config import ADNCE, BSL, DCLW, HCL, RINCE, ContrastiveConfig, InfoNCE
from reverie.objectives.contrastive.adjusted import adnce, shuffled
from reverie.objectives.contrastive.hard import dcl, dclw, hcl
from reverie.objectives.contrastive.robust import bsl, rince
from reverie.objectives.dro.rules import create_rule
from reverie.objectives.softmax import sampled_softmax

if TYPE_CHECKING:
    from reverie.objectives.contrastive.vectors import Loss
    from reverie.objectives.dro.temperature import TemperatureRule
    from reverie.objectives.pool import Pool


class ScoreLoss(nn.Module):
    """A loss of scores at a temperature that is a number, or follows from the scores; what a rule learns are buffers.

    Parameters
    ----------
    function : callable
        Loss of scores, see `Loss`.
    temperature : float or TemperatureRule
        τ. A rule that is a module is a part of this one.
    by_user : bool
        Whether `function` takes ``users``.
    """

    def __init__(self, function: Loss, temperature: float | TemperatureRule, by_user: bool = False) -> None:
        super().__init__()
        self.function, self.temperature, self.by_user = function, temperature, by_user

    def forward(
        self, positive: Tensor, negative: Tensor | Pool, users: Tensor | None = None, log_weight: Tensor | None = None
    ) -> Tensor:
        """Return the loss of each row.

        Parameters
        ----------
        positive : Tensor, shape [M]
            Scores of the positives.
        negative : Tensor, shape [M, K], or Pool
            Scores of the negatives; -inf masks one.
        users : Tensor or None, shape [M], int64
            Whose row it is, where the temperature or the loss depends on it.
        log_weight : Tensor or None, shape [M, K] or [K]
            log w of the negatives, for losses that take it, such as the logQ correction of a softmax; a rule does not see it.

        Returns
        -------
        Tensor, shape [M]
            Float32 or wider.

        Raises
        ------
        ValueError
            If shapes do not fit, scores are NaN, or `users` is needed and missing.
        """
        extra = {"users": users} if self.by_user else {}
        if log_weight is not None:
            extra["log_weight"] = log_weight
        if isinstance(self.temperature, int | float):
            return self.function(positive, negative, temperature=self.temperature, **extra)
        held = negative if isinstance(negative, Tensor) else negative.matrix().values
        temperature = self.temperature(positive.detach(), held.detach(), users)
        return self.function(positive, held, temperature=temperature, **extra)


def create_loss(config: ContrastiveConfig, n_users: int = 0, n_items: int = 0) -> ScoreLoss:
    """Return the loss that options ask for.

    Parameters
    ----------
    config : ContrastiveConfig
    n_users, n_items : int
        Sizes of the data, for temperatures that depend on them.

    Returns
    -------
    ScoreLoss
        Ready to use.

    Raises
    ------
    ValueError
        If the temperature needs users and there are none.
    """
    rule = config.temperature
    temperature = rule if isinstance(rule, int | float) else create_rule(rule, n_users, n_items)
    return ScoreLoss(_function(config), temperature, isinstance(config, BSL) and config.form == "multi")


def _function(config: ContrastiveConfig) -> Loss:
    if isinstance(config, ADNCE):
        weighted: Loss = partial(adnce, variant=config.variant, mu=config.mu, sigma=config.sigma)
        return shuffled(weighted) if config.shuffled else weighted
    if isinstance(config, HCL):
        return partial(hcl, beta=config.beta, tau_plus=config.tau_plus)
    if isinstance(config, DCLW):
        return partial(dclw, sigma=config.sigma)
    if isinstance(config, BSL):
        return partial(bsl, form=config.form, ratio=config.ratio)
    if isinstance(config, RINCE):
        return partial(rince, q=config.q, lam=config.lam)
    return sampled_softmax if isinstance(config, InfoNCE) else dcl
