"""CoLLM: a language model that predicts whether a user likes an item, from titles and collaborative vectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import Parameter
from torch.nn import functional as F

from reverie.data.batch import SequenceBatch, newest_events, require_targets
from reverie.data.vocabulary import Vocabulary
from reverie.errors import ConfigError
from reverie.llm.backbone import Backbone, add_lora, load_backbone
from reverie.llm.collm.collaborative import BinaryCodes, CollaborativeVectors, MappingNetwork
from reverie.llm.collm.config import CoLLMConfig
from reverie.llm.collm.prompting import Prompting, candidate_logits, open_template, pair_logits
from reverie.llm.titles import TitleOptions, catalogue_titles
from reverie.models import create_model
from reverie.models.shown import ShownModel
from reverie.protocols import Card

LANGUAGE = "language."
"""Where the language model's weights stand among the names; of these only a LoRA is stored."""


class CoLLM(ShownModel, nn.Module):
    """Score of an item: the logit of *Yes* after a prompt with the user's titles, the item's title and, for ids, soft tokens.

    .. [1] Zhang et al., CoLLM: Integrating collaborative embeddings into large language models for recommendation, TKDE 37(5),
       2025, arXiv 2310.19488. Deviations: dedicated places for soft tokens instead of the unknown token; our wording, which asks
       before it names the item (`template: question` has the published order); a constant is taken off the score, which changes
       no order, so that training begins near log-odds of 0; a token that says that nothing is known, instead of untrained
       vectors (`cold: vector` is as published).
    """

    card: Card
    centre: Tensor

    def __init__(
        self, config: CoLLMConfig, vocabulary: Vocabulary, backbone: Backbone, vectors: CollaborativeVectors | None
    ) -> None:
        super().__init__()
        self.config, self.backbone = config, backbone
        self.history: int | None = config.history if vectors is None else max(config.history, vectors.history)
        self.plan = "labelled-by-user" if config.ranking else "labelled"
        self.language = backbone.model
        self.evidence = vectors  # its name in stored weights
        self.mapping: MappingNetwork | None = None
        self.bits: BinaryCodes | None = None
        if vectors is not None and config.ids == "soft":
            self.mapping = MappingNetwork(config.mapping, vectors.dim, backbone.width, backbone.rms)
        elif vectors is not None and config.ids != "none":
            self.bits = BinaryCodes(vectors.dim, config.bits)
        titles = catalogue_titles(vocabulary, TitleOptions(year=config.year, duplicates="share"))
        self.prompting = Prompting(config, backbone, open_template(config), titles, vectors, self.mapping or self.bits)
        self.register_buffer("centre", torch.zeros((), device=backbone.device))
        self.stage = "lora" if self.mapping is None else "mapping"
        for part in (self.evidence, self.mapping, self.bits):
            if part is not None:
                part.to(backbone.device)
        self.set_stage(self.stage)

    def set_stage(self, stage: str) -> None:
        """Choose what is trained."""
        self.stage = stage
        for name, parameter in self.language.named_parameters():
            if "lora_" in name:
                parameter.requires_grad_(stage in ("lora", "all"))
        tuned = stage in ("mapping", "all")
        if self.mapping is not None:
            self.mapping.requires_grad_(tuned)
        if self.evidence is not None:
            self.evidence.requires_grad_(tuned and self.config.tune == "mapping+vectors")

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Return the parameters that are trained now."""
        yield from (p for p in super().parameters(recurse) if p.requires_grad)

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:  # type: ignore[override]
        """Return all state but the language model's own weights, which are loaded by name."""
        whole = super().state_dict(*args, **kwargs)
        return {name: value for name, value in whole.items() if not name.startswith(LANGUAGE) or "lora_" in name}

    def load_state_dict(self, state_dict: Any, strict: bool = True, assign: bool = False) -> Any:
        """Take back what `state_dict` returned."""
        own = self.state_dict()
        if strict and set(own) != set(state_dict):
            raise RuntimeError(f"these are not the weights of this model: {sorted(set(own) ^ set(state_dict))[:3]}")
        return super().load_state_dict(state_dict, strict=False, assign=assign)

    def train(self, mode: bool = True) -> CoLLM:
        """Set the mode; what the stage does not train stays as in use, without dropout."""
        super().train(mode)
        if self.stage == "mapping":
            self.language.eval()
        if self.evidence is not None and self.config.tune == "mapping":
            self.evidence.eval()
        return self

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Score given candidates, or the whole catalogue; items [B, C] → [B, N] or [B, C]."""
        if items is None:
            return self._catalogue_scores(batch)
        if items.shape[1] == 1:
            size = self.config.rows
            parts = [self.pairs(_rows(batch, at, size), items[at : at + size]) for at in range(0, batch.size, size)]
            return torch.cat(parts) if parts else items.new_zeros(items.shape, dtype=torch.float32)
        return self._candidate_scores(batch, items)

    def _candidate_scores(self, batch: SequenceBatch, items: Tensor) -> Tensor:
        """Score candidates of each user, 0 for padding; items [B, C] → [B, C]."""
        scores = torch.zeros(items.shape, device=self.centre.device)
        for row, codes in enumerate(items):
            real = codes.nonzero()[:, 0]
            if len(real):
                logits = candidate_logits(self.prompting, _rows(batch, row), codes[real])
                scores = scores.index_put((torch.full_like(real, row), real), self.score_of(logits))
        return scores

    def _catalogue_scores(self, batch: SequenceBatch) -> Tensor:
        """Score every item, or the `shortlist`, behind which items stand in the order of the recommender → [B, N]."""
        n_items = len(self.prompting.titles.texts)
        everything = torch.arange(1, n_items + 1, device=self.centre.device)
        if self.config.shortlist is None or self.config.shortlist >= n_items or self.evidence is None:
            return self._candidate_scores(batch, everything.expand(batch.size, -1))
        recommender = self.evidence.model
        rough: Tensor = recommender.scores(newest_events(batch, recommender.history)).float()
        chosen = rough.topk(self.config.shortlist, dim=1).indices
        fine = self._candidate_scores(batch, chosen + 1)
        behind = rough - rough.amax(1, keepdim=True) + fine.amin(1, keepdim=True) - 1
        return behind.scatter(1, chosen, fine)

    def loss(self, batch: SequenceBatch) -> dict[str, Tensor]:
        """Return the binary cross-entropy against labels and, where it has a weight, the pairwise loss inside users."""
        if batch.targets is None or batch.labels is None:
            raise ConfigError(
                "collm learns from labelled rows; use a dataset with labels, such as collm-ml-1m, and 'reverie collm'"
            )
        scores = self.pairs(batch, batch.targets[:, None])[:, 0]
        terms = {"bce": F.binary_cross_entropy_with_logits(scores, batch.labels.to(scores))}
        if self.config.ranking:
            pairs = (batch.users[:, None] == batch.users) & (batch.labels[:, None] > batch.labels)
            losses = F.softplus(scores - scores[:, None])
            total = (losses * pairs).sum() / pairs.sum().clamp(min=1)
            terms["ranking"] = self.config.ranking * total
        return terms

    @torch.no_grad()
    def fit_centre(self, batch: SequenceBatch) -> None:
        """Take the mean score of some training rows off all scores."""
        self.eval()
        self.centre.zero_()
        self.centre.copy_(self.scores(batch, require_targets(batch, "collm")[:, None]).mean())

    @torch.no_grad()
    def fit_scale(self, batch: SequenceBatch) -> None:
        """Let the mapping take mean and spread of the vectors of training rows."""
        if self.mapping is None or self.evidence is None:
            return
        self.eval()
        batch = batch.to(self.centre.device)
        items = require_targets(batch, "collm")[:, None]
        users, known = self.evidence.user_vectors(batch, items)[:, 0], self.evidence.known_users(batch)
        self.mapping.fit_scale(users[known], self.evidence.item_vectors(items)[:, 0])

    @torch.no_grad()
    def fit_bits(self) -> None:
        """Read the directions and medians of bits off the recommender."""
        if self.bits is None or self.evidence is None or self.evidence.history:
            raise ConfigError("ids written as bits need a table of users: lightgcn, or mf with fold_in: never")
        users = self.evidence.user_rows.nonzero()[:, 0]
        items = self.evidence.item_rows.nonzero()[:, 0]
        nobody = torch.zeros(len(users), dtype=torch.int64, device=users.device)
        batch = SequenceBatch(nobody[:, None], nobody, users)
        self.bits.fit(self.evidence.user_vectors(batch, nobody[:, None])[:, 0], self.evidence.item_vectors(items[None])[0])

    def pairs(self, batch: SequenceBatch, items: Tensor) -> Tensor:
        """Score pairs; what comes before the first soft token needs no gradient where it is frozen; items [B, C] → [B, C]."""
        return self.score_of(pair_logits(self.prompting, batch, items, self.stage == "mapping")).view(items.shape)

    def score_of(self, logits: Tensor) -> Tensor:
        """Turn the logits of Yes and No into scores; logits [M, 2] → [M]."""
        raw = logits[:, 0] if self.config.score == "yes_logit" else logits[:, 0] - logits[:, 1]
        return raw - self.centre


def _rows(batch: SequenceBatch, first: int, count: int = 1) -> SequenceBatch:
    """Return consecutive rows of a batch, without targets and labels."""
    rows = slice(first, first + count)
    return SequenceBatch(batch.items[rows], batch.lengths[rows], batch.users[rows])


def create_collm(config: CoLLMConfig, vocabulary: Vocabulary, backbone: Backbone, vectors: CollaborativeVectors | None) -> CoLLM:
    """Return a model over existing parts: a backbone with its LoRA, shared by several models, and a fitted recommender."""
    model = CoLLM(config, vocabulary, backbone, vectors)
    model.card = Card("collm", config, vocabulary)
    return model.eval()


def build(config: CoLLMConfig, vocabulary: Vocabulary) -> CoLLM:
    """Turn options into a model; the language model is loaded.

    Parameters
    ----------
    config : CoLLMConfig
    vocabulary : Vocabulary

    Returns
    -------
    CoLLM
        With fresh weights beside those of the language model.
    """
    backbone = add_lora(load_backbone(config.backbone), config.lora)
    wanted = config.collaborative if config.ids != "none" or config.shortlist is not None else None
    vectors = None if wanted is None else CollaborativeVectors(create_model(wanted.name, vocabulary, **wanted.options))
    return CoLLM(config, vocabulary, backbone, vectors)
