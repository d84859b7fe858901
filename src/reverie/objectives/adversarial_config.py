"""Options of adversarial training, readable without torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt

from reverie.options import Options


class APR(Options):
    """Adversarial personalised ranking: every user and item vector of an example is moved by the same distance."""

    kind: Literal["apr"]
    epsilon: NonNegativeFloat = 0.5
    """Length of each perturbation, in units of the vectors (0.5 as published); 0 trains plainly."""
    weight: NonNegativeFloat = 1.0
    """Weight λ of the loss under perturbation (1 as published); 0 trains plainly."""
    plain_epochs: NonNegativeInt = 5
    """Epochs without perturbation at the start; weights are chosen on validation after them only."""


class VAT(Options):
    """Vulnerability-aware adversarial training: vectors of users that are fitted well are moved farther."""

    kind: Literal["vat"]
    epsilon: NonNegativeFloat = 0.3
    """Length of a perturbation before the user's factor, in units of the vectors (0.3 in the authors' code); 0 trains plainly."""
    weight: NonNegativeFloat = 1.0
    """Weight λ of the loss under perturbation (1 in the authors' code); 0 trains plainly."""
    user_weight: NonNegativeFloat = 2.0
    """Largest factor of a user; the user of average loss gets half of it (2 in the authors' code)."""
    plain_epochs: NonNegativeInt = 5
    """Epochs without perturbation at the start; weights are chosen on validation after them only."""


AdversarialConfig = Annotated[APR | VAT, Field(discriminator="kind")]
"""A way of adversarial training."""


def check_adversarial(adversarial: APR | VAT | None, objective: str, cosine: bool) -> None:
    """Raise where adversarial training is asked for and cannot be had."""
    if adversarial is None:
        return
    if cosine:
        raise ValueError("adversarial training moves vectors whose inner products are scores; set cosine to false")
    if objective not in DRAWING:
        raise ValueError(f"adversarial training needs an objective of the kind {', '.join(DRAWING)}, not {objective}")


DRAWING = ("bpr", "bce", "gbce", "sampled_softmax")
"""Kinds of objectives with drawn negatives and no state of their own."""
