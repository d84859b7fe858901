"""CoLLM: a language model that says whether a user would like an item, from titles and from collaborative vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.batch import SequenceBatch as Batch
from reverie.errors import ConfigError
from reverie.llm.backbone import Backbone, load_backbone
from reverie.llm.collm.bits import Bits
from reverie.llm.collm.catalogue import candidate_scores, catalogue_scores, chunks, rows_of
from reverie.llm.collm.evidence import Evidence, create_evidence
from reverie.llm.collm.mapping import Mapping
from reverie.llm.collm.prompting import create_prompting
from reverie.llm.collm.writing import written
from reverie.llm.lora import add_lora
from reverie.llm.prefix import answers, read
from reverie.llm.prompts import SOFT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch.nn import Parameter

    from reverie.data.batch import SequenceBatch
    from reverie.data.vocabulary import Vocabulary
    from reverie.llm.collm.config import CoLLMConfig
    from reverie.protocols import Card

LANGUAGE = "language."
"""Where the language model's weights stand among the names; of these only a LoRA is stored."""
ALIKE = 4
"""Prompts of about one length that a processor reads side by side; an accelerator reads all."""


class CoLLM(nn.Module):
    """Score of an item: the logit of *Yes* after a prompt with the user's titles, the item's title and, for ids, soft tokens.

    .. [1] Zhang et al., CoLLM: Integrating collaborative embeddings into large language models for recommendation, TKDE 37(5),
       2025, arXiv 2310.19488. Deviations: dedicated places for soft tokens instead of the unknown token; our wording, which asks
       before it names the item (`template: question` has the published order); a constant is taken off the score, which changes
       no order, so that training begins near log-odds of 0; a token that says that nothing is known, instead of untrained
       vectors (`cold: vector` is as published).
    """

    card: Card
    centre: Tensor
    words: Tensor

    def __init__(self, config: CoLLMConfig, vocabulary: Vocabulary, backbone: Backbone, evidence: Evidence | None) -> None:
        super().__init__()
        self.config, self.backbone = config, backbone
        self.history: int | None = config.history if evidence is None else max(config.history, evidence.history)
        self.plan = "labelled-by-user" if config.ranking else "labelled"
        self.prompting = create_prompting(config, backbone, vocabulary)
        self.language = backbone.model
        self.evidence = evidence
        self.mapping: Mapping | None = None
        self.bits: Bits | None = None
        if evidence is not None and config.ids == "soft":
            self.mapping = Mapping(config.mapping, evidence.dim, backbone.width, backbone.rms)
        elif evidence is not None and config.ids != "none":
            self.bits = Bits(evidence.dim, config.bits)
        words = [self.prompting.answer("Yes"), self.prompting.answer("No")]
        self.register_buffer("words", torch.tensor(words, device=backbone.device), persistent=False)
        self.register_buffer("centre", torch.zeros((), device=backbone.device))
        self.stage = "lora" if self.mapping is None else "mapping"
        others = [part for part in (self.evidence, self.mapping, self.bits) if part is not None]
        for part in others:
            part.to(backbone.device)
        self.set_stage(self.stage)

    def set_stage(self, stage: str) -> None:
        """Choose what is trained."""
        self.stage = stage
        loras = [p for name, p in self.language.named_parameters() if "lora_" in name]
        for parameter in loras:
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
            return catalogue_scores(self, batch)
        if items.shape[1] == 1:
            rows = [self.pairs(rows_of(batch, at), items[at]) for at in chunks(batch.size, self.config.rows)]
            return torch.cat(rows) if rows else items.new_zeros(items.shape, dtype=torch.float32)
        return torch.stack([candidate_scores(self, rows_of(batch, [row]), items[row]) for row in range(batch.size)])

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
        if batch.targets is None:
            raise ValueError("batch: targets are needed")
        self.eval()
        self.centre.zero_()
        self.centre.copy_(self.scores(batch, batch.targets[:, None]).mean())

    @torch.no_grad()
    def fit_scale(self, batch: SequenceBatch) -> None:
        """Let the mapping take mean and spread of the vectors of training rows."""
        if self.mapping is None or self.evidence is None or batch.targets is None:
            return
        self.eval()
        items = batch.targets[:, None].to(self.centre.device)
        batch = batch.to(self.centre.device)
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
        batch = Batch(nobody[:, None], nobody, users)
        self.bits.fit(self.evidence.user_vectors(batch, nobody[:, None])[:, 0], self.evidence.item_vectors(items[None])[0])

    def pairs(self, batch: SequenceBatch, items: Tensor) -> Tensor:
        """Score pairs; what comes before the first soft token needs no gradient where it is frozen; items [B, C] → [B, C]."""
        prompts, vectors = written(self, batch, items)
        soft = vectors.view(len(prompts), -1, vectors.shape[-1])
        order = sorted(range(len(prompts)), key=lambda row: len(prompts[row]))
        alike = ALIKE if self.centre.device.type == "cpu" else len(prompts)
        groups = [order[at : at + alike] for at in range(0, len(order), alike)]
        logits = [self._logits([prompts[row] for row in rows], soft[rows].flatten(0, 1)) for rows in groups]
        back = torch.tensor(order, device=items.device).argsort()
        return self.score_of(torch.cat(logits)[back]).view(items.shape)

    def _logits(self, prompts: list[list[int]], vectors: Tensor) -> Tensor:
        first = [prompt.index(SOFT) if SOFT in prompt else 0 for prompt in prompts]
        if self.stage != "mapping" or min(first) == 0 or not torch.is_grad_enabled():
            return answers(self.backbone, prompts, vectors, self.words)
        with torch.no_grad():
            before = read(self.backbone, [p[:n] for p, n in zip(prompts, first, strict=True)], vectors[:0].detach())
        return answers(self.backbone, [p[n:] for p, n in zip(prompts, first, strict=True)], vectors, self.words, before)

    def score_of(self, logits: Tensor) -> Tensor:
        """Turn the logits of Yes and No into scores; logits [M, 2] → [M]."""
        raw = logits[:, 0] if self.config.score == "yes_logit" else logits[:, 0] - logits[:, 1]
        return raw - self.centre


def create_collm(config: CoLLMConfig, vocabulary: Vocabulary, backbone: Backbone, evidence: Evidence | None) -> CoLLM:
    """Return a model over existing parts: a backbone with its LoRA, shared by several models, and a fitted recommender."""
    from reverie.protocols import Card

    model = CoLLM(config, vocabulary, backbone, evidence)
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
    evidence = None if wanted is None else create_evidence(wanted, vocabulary)
    return CoLLM(config, vocabulary, backbone, evidence)
