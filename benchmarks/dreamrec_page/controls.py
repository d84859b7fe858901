"""Models that share DreamRec's parts and differ in one thing each, and the same vectors ranked otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.diffusion import Guided
from reverie.models.dreamrec.model import DreamRec
from reverie.options import Options
from reverie.protocols import Card

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.batch import SequenceBatch
    from reverie.data.sequences import Sequences
    from reverie.data.vocabulary import Vocabulary
    from reverie.models.dreamrec.config import DreamRecConfig
    from reverie.protocols import Recommender


class NoiseOff(DreamRec):
    """The same network and loss, with neither signal nor noise in the denoiser's first input: it is asked at x = 0, step 0.

    Training replaces guidance by the null vector as before, and generation extrapolates the two answers with the same w.

    Parameters
    ----------
    config : DreamRecConfig
        Options.
    vocabulary : Vocabulary
        The items to recommend.
    """

    def __init__(self, config: DreamRecConfig, vocabulary: Vocabulary) -> None:
        super().__init__(config, vocabulary)
        self.signal, self.spread = torch.zeros(1), torch.zeros(1)

    def _generate(self, h: Tensor, keys: Tensor) -> Tensor:
        flat = h.reshape(-1, h.shape[-1])
        return Guided(self.denoiser, flat, self.null, self.config.guidance)(torch.zeros_like(flat), 0).view_as(h)


class EncoderAlone(DreamRec):
    """DreamRec's encoder and item table trained by cross-entropy over the catalogue; h itself meets the item vectors."""

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the cross-entropy of the targets.

        Parameters
        ----------
        batch : SequenceBatch
            With ``targets [B]``.

        Returns
        -------
        dict
            One term, ``loss``.
        """
        if batch.targets is None:
            raise ValueError("batch has no targets")
        return {"loss": F.cross_entropy(self._guidance(batch) @ self.item_table().T, batch.targets - 1)}

    def _generate(self, h: Tensor, keys: Tensor) -> Tensor:
        return h


def frozen_table(config: DreamRecConfig, vocabulary: Vocabulary) -> DreamRec:
    """Return DreamRec whose item vectors stay as they were drawn, so that nothing can collapse.

    Parameters
    ----------
    config : DreamRecConfig
        Options.
    vocabulary : Vocabulary
        The items to recommend.

    Returns
    -------
    DreamRec
        Its table takes no gradient.
    """
    model = DreamRec(config, vocabulary)
    model.items.weight.requires_grad_(False)
    return model


BUILDS: dict[str, Callable[[DreamRecConfig, Vocabulary], DreamRec]] = {
    "noise-off": NoiseOff,
    "encoder-alone": EncoderAlone,
    "frozen-table": frozen_table,
}


class Reranked:
    """A trained model whose scores are changed before they are ranked.

    Parameters
    ----------
    model : Recommender
        Scores the whole catalogue.
    change : callable
        From scores [B, N] to scores [B, N].
    """

    def __init__(self, model: Recommender, change: Callable[[Tensor], Tensor]) -> None:
        self.card, self.history, self._model, self._change = model.card, model.history, model, change

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Score the whole catalogue.

        Parameters
        ----------
        batch : SequenceBatch
            Histories.
        items : None
            Candidates are not supported.

        Returns
        -------
        Tensor, shape [B, N]
            Changed scores.
        """
        if items is not None:
            raise ValueError("items must be None: the whole catalogue is ranked")
        return self._change(self._model.scores(batch))


def nearest_first(model: DreamRec) -> Reranked:
    """Return the model with items ranked by distance: x·e - |e|²/2 orders them as -|x - e| does.

    Parameters
    ----------
    model : DreamRec
        Trained.

    Returns
    -------
    Reranked
        Over the same vectors.
    """
    half = model.item_table().detach().square().sum(1) / 2
    return Reranked(model, lambda scores: scores - half)


def trained_only(model: DreamRec, train: Sequences) -> Reranked:
    """Return the model with items that training never saw behind all others.

    Parameters
    ----------
    model : DreamRec
        Trained.
    train : Sequences
        On these events.

    Returns
    -------
    Reranked
        Over the same vectors.
    """
    unseen = torch.from_numpy(train.item_counts()[1:] == 0)
    return Reranked(model, lambda scores: scores.masked_fill(unseen, float(scores.min()) - 1))


class NewItemsConfig(Options):
    """There is nothing to choose."""


class NewItems:
    """All items without a training event before all others, each group in random order.

    Parameters
    ----------
    config : NewItemsConfig
        Options.
    vocabulary : Vocabulary
        Ids of N items.
    """

    history: int | None = 0

    def __init__(self, config: NewItemsConfig, vocabulary: Vocabulary) -> None:
        self.card = Card("new-items", config, vocabulary)
        self._new = torch.zeros(vocabulary.n_items)

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Score the catalogue or given candidates.

        Parameters
        ----------
        batch : SequenceBatch
            Histories, which are not read.
        items : Tensor or None, shape [B, C]
            Candidate codes.

        Returns
        -------
        Tensor, shape [B, N] or [B, C]
            1 for an item without a training event, else 0.
        """
        return self._new.repeat(batch.size, 1) if items is None else self._new[(items - 1).clamp(min=0)]

    def fit_counts(self, train: Sequences, measure: Callable[[], float] | None = None, seed: int = 0) -> dict[str, Any]:
        """See which items have no event.

        Parameters
        ----------
        train : Sequences
            What is learned from.
        measure, seed
            Not used.

        Returns
        -------
        dict
            Empty.
        """
        self._new = torch.from_numpy(train.item_counts()[1:] == 0).float()
        return {}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return which items are new.

        Returns
        -------
        dict of str to ndarray
            By name.
        """
        return {"new": self._new.numpy()}

    def load_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `arrays` returned.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            By name.
        """
        self._new = torch.from_numpy(np.array(arrays["new"]))
