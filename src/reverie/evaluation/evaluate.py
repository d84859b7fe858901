"""Evaluation of a recommender: ranks of targets, recommended lists and scores of labelled rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
import torch

from reverie import processes
from reverie.calls import require_model, require_queries, require_training_events
from reverie.data.queries import Queries, Seen, repeated_targets
from reverie.data.sequences import Sequences, flat_positions
from reverie.errors import ConfigError, DataError
from reverie.evaluation import ranking
from reverie.evaluation.metrics import UNSHOWN, parsed
from reverie.evaluation.result import Evaluation
from reverie.evaluation.shown import longest, with_asked
from reverie.models.fitted import warn_unfitted
from reverie.models.own import adopt
from reverie.protocols import Scores


def evaluate(
    model: Scores,
    queries: Queries,
    *,
    seen: Seen | None = None,
    top: int = 20,
    batch_size: int | None = None,
    device: str | torch.device | None = None,
    train: Sequences | None = None,
    seed: int = 0,
    progress: bool = False,
    protocol: str = "",
    metrics: Sequence[str] | str | None = None,
) -> Evaluation:
    """Rank the targets of queries among all candidates.

    Items and users are matched with the model's by their ids: users that it does not know are new, items that it does not know are
    left out of histories and lists, and where one is a target it is a miss at every cut-off (with labels: scored below all others).

    Several processes (`torchrun`) share the queries; each then returns the whole result. Candidates are the whole catalogue, or
    the queries' own candidates and their targets. Seen items of the whole history, also of the part that the model does not
    read, are taken out where the rule says so; a target among them is a miss, since no list would show it. A target that occurs
    twice in a query counts once. With labels, only targets with a label above 0 are ranked and every labelled row is scored,
    seen or not; a model that scores nothing but candidates needs queries with candidates (which may be the labelled rows
    themselves).

    Parameters
    ----------
    model : Recommender or Scores
        What to measure; a torch module is put in evaluation mode and back.
    queries : Queries
        What to ask.
    seen : {"remove", "keep"}, optional
        What to do with items of the history; by default the queries' rule.
    top : int
        Length of the recommended lists to keep; 0 for none. At 12,000 items lists of 20 add a third to the time of a vector
        model, lists of 100 double it.
    batch_size : int, optional
        Queries at a time; by default at most 512 and at most 64 MB of scores.
    device : str or torch.device, optional
        Where to compute; a torch module is moved there. By default where the model is.
    train : Sequences, optional
        Training events, for the popularity of items (novelty, popularity, slices).
    seed : int
        Seed for models that draw random numbers.
    progress : bool
        Whether to show a progress bar.
    protocol : str
        How the data were split, to be kept with the result.
    metrics : sequence of str, optional
        What to compute, such as ``["ndcg@10", "ild@10", "mine@10"]``: the result is printed with these, lists are as long as they
        need, and values of metrics that need histories, categories (of the catalogue) or `train` are kept in it, query by query.

    Returns
    -------
    Evaluation
        In the order of the queries.

    Raises
    ------
    ConfigError
        If `seen`, `top` or `batch_size` is not valid, a metric is unknown, or the model or the queries are something else.
    DataError
        If there are no queries, or `train` has another catalogue.
    RunError
        If the model returns scores of a wrong shape or scores that are not finite.
    """
    require_model(model, "rv.evaluate(model, split.test)")
    require_queries(queries)
    require_training_events(train)
    model = adopt(model, queries.sequences.vocabulary)
    warn_unfitted(model, stacklevel=2)
    named, rule = parsed(metrics), queries.seen if seen is None else seen
    top = max(top, longest(named))
    if rule not in ("remove", "keep"):
        raise ConfigError(f"seen='{rule}' is not a rule for seen items; use 'remove' or 'keep'")
    if top < 0 or (batch_size is not None and batch_size < 1):
        raise ConfigError(f"top={top}, batch_size={batch_size} is not possible; use top of 0 or more and a batch size of 1 or more")
    if not len(queries):
        raise DataError("there are no queries to evaluate on; check the split")
    n_items = queries.sequences.vocabulary.n_items
    if train is not None and not train.vocabulary.same_items(queries.sequences.vocabulary):
        raise DataError(
            f"train has {train.vocabulary.n_items} items and the queries have {n_items}, not the same; take both from one split"
        )
    asked, codes = ranking.in_model_codes(model, queries)
    ranked = ranking.ranked_targets(queries)
    n_targets, width = len(queries.targets), min(top, n_items)
    greater, equal = np.zeros((2, n_targets), dtype=np.int32)
    target_scores = np.zeros(n_targets, dtype=np.float32)
    n_candidates, n_masked = np.zeros((2, len(queries)), dtype=np.int32)
    items, scores_kept = np.zeros((len(queries), width), dtype=np.int32), np.zeros((len(queries), width), dtype=np.float32)
    share = (processes.rank(), None, processes.world()) if processes.together() else (0, None, 1)
    with ranking.evaluation_mode(model, device, seed) as used:
        for index in islice(ranking.batches(queries, model.history, batch_size, progress), *share):
            layout = ranking.arrange(queries, index, rule == "remove")
            known = layout.items if codes is None or layout.items is None else codes[layout.items].astype(np.int64)
            scores = ranking.score_batch(model, asked, index, used, None if known is None else torch.from_numpy(known))
            scores = ranking.in_columns(scores, codes) if codes is not None and known is None else scores
            numbers = flat_positions(queries.offsets[index], queries.offsets[index + 1])
            pairs = ranked[numbers] & ~layout.unshown
            greater[numbers[layout.unshown]] = UNSHOWN
            n_candidates[index], n_masked[index] = layout.n_candidates, layout.n_masked
            with ranking.masked(scores, layout.hidden_rows, layout.hidden_columns):
                chosen = numbers[pairs]
                greater[chosen], equal[chosen] = ranking.count_around(
                    scores, layout.target_rows[pairs], layout.target_columns[pairs]
                )
                if queries.labels is not None:
                    target_scores[numbers] = scores[layout.target_rows, layout.target_columns].float().cpu().numpy()
                if width:
                    columns, values = ranking.highest(scores, width)
                    items[index, : columns.shape[1]] = layout.codes(columns)
                    scores_kept[index, : columns.shape[1]] = values
    processes.add_up((greater, equal, target_scores, n_candidates, n_masked, items, scores_kept), used)
    if codes is not None and (unknown := codes[queries.targets] == 0).any():
        greater[unknown], equal[unknown] = UNSHOWN, 0
        target_scores[unknown] = np.nextafter(target_scores[~unknown].min(initial=0), np.float32(-np.inf))
    counts = None if train is None else train.item_counts()
    query, column = np.nonzero(items)
    evaluation = Evaluation(
        ranks=ranking.rank_frame(queries, ranked, greater, equal, n_candidates, n_masked, counts),
        topk=ranking.list_frame(queries, query, column + 1, items[query, column], scores_kept[query, column], counts),
        scored=None if queries.labels is None else ranking.label_frame(queries, target_scores), seen=rule,
        repeats=int((repeated_targets(queries) & ranked).sum()), protocol=protocol, model=model.card.name, top=top, n_items=n_items,
        train_events=None if counts is None else int(counts.sum()),
        train_popularity=None if counts is None else float((counts.astype(np.float64) ** 2).sum() / max(counts.sum(), 1)),
    )  # fmt: skip
    return with_asked(evaluation, named, queries, train) if named else evaluation
