"""FREEDOM: LightGCN over a pruned graph, beside a frozen graph of items that are alike (Zhou and Shen 2023)."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from reverie.data.batch import SequenceBatch, require_targets
from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary
from reverie.models.freedom.config import FreedomConfig
from reverie.models.freedom.graphs import SimilarItems, pruned_graph, similar_items
from reverie.models.lightgcn.model import InteractionGraph, LightGCN
from reverie.models.modalities import Projection, chosen_features
from reverie.nn.heads import DotHead, LazyHead
from reverie.objectives.negatives import score_draws
from reverie.objectives.objective import SampledObjective
from reverie.objectives.softmax import bpr
from reverie.protocols import Head

PUBLISHED = {"image": 0.1, "text": 0.9}
"""Weights of the two modalities of the paper."""


class Freedom(LightGCN):
    """Score of item i for user u: ``<z_u, z_i + h_i>``, z from LightGCN and h_i from items with content like i's.

    The loss is ``BPR(z_u, z_i + h_i) + λ Σ_m BPR(z_u, W_m f_i^m)`` with one set of negatives, over a graph that is pruned anew for
    each epoch; scores come from the whole graph. A pair of items one of which lacks modality m has no loss of it. An item without
    training events is known by h_i alone, which is made of items with events; one without content by z_i alone. New users are
    folded in as in `lightgcn`.

    .. [1] Zhou and Shen, A tale of two graphs: Freezing and denoising graph structures for multimodal recommendation, MM 2023,
       arXiv:2211.06924, eq. 1-12. As in the authors' code: uniform Xavier vectors, and losses averaged over a batch. The bias b_m
       of the projection cancels in every difference of scores and is left out. Deviations: features are centred and scaled where
       they are projected, and stay as they are (the authors' code trains them, too); AdamW; one epoch visits each event once; a
       negative is an item that occurs in training, and may be of the user's own history, but not the target.
    """

    config: FreedomConfig
    objective: SampledObjective
    pruning: Tensor

    def __init__(self, config: FreedomConfig, vocabulary: Vocabulary) -> None:
        super().__init__(config, vocabulary)
        content = chosen_features(vocabulary, config.modalities, "freedom")
        weights = config.modalities or (PUBLISHED if content.keys() == PUBLISHED.keys() else dict.fromkeys(content, 1.0))
        self.names, self.weights = list(content), [weights[name] for name in content]
        nn.init.xavier_uniform_(self.users)
        nn.init.xavier_uniform_(self.encoder.weight)
        self.projections = nn.ModuleList(Projection(features, config.dim, True) for features in content.values())
        self.register_buffer("pruning", torch.tensor(-1))  # what this epoch's graph is drawn by; below 0 before its first step
        self._pruned: tuple[InteractionGraph, ...] = ()
        self._similar: SimilarItems | None = None

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the loss of the pairs of the batch, that of each modality, and the decay."""
        targets = require_targets(batch, "freedom")
        self._kept.forget()
        users, items = self._passed(self._graph_of_epoch())
        states = users.index_select(0, batch.users)
        if self.objective.sampler is None:
            raise ValueError("freedom.loss needs to know which items occur: call observe(train) first")
        drawn = self.objective.sampler.draw(targets)
        terms = {"loss": bpr(*score_draws(states, targets, DotHead(items), drawn)).mean()}
        for name, projection in zip(self.names, self._read(), strict=True):
            head: Head = LazyHead(len(items), projection)
            positive, negative = score_draws(states, targets, head, drawn)
            both = projection.present[targets - 1][:, None] & projection.present[drawn.items - 1]
            terms[name] = self.config.content_weight * bpr(positive, negative.masked_fill(~both, float("-inf"))).mean()
        return terms | self._decay(batch, targets)

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step: both graphs, and how often each item occurs."""
        super().observe(train)
        self._pruned, self._similar = (), None

    def after_epoch(self, row: dict[str, float]) -> Iterable[str]:
        """Let the next epoch prune anew."""
        self.pruning.fill_(-1)
        self._pruned = ()
        return ()

    def _propagate(self) -> tuple[Tensor, Tensor]:
        return self._passed(self.graph)

    def _passed(self, graph: InteractionGraph) -> tuple[Tensor, Tensor]:
        """Return the final vectors of users and items over a graph."""
        table, known = self.encoder.table(), self.graph.item_degrees > 0
        users, items = graph(self.users, table, self.config.layers)
        if self._similar is None or self._similar.rows.device != table.device:
            features = [(projection.features, projection.present) for projection in self._read()]
            with torch.no_grad():
                self._similar = similar_items(features, self.weights, known, self.config.neighbours)
        alike = table
        for _ in range(self.config.item_layers):
            alike = self._similar(alike)
        return users, items * known[:, None] + alike

    def _graph_of_epoch(self) -> InteractionGraph:
        """Return the pruned graph, drawn in the first step of an epoch by a number that is kept for a training that is cut."""
        if not self.config.prune:
            return self.graph
        if not self._pruned or self._pruned[0].items.device != self.users.device:
            if int(self.pruning) < 0:
                self.pruning.fill_(int(torch.randint(2**62, ())))
            self._pruned = (pruned_graph(self.graph, self.config.prune, int(self.pruning)),)
        return self._pruned[0]

    def _read(self) -> list[Projection]:
        return [one for one in self.projections if isinstance(one, Projection)]
