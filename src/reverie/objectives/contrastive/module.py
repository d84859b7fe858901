"""`Contrastive`: a contrastive loss of vectors as a module, with an optional learned temperature."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from reverie.objectives.checks import check_temperature
from reverie.objectives.contrastive.score_loss import ScoreLoss
from reverie.objectives.contrastive.vectors import Loss, contrast
from reverie.objectives.softmax import sampled_softmax

if TYPE_CHECKING:
    from reverie.objectives.contrastive.products import NegativeMode, Reduction
    from reverie.objectives.dro.temperature import TemperatureRule


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
        self.loss, self.reduction, self.negative_mode = loss, reduction, negative_mode
        self.symmetric, self.chunk, self.gather = symmetric, chunk, gather
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
        return contrast(
            self.loss,
            query,
            positive_key,
            negative_keys,
            self.temperature,
            self.reduction,
            self.negative_mode,
            symmetric=self.symmetric,
            labels=labels,
            negative_labels=negative_labels,
            mask=mask,
            chunk=self.chunk,
            gather=self.gather,
        )
