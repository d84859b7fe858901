"""Rank of the added item's title among sampled titles, by log-likelihood under the language model and by vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from reverie.evaluation.values import Values
from reverie.files import read_json, write_json
from reverie.llm.likelihood import continuation_log_likelihoods
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.llm.interpreter.answers import AnswerGenerator, RowName
    from reverie.llm.interpreter.session import Session
    from reverie.llm.windows import Windows


def sample_titles(session: Session, windows: Windows, others: int) -> NDArray[np.int64]:
    """Draw titles beside the true one → [R, 1 + others]."""
    distinct = np.unique(session.titles.canonical[1:])
    rows = []
    for at in range(len(windows)):
        true = int(session.titles.canonical[windows.row(at)[-1]])
        rest = distinct[distinct != true]
        generator = numpy_generator(session.recipe.training.seed, "ranked", at)
        rows.append([true, *generator.choice(rest, min(others, len(rest)), replace=False).tolist()])
    return np.array(rows, dtype=np.int64)


@torch.no_grad()
def likelihood_ranks(generator: AnswerGenerator, row: RowName, titles: NDArray[np.int64]) -> NDArray[np.float64]:
    """Rank the true title by the log-likelihoods of all; titles [R, C] → [R]."""
    path = None if generator.folder is None else generator.folder / f"residual-{row}-ranks.json"
    if path is not None and path.is_file():
        return np.array(read_json(path), dtype=np.float64)
    prompts, ranks = generator.session.prompts, []
    for at in range(len(titles)):
        index = np.array([at])
        rendered, vectors = generator.prompts("residual", row, generator.histories.take(index), index)
        answers = [prompts.target([code]) for code in titles[at].tolist()]
        scores = continuation_log_likelihoods(prompts.backbone, rendered[0], vectors, answers).cpu().double()
        ranks.append(rank_of_first(scores[None]).item())
    if path is not None:
        write_json(path, ranks)
    return np.array(ranks, dtype=np.float64)


def vector_ranks(vectors: torch.Tensor, table: torch.Tensor, cosine: bool, titles: NDArray[np.int64]) -> NDArray[np.float64]:
    """Rank the true title by the vectors of its item, without a language model.

    vectors [R, D], table [N, D], titles [R, C] → [R].
    """
    if cosine:
        vectors, table = F.normalize(vectors, dim=-1), F.normalize(table, dim=-1)
    scores = torch.einsum("rd,rcd->rc", vectors, table[torch.from_numpy(titles) - 1])
    return rank_of_first(scores).numpy()


def rank_of_first(scores: torch.Tensor) -> torch.Tensor:
    """Return the rank of the first column [R], float64, from 1; ties count half."""
    first, others = scores[:, :1], scores[:, 1:]
    return 1 + (others > first).sum(1).double() + 0.5 * (others == first).sum(1).double()


def rank_values(ranks: NDArray[np.float64], users: NDArray[np.int64]) -> dict[str, Values]:
    """Return ranks as metrics; ranks [R], users [R]."""
    ones = np.ones(len(ranks))
    return {"rank": Values(ranks, ones, users, len(ranks)), "first": Values((ranks < 1.5).astype(float), ones, users, len(ranks))}
