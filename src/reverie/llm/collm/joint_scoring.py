"""Scores of several models over one language model; what their prompts share is read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from reverie.data.batch import query_batch
from reverie.llm.likelihood import answer_logits, common_length, encode_prefix
from reverie.study.progress import progress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from reverie.data.queries import Queries
    from reverie.llm.collm.model import CoLLM

ROWS = 16
"""Rows read at a time."""


@torch.no_grad()
def joint_scores(models: Mapping[str, CoLLM], queries: Queries, show: bool = False) -> dict[str, NDArray[np.float64]]:
    """Score labelled rows with several models that have one language model and one LoRA in common → [Q]."""
    backbone = next(iter(models.values())).backbone
    if any(model.backbone is not backbone for model in models.values()):
        raise ValueError("models: they have different language models; ask each alone")
    scores = {name: np.zeros(len(queries)) for name in models}
    for model in models.values():
        model.eval()
    history = max(model.history or 0 for model in models.values())
    order = np.argsort(-np.minimum(queries.lengths, history), kind="stable")
    batches = [order[at : at + ROWS] for at in range(0, len(order), ROWS)]
    with progress(len(batches), "scoring", show) as shown:
        for index in batches:
            batch = query_batch(queries, index, history).to(backbone.device)
            items = torch.from_numpy(queries.targets[index].astype(np.int64))[:, None].to(backbone.device)
            rendered = {name: model.prompting.render(batch, items) for name, model in models.items()}
            shared = [
                common_length([prompts[row] for prompts, _ in rendered.values()], stop_at_soft=True) for row in range(len(index))
            ]
            prefix = None
            if min(shared) > 0:
                prompts, vectors = next(iter(rendered.values()))
                prefix = encode_prefix(backbone, [p[:n] for p, n in zip(prompts, shared, strict=True)], vectors[:0])
            for name, model in models.items():
                prompts, vectors = rendered[name]
                ends = prompts if prefix is None else [p[n:] for p, n in zip(prompts, shared, strict=True)]
                logits = answer_logits(backbone, ends, vectors, model.prompting.answers, prefix)
                scores[name][index] = model.score_of(logits).double().cpu().numpy()
            shown.advance()
    return scores
