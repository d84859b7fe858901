"""Scores of many candidates of a user: the common beginning of their prompts is read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from reverie.data.batch import SequenceBatch as Batch
from reverie.llm.collm.evidence import newest
from reverie.llm.collm.packed import packed_answers
from reverie.llm.collm.writing import written
from reverie.llm.prefix import common_length, read
from reverie.llm.prompts import SOFT

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.llm.collm.model import CoLLM


def candidate_scores(model: CoLLM, batch: SequenceBatch, items: Tensor) -> Tensor:
    """Score many candidates of one user; the common beginning of their prompts is read once; items [C] → [C]."""
    real = items.nonzero()[:, 0]
    found = torch.zeros(len(items), device=model.centre.device)
    if len(real) < 2:
        return found if not len(real) else found.index_put((real,), model.pairs(batch, items[real][None])[:, 0])
    prompts, vectors = written(model, batch, items[real][None])
    aware = model.evidence is not None and model.evidence.aware
    shared = common_length(prompts, stop_at_soft=aware)
    if model.mapping is not None and not aware:  # soft tokens look alike, but those of an item are its own
        places = [at for at, token in enumerate(prompts[0]) if token == SOFT]
        slots = [slot for slot in model.prompting.template.slots if slot in ("user", "item")]
        shared = min(shared, places[slots.index("item") * model.config.mapping.tokens])
    if shared == 0:
        parts = [model.pairs(batch, chunk[None]) for chunk in torch.split(items[real], model.config.rows)]
        return found.index_put((real,), torch.cat(parts, dim=1)[0])
    inside = prompts[0][:shared].count(SOFT)
    per_row = prompts[0].count(SOFT)
    soft = vectors.view(len(prompts), per_row, model.backbone.width)
    before = read(model.backbone, [prompts[0][:shared]], soft[0, :inside])
    order = sorted(range(len(prompts)), key=lambda row: len(prompts[row]))  # where ends are padded, equal lengths lie together
    ends = [prompts[row][shared:] for row in order]
    at = torch.tensor(order, device=found.device)
    logits = torch.zeros(len(prompts), 2, device=found.device)
    logits[at] = packed_answers(model.backbone, ends, soft[at, inside:], model.words, before, model.config.rows)
    return found.index_put((real,), model.score_of(logits))


def catalogue_scores(model: CoLLM, batch: SequenceBatch) -> Tensor:
    """Score the whole catalogue, or its `shortlist`, behind which items stand in the order of the recommender → [B, N]."""
    n_items = len(model.prompting.titles.texts)
    everything = torch.arange(1, n_items + 1, device=model.centre.device)
    if model.config.shortlist is None or model.config.shortlist >= n_items or model.evidence is None:
        return torch.stack([candidate_scores(model, rows_of(batch, [row]), everything) for row in range(batch.size)])
    rough: Tensor = model.evidence.model.scores(newest(batch, model.evidence.model.history)).float()
    chosen = rough.topk(model.config.shortlist, dim=1).indices
    fine = torch.stack([candidate_scores(model, rows_of(batch, [row]), chosen[row] + 1) for row in range(batch.size)])
    behind = rough - rough.amax(1, keepdim=True) + fine.amin(1, keepdim=True) - 1
    return behind.scatter(1, chosen, fine)


def rows_of(batch: SequenceBatch, rows: list[int]) -> SequenceBatch:
    """Return some rows of a batch, without targets and labels."""
    at = torch.tensor(rows, device=batch.items.device)
    return Batch(batch.items[at], batch.lengths[at], batch.users[at])


def chunks(size: int, rows: int) -> list[list[int]]:
    """Return the numbers below `size` in groups of at most `rows`."""
    return [list(range(at, min(at + rows, size))) for at in range(0, size, rows)]
