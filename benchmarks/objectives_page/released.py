"""The settings that the authors of ADNCE released, and the slopes that follow from them."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from reverie.objectives import effective_inv_tau


@dataclass(frozen=True)
class Released:
    """One setting.

    Parameters
    ----------
    name : str
        What it was released for.
    tau, mu, sigma : float
        Options.
    """

    name: str
    tau: float
    mu: float
    sigma: float

    @property
    def at_zero(self) -> float:
        """Slope at cosine 0."""
        return self._slope(0.0)

    @property
    def at_one(self) -> float:
        """Slope at cosine 1."""
        return self._slope(1.0)

    def _slope(self, cosine: float) -> float:
        return float(effective_inv_tau(torch.tensor(cosine, dtype=torch.float64), self.tau, self.mu, self.sigma))


def released_settings() -> list[Released]:
    """Return the settings of the repository junkangwu/ADNCE.

    Returns
    -------
    list of Released
        Images, sentences, graphs.
    """
    return [
        Released("CIFAR-10", 0.4, 0.7, 0.5),
        Released("CIFAR-100", 0.3, 0.5, 1.0),
        Released("STL-10", 0.2, 0.8, 1.0),
        Released("BERT-base", 0.07, 0.4, 1.0),
        Released("RoBERTa-base", 0.06, 2.0, 1.0),
        Released("NCI1", 0.05, 0.7, 1.0),
        Released("PROTEINS", 0.05, 1.5, 1.0),
        Released("DD", 0.2, 0.2, 1.0),
        Released("MUTAG", 0.15, 0.7, 1.0),
        Released("COLLAB", 0.1, 0.3, 1.0),
        Released("REDDIT-B", 0.15, 0.3, 1.0),
        Released("REDDIT-5K", 0.15, 0.8, 1.0),
        Released("IMDB-B", 0.55, 0.7, 1.0),
    ]
