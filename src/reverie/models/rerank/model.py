"""A recommender whose lists are those of another one, chosen anew place by place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.calls import require_model, require_split
from reverie.data.batch import SequenceBatch, newest_events
from reverie.data.categories import category_matrix, shares
from reverie.data.sequences import Sequences
from reverie.data.split import Split
from reverie.data.vocabulary import Vocabulary
from reverie.errors import ConfigError, DataError, ReverieError, unknown
from reverie.models.own import adopt
from reverie.models.rerank.config import CategoryQuotas, Mmr, PopularityCalibrated, RerankConfig, base_options
from reverie.models.shelf import MODELS
from reverie.models.shown import ShownModel
from reverie.nn.reranking import calibrated, min_max, mmr, within_quotas
from reverie.options import Options, checked
from reverie.protocols import Card, Recommender, Represents
from reverie.seeds import numpy_generator

CELLS = 1 << 23
"""Candidates times groups that are looked at together."""
STEP = 2.0**-10
"""Between the scores of two chosen places, in units of the row's largest score, or of 1."""


class Rerank(ShownModel, nn.Module):
    """The first `k` places are chosen out of the model's `pool` highest items; they score above all others, whose scores stay.

    Scores are so those of a list, not of likeness: they order, and nothing else. `table` has the categories of items, or the group
    of their popularity, one row a code; it is known once `observe` has seen the training events.
    """

    card: Card
    history: int | None = None
    base: Recommender
    table: Tensor
    limits: Tensor

    def __init__(self, config: RerankConfig, vocabulary: Vocabulary, base: Recommender | None = None) -> None:
        super().__init__()
        self.config = config
        shuffled = numpy_generator(0, "re-ranking", "ties").permutation(vocabulary.n_items)
        self.order = torch.from_numpy(shuffled)  # items of one score stand in it, so that no code is at an advantage
        self.base = _make(config.model, vocabulary) if base is None else base
        if isinstance(how := config.how, Mmr) and how.by == "vectors" and not isinstance(self.base, Represents):
            raise ConfigError(f"model '{self.base.card.name}' has no item vectors; use by='categories', or a model that has some")

    def observe(self, train: Sequences) -> None:
        """See the training events and the catalogue once: what the groups of items are."""
        how, said = self.config.how, f"re-ranking by '{self.config.how.kind}'"
        found: dict[str, Tensor] = {"table": torch.zeros(train.vocabulary.n_items + 1, 0)}
        if isinstance(how, PopularityCalibrated):
            found["table"] = popularity_groups(train.item_counts(), how.groups)
        elif not (isinstance(how, Mmr) and how.by == "vectors"):
            matrix, names = category_matrix(train.vocabulary, said)
            ones = (matrix if isinstance(how, Mmr | CategoryQuotas) else shares(matrix)).toarray()
            found["table"] = torch.from_numpy(np.pad(ones, ((1, 0), (0, 0)))).float()
            if isinstance(how, CategoryQuotas):
                if strange := [name for name in how.quotas if name not in names]:
                    raise unknown("category", strange[0], names)
                found["limits"] = torch.tensor([float(how.quotas.get(name, how.most or np.inf)) for name in names])
        self.take(found)

    def tensors(self) -> dict[str, Tensor]:
        """Return what `observe` found."""
        if not hasattr(self, "table"):
            raise ReverieError("this re-ranking has not seen the training events yet; fit it first")
        return {name: getattr(self, name) for name in ("table", "limits") if hasattr(self, name)}

    def take(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `tensors` returned."""
        for name, value in tensors.items():
            self.register_buffer(name, value)

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Score the catalogue or given candidates; items [B, C] → [B, N] or [B, C]."""
        self.tensors()
        raw = self.base.scores(newest_events(batch, self.base.history)).float()
        room = F.pad(raw, (0, 1))  # a column for places that stay empty
        open_ = room.scatter(1, (batch.items - 1) % room.shape[1], -torch.inf) if self.config.seen == "remove" else room
        order = self.order.to(raw.device)
        values, at = torch.topk(open_.index_select(1, order), min(self.config.pool, raw.shape[1]))
        columns = order[at]
        places = self._choose(min_max(values), columns, batch)
        top = raw.amax(dim=1, keepdim=True)
        worth = top + STEP * top.abs().clamp(min=1) * torch.arange(places.shape[1], 0, -1, device=raw.device)
        chosen = columns.gather(1, places.clamp(min=0)).masked_fill(places < 0, raw.shape[1])
        scores = room.scatter(1, chosen, worth)[:, :-1]
        return scores if items is None else scores.gather(1, (items - 1).clamp(min=0))

    def _choose(self, relevance: Tensor, columns: Tensor, batch: SequenceBatch) -> Tensor:
        """Return which candidates take the first places; relevance, columns [B, C] → [B, k]."""
        how, k = self.config.how, self.config.k
        by_vectors = isinstance(how, Mmr) and how.by == "vectors"
        table = F.pad(self.base.item_table().detach(), (0, 0, 1, 0)) if by_vectors else self.table  # type: ignore[attr-defined]
        wanted = F.embedding_bag(batch.items, table, mode="sum", padding_idx=0)
        step, parts = max(1, CELLS // max(1, columns.shape[1] * table.shape[1])), []
        for first in range(0, len(columns), step):
            near, rows = relevance[first : first + step], F.embedding(columns[first : first + step] + 1, table)
            if isinstance(how, Mmr):
                parts.append(mmr(near, rows, how.trade, k))
            elif isinstance(how, CategoryQuotas):
                parts.append(within_quotas(near, rows, self.limits, k))
            else:
                parts.append(calibrated(near, rows, wanted[first : first + step], how.trade, k))
        return torch.cat(parts)


def popularity_groups(counts: np.ndarray[Any, np.dtype[np.int64]], ends: tuple[float, ...]) -> Tensor:
    """Return the group of each item's popularity as ones: the most popular items that have the first share of events, and so on.

    .. [1] Abdollahpouri et al., User-centered evaluation of popularity bias in recommender systems, UMAP 2021: 20 %, 60 %, 20 %.

    counts [N + 1] → [N + 1, len(ends) + 1]; row 0 is zero.
    """
    order = np.argsort(-counts[1:], kind="stable")
    before = np.cumsum(counts[1:][order]) - counts[1:][order]
    group = np.searchsorted(np.sort(ends) * counts.sum(), before, side="right")
    table = torch.zeros(len(counts), len(ends) + 1)
    table[order + 1, group] = 1.0
    return table


def _make(model: dict[str, Any], vocabulary: Vocabulary) -> Recommender:
    """Return the model that is re-ranked, not yet fitted."""
    name = model["name"]
    config = checked(MODELS.config(name), base_options(model), f"model '{name}'")
    base: Recommender = MODELS.build(name)(config, vocabulary)
    base.history, base.card = getattr(base, "history", None), Card(name, config, vocabulary)
    return base


def rerank(model: Any, how: str, split: Split, **options: Any) -> Recommender:
    """Choose the lists of a fitted model anew: for variety, for the user's taste in popularity or categories, or within quotas.

    Parameters
    ----------
    model : Recommender
        A fitted model, or anything with ``scores(batch, items=None)``.
    how : {"mmr", "popularity", "categories", "quotas"}
        Maximal marginal relevance; as many popular, middling and rare items as in the history (KL, greedy); categories in its
        proportions (Steck 2018); no more than so many items of a category. All but ``popularity`` and MMR by vectors need a
        catalogue with categories.
    split : Split
        Of the model's training.
    **options
        Of the method, such as ``trade=0.7`` or ``most=2``, and ``k``, ``pool`` and ``seen`` (by default the split's rule) of
        `RerankConfig`.

    Returns
    -------
    Recommender
        A model of its own around the other, which is shared: it is evaluated, recommends, is attacked and stored like any.

    Raises
    ------
    ConfigError
        If a method or an option is unknown.
    DataError
        If the model knows other items or users than the split, or there are no categories.

    Examples
    --------
    ``rv.rerank(model, "mmr", split, trade=0.7)``
    """
    require_model(model, "rv.rerank(model, 'mmr', split)")
    require_split(split, f"rv.rerank(model, {how!r}, split)" if isinstance(how, str) else "rv.rerank(model, 'mmr', split)")
    base = adopt(model, split.vocabulary)
    if not split.vocabulary.holds_in(base.card.vocabulary):
        raise DataError(f"model '{base.card.name}' knows other items or users than the split; give the split of its training")
    name, shared = base.card.name, {"seen": split.test.seen}
    shared |= {key: options.pop(key) for key in ("k", "pool", "seen") if key in options}
    told = base.card.config.model_dump(mode="json", exclude_unset=True) if isinstance(base.card.config, Options) else {}
    known = {"name": name, **told} if name in MODELS else {"name": "markov"}
    config = checked(RerankConfig, {"model": known, "how": {"kind": how, **options}, **shared}, "rerank")
    made = Rerank(config.model_copy(update={"model": {"name": name, **told}}), base.card.vocabulary, base)
    made.card = Card("rerank", made.config, base.card.vocabulary, fitted=base.card.fitted)
    made.observe(split.train)
    made.eval()
    return made
