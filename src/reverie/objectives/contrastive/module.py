"""Contrastive losses as modules, of scores and of vectors, with a fixed or learned temperature, and their creation from options."""

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from reverie.objectives.config import ADNCE, BSL, ContrastiveConfig
from reverie.objectives.contrastive.hard import bsl, dcl, dclw, hcl, rince
from reverie.objectives.contrastive.products import NegativeMode, Reduction
from reverie.objectives.contrastive.vectors import Loss, contrast
from reverie.objectives.contrastive.weighted import adnce, shuffled
from reverie.objectives.dro.rules import create_rule
from reverie.objectives.dro.temperature import TemperatureRule
from reverie.objectives.pool import Pool, check_temperature
from reverie.objectives.softmax import sampled_softmax


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


LOSSES: dict[str, Loss] = dict(info_nce=sampled_softmax, adnce=adnce, hcl=hcl, dcl=dcl, dclw=dclw, bsl=bsl, rince=rince)
"""By kind; the options of a kind are the loss's own."""


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
    options = config.model_dump(exclude={"kind", "temperature", "shuffled"})
    loss: Loss = partial(LOSSES[config.kind], **options)
    if isinstance(config, ADNCE) and config.shuffled:
        loss = shuffled(loss)
    temperature = create_rule(config.temperature, n_users, n_items)
    return ScoreLoss(loss, temperature, isinstance(config, BSL) and config.form == "multi")


class Contrastive(nn.Module):
    """A loss of scores and the options of `contrast`: ``Contrastive(partial(adnce, variant="image", mu=0.7, sigma=0.5), 0.4)``.

    Parameters
    ----------
    loss : callable
        Loss of scores; InfoNCE by default.
    temperature : float or TemperatureRule
        τ, positive; what learning starts from. Or a rule, such as `learn_temperature`, that finds it from the scores; then
        all scores of a batch are held.
    learn_temperature : bool
        Make ``log τ`` a parameter, as CLIP does (arXiv 2103.00020).
    reduction, negative_mode, symmetric, chunk, gather
        See `contrast`.

    Raises
    ------
    ValueError
        If `temperature` is not positive, or a rule is to be learned as a parameter.
    """

    def __init__(
        self,
        loss: Loss = sampled_softmax,
        temperature: float | TemperatureRule = 0.1,
        *,
        learn_temperature: bool = False,
        reduction: Reduction = "mean",
        negative_mode: NegativeMode = "unpaired",
        symmetric: bool = False,
        chunk: int | None = None,
        gather: bool = False,
    ) -> None:
        super().__init__()
        if isinstance(temperature, int | float):
            check_temperature(temperature)
        elif learn_temperature:
            raise ValueError("learn_temperature makes a number a parameter; a rule learns by itself")
        else:
            loss = ScoreLoss(loss, temperature)
        self.loss = loss
        self.options: dict[str, Any] = {"reduction": reduction, "negative_mode": negative_mode}
        self.options |= {"symmetric": symmetric, "chunk": chunk, "gather": gather}
        self.fixed = temperature if isinstance(temperature, int | float) else None
        self.log_temperature: nn.Parameter | None = None
        if learn_temperature and self.fixed is not None:
            self.log_temperature = nn.Parameter(torch.tensor(math.log(self.fixed)))

    @property
    def temperature(self) -> float | Tensor | None:
        """τ: a number, or a tensor of shape [] with gradient where it is learned; None where a rule finds it."""
        return self.fixed if self.log_temperature is None else self.log_temperature.exp()

    def forward(
        self,
        query: Tensor,
        positive_key: Tensor,
        negative_keys: Tensor | None = None,
        *,
        labels: Tensor | None = None,
        negative_labels: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Return the loss.

        Parameters
        ----------
        query, positive_key, negative_keys, labels, negative_labels, mask
            See `contrast`.

        Returns
        -------
        Tensor, shape [], or [M] for reduction "none"
            The loss, float32 or wider.

        Raises
        ------
        ValueError
            See `contrast`.
        """
        left_out: dict[str, Any] = {"labels": labels, "negative_labels": negative_labels, "mask": mask}
        return contrast(self.loss, query, positive_key, negative_keys, self.temperature, **left_out, **self.options)
