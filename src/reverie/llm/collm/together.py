"""Several models over one language model, asked together: what their prompts share is read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from reverie.data.batch import query_batch
from reverie.llm.collm.writing import written
from reverie.llm.prefix import answers, common_length, read
from reverie.study.progress import progress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from reverie.data.queries import Queries
    from reverie.llm.collm.model import CoLLM

ROWS = 16
"""Rows read at a time."""


@torch.no_grad()
def scores_together(models: Mapping[str, CoLLM], queries: Queries, show: bool = False) -> dict[str, NDArray[np.float64]]:
    """Score labelled rows with several models that have one language model and one LoRA in common → [Q]."""
    first = next(iter(models.values()))
    if any(model.backbone is not first.backbone for model in models.values()):
        raise ValueError("models: they have different language models; ask each alone")
    found = {name: np.zeros(len(queries)) for name in models}
    for model in models.values():
        model.eval()
    history = max(model.history or 0 for model in models.values())
    lengths = np.minimum(queries.lengths, history)
    order = np.argsort(-lengths, kind="stable")
    batches = [order[at : at + ROWS] for at in range(0, len(order), ROWS)]
    with progress(len(batches), "scoring", show) as shown:
        for index in batches:
            batch = query_batch(queries, index, history).to(first.centre.device)
            items = torch.from_numpy(queries.targets[index].astype(np.int64))[:, None].to(first.centre.device)
            asked = {name: written(model, batch, items) for name, model in models.items()}
            shared = [
                common_length([prompts[row] for prompts, _ in asked.values()], stop_at_soft=True) for row in range(len(index))
            ]
            nothing = next(iter(asked.values()))[1][:0]
            prompts = next(iter(asked.values()))[0]
            whole = min(shared) == 0
            before = None if whole else read(first.backbone, [p[:n] for p, n in zip(prompts, shared, strict=True)], nothing)
            for name, model in models.items():
                own, vectors = asked[name]
                ends = own if whole else [p[n:] for p, n in zip(own, shared, strict=True)]
                logits = answers(first.backbone, ends, vectors, model.words, before)
                found[name][index] = model.score_of(logits).double().cpu().numpy()
            shown.advance()
    return found
