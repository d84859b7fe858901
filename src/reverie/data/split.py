"""What a recommender learns from, what it is chosen on, and what it is tested on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reverie.data.queries import Queries
    from reverie.data.sequences import Sequences
    from reverie.data.vocabulary import Vocabulary


@dataclass(frozen=True)
class Split:
    """One dataset, cut by one protocol.

    Parameters
    ----------
    train : Sequences
        The events a model may learn from.
    valid, test : Queries
        Questions for choosing, and for the one test.
    refit : Sequences
        Train and validation events together, for ``fit(on="train+valid")``.
    protocol : str
        Name of the protocol with its options, as results tables print it.
    dataset : str
        Name of the dataset.
    sha256 : str
        Identity of the dataset.
    labelled : Sequences or None
        Where events carry labels: every training event with its column ``label``; `train` then holds the liked ones only.
    """

    train: Sequences
    valid: Queries
    test: Queries
    refit: Sequences
    protocol: str
    dataset: str
    sha256: str
    labelled: Sequences | None = None

    @property
    def vocabulary(self) -> Vocabulary:
        """External ids of items and users."""
        return self.train.vocabulary

    def learn_from(self, on: str) -> Sequences:
        """Return what to fit on.

        Parameters
        ----------
        on : {"train", "train+valid"}
            Which events.

        Returns
        -------
        Sequences
            `train` or `refit`.
        """
        return self.refit if on == "train+valid" else self.train
