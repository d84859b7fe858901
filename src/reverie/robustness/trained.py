"""Profile pollution of a trained model (`reverie attack RUN`): histories are added to, nothing is fitted again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt, PositiveInt

from reverie.calls import require_model, require_split
from reverie.data.queries import Queries, extended
from reverie.data.sequences import Sequences
from reverie.data.split import Split
from reverie.errors import DataError
from reverie.evaluation import Effect, evaluate
from reverie.evaluation.intervals import difference_over_seeds, mean_over_seeds
from reverie.evaluation.ranking import evaluation_mode, score_batch
from reverie.evaluation.recommendations import find_items
from reverie.models.own import adopt
from reverie.options import Few, Options, checked
from reverie.protocols import Recommender, Scores
from reverie.robustness.attacks.pollution import greedy_events
from reverie.robustness.benchmark import NONE
from reverie.robustness.fits import exposure_by_user
from reverie.robustness.results import HASH_DIGITS, effect_columns
from reverie.seeds import numpy_generator
from reverie.shown import Shown
from reverie.study.environment import commit
from reverie.study.progress import progress
from reverie.study.rows import common_columns

ATTACKS = ("clean", "random", "popular", "near", "chosen")
"""Nothing; items drawn uniformly; the most popular; those most often with the target; those that the model's own answers favour."""
CUT = 10
"""Length of the list that a target wants to be in."""
ROWS = 16
"""Histories that a model is asked about at a time."""


class TrainedConfig(Options):
    """An attack on a trained model."""

    users: PositiveInt = 50
    """Users with a history, drawn by the seed."""
    targets: tuple[str | int, ...] = ()
    """External ids or titles of items to promote; empty draws them from the less popular half. Users take turns at them."""
    draw: PositiveInt = 5
    """How many are drawn."""
    candidates: Annotated[int, Field(gt=CUT)] = 100
    """Items that a target is ranked among, itself included."""
    events: Few = 2
    """Events added to each history."""
    pool: Annotated[int, Field(ge=2)] = 10
    """Items tried for each of them: half of them most often with the target, the others the most popular."""
    rivals: PositiveInt = 4
    """Candidates whose mean score the target's is compared with while choosing; their ranks are measured as all others'."""
    seed: NonNegativeInt = 0
    """Of all draws."""


@dataclass(frozen=True)
class PollutionRow:
    """What one way of polluting did; extra [Q, events]."""

    attack: str
    hit: Effect
    lift: Effect
    place: Effect
    moved: Effect
    extra: NDArray[np.int32] = field(repr=False)


@dataclass(frozen=True, repr=False)
class TrainedAttack(Shown):
    """An attack on a trained model, measured."""

    asked: Queries
    rows: tuple[PollutionRow, ...]

    def _facts(self) -> dict[str, str]:
        """Return how many histories there are, and how many lists hold the target after each way."""
        return {"histories": f"{len(self.asked):,}"} | {f"HR@{CUT} {row.attack}": f"{row.hit.value:.3f}" for row in self.rows}

    def __str__(self) -> str:
        lines = [f"{'added':8} HR@{CUT:<5} lift [95 %]             mean place"]
        for row in self.rows:
            low, high = row.lift.ends
            lift = "" if row.attack == "clean" else f"{row.lift.value:+.3f} [{low:+.3f}, {high:+.3f}]"
            lines.append(f"{row.attack:8} {row.hit.value:.3f}    {lift:23} {row.place.value:.3f}")
        return "\n".join(lines)


def attack(model: Recommender | Scores, split: Split, **options: Any) -> TrainedAttack:
    """Add events to users' histories so that a trained model recommends chosen items, in several ways, and measure how far it goes.

    Nothing is fitted again (profile pollution): histories of test users get a few more events, drawn at random, popular, near the
    target, or chosen by the model's own answers.

    Parameters
    ----------
    model : Recommender
        A fitted model, or anything with ``scores(batch, items=None)``.
    split : Split
        Of its training; test histories are attacked.
    **options
        Fields of `TrainedConfig`, such as ``users=20``, ``targets=("a07",)`` or ``events=2``.

    Returns
    -------
    TrainedAttack
        One row for each way, with the share of lists of ten that hold the target; printed, it is a table.

    Raises
    ------
    ConfigError, DataError
        If an option is unknown, or there is nobody to attack.

    Examples
    --------
    ``print(rv.attack(model, split, users=20))``
    """
    require_model(model, "rv.attack(model, split)")
    require_split(split, "rv.attack(model, split)")
    return attack_trained(adopt(model, split.vocabulary), split.test, split.train, checked(TrainedConfig, options, "attack"))


def attack_trained(
    model: Recommender, histories: Queries, train: Sequences, config: TrainedConfig, show: bool = False
) -> TrainedAttack:
    """Pollute histories in several ways and measure where the targets stand among candidates drawn for each user.

    .. [1] Yue, He, Zeng and McAuley, Black-box attacks on sequential recommenders via data-free model extraction, RecSys 2021
       (profile pollution). Deviations: a greedy search over a small pool by the model's answers, see `pollution`.
    """
    counts = train.item_counts()[1:]
    targets = _targets(histories, counts, config)
    asked = _draw_queries(histories, targets, config)
    pool = _candidate_events(train, counts, asked, targets, config)
    model = adopt(model, train.vocabulary)
    if not histories.sequences.vocabulary.holds_in(model.card.vocabulary):
        raise DataError(
            f"model '{model.card.name}' has other items or users than the histories; take the split of its own training"
        )
    draw = numpy_generator(config.seed, "random events")
    allowed = np.setdiff1d(np.arange(1, len(counts) + 1, dtype=np.int32), targets)
    half = config.pool - config.pool // 2
    shape = (len(asked), config.events)
    with progress(config.events * config.pool + len(ATTACKS), "attack", show) as shown:
        extra = {
            "clean": np.zeros(shape, dtype=np.int32),
            "random": draw.choice(allowed, shape).astype(np.int32),
            "popular": pool[:, half + np.arange(config.events) % (config.pool - half)],
            "near": pool[:, np.arange(config.events) % half],
        }
        extra["chosen"] = greedy_events(asked, pool, config.events, partial(_target_margin, model, config=config), shown.advance)
        ranks = {}
        for name in ATTACKS:
            ranks[name] = evaluate(model, extended(asked, extra[name]), top=0, batch_size=ROWS, seed=config.seed).ranks
            shown.advance(f"ranks, {name}")
    hits, places = ([exposure_by_user(ranks[name], metric) for name in ATTACKS] for metric in (f"hr@{CUT}", "rank"))
    rows = [
        PollutionRow(
            name, hit=mean_over_seeds([hit]), lift=difference_over_seeds([hit], [hits[0]]), place=mean_over_seeds([place]),
            moved=difference_over_seeds([place], [places[0]]), extra=extra[name],
        )
        for name, hit, place in zip(ATTACKS, hits, places, strict=True)
    ]  # fmt: skip
    return TrainedAttack(asked, tuple(rows))


def _targets(histories: Queries, counts: NDArray[np.int64], config: TrainedConfig) -> NDArray[np.int32]:
    if config.targets:
        return np.unique(find_items(config.targets, histories.sequences.vocabulary))
    known = np.flatnonzero(counts) + 1
    lower = known[np.argsort(counts[known - 1], kind="stable")][: max(1, len(known) // 2)]
    if len(lower) < config.draw:
        raise DataError(f"the less popular half has {len(lower)} items, fewer than {config.draw}; set draw to {len(lower)} or less")
    return np.sort(numpy_generator(config.seed, "targets").choice(lower, config.draw, replace=False)).astype(np.int32)


def _draw_queries(histories: Queries, targets: NDArray[np.int32], config: TrainedConfig) -> Queries:
    """Return one query per drawn user: the longest history, a target that is not in it, and candidates that are not either."""
    order = np.lexsort((-histories.lengths, histories.clusters))
    _, first = np.unique(histories.clusters[order], return_index=True)
    users = numpy_generator(config.seed, "users").permutation(order[first])
    items = np.arange(1, histories.sequences.vocabulary.n_items + 1)
    draw = numpy_generator(config.seed, "candidates")
    rows: list[int] = []
    chosen: list[int] = []
    candidates: list[NDArray[np.int64]] = []
    for row in users[histories.lengths[users] > 0].tolist():
        history = histories.sequences.items[histories.start[row] : histories.stop[row]]
        free = np.setdiff1d(targets, history)
        rivals = np.setdiff1d(items, np.concatenate([history, targets]))
        if len(rows) == config.users or not len(free):
            continue
        if len(rivals) < config.candidates - 1:
            raise DataError(f"only {len(rivals)} items are left beside a target; set candidates to {len(rivals) + 1} or less")
        chosen.append(int(free[len(rows) % len(free)]))
        candidates.append(np.concatenate([[chosen[-1]], draw.choice(rivals, config.candidates - 1, replace=False)]))
        rows.append(row)
    if not rows:
        raise DataError("no user has a history without the targets, so there is nothing to pollute; name other targets")
    asked, steps = histories.take(np.array(rows, dtype=np.int64)), np.arange(len(rows) + 1, dtype=np.int64)
    return replace(
        asked, clusters=np.arange(len(rows), dtype=np.int64), targets=np.array(chosen, dtype=np.int32), targets_at=None,
        offsets=steps, seen="keep", labels=None, candidates=np.concatenate(candidates).astype(np.int32),
        candidate_offsets=steps * config.candidates,
    )  # fmt: skip


def _candidate_events(
    train: Sequences, counts: NDArray[np.int64], asked: Queries, targets: NDArray[np.int32], config: TrainedConfig
) -> NDArray[np.int32]:
    """Return the items to try for each query, shape [Q, pool]: those most often with its target, then the most popular."""
    rows, items = train.event_rows(), train.items[train.positions()]
    popular = np.argsort(-counts, kind="stable") + 1
    popular = popular[~np.isin(popular, targets)]
    half = config.pool - config.pool // 2
    if len(popular) < config.pool:
        raise DataError(f"there are {len(popular)} items to choose from; set pool to {len(popular)} or less")
    pools = {}
    for target in np.unique(asked.targets).tolist():
        with_target = np.isin(rows, rows[items == target])
        shared = np.bincount(items[with_target], minlength=len(counts) + 1)[1:] / np.sqrt(np.maximum(counts, 1))
        near = np.argsort(-(shared + 1e-9 * counts), kind="stable") + 1
        near = near[~np.isin(near, targets)][:half]
        pools[target] = np.concatenate([near, popular[~np.isin(popular, near)][: config.pool - half]]).astype(np.int32)
    return np.stack([pools[target] for target in asked.targets.tolist()])


def _target_margin(model: Recommender, asked: Queries, *, config: TrainedConfig) -> NDArray[np.float64]:
    """Return how far each target's score is above the mean of a few rivals."""
    table = torch.from_numpy(np.asarray(asked.candidates).reshape(len(asked), -1)[:, : 1 + config.rivals].astype(np.int64))
    parts = []
    with evaluation_mode(model, None, config.seed) as device:
        for first in range(0, len(asked), ROWS):
            index = np.arange(first, min(first + ROWS, len(asked)))
            scores = score_batch(model, asked, index, device, table[index]).cpu().double()
            parts.append(scores[:, 0] - scores[:, 1:].mean(dim=1))
    return np.asarray(torch.cat(parts).cpu().numpy())


def polluted_rows(done: TrainedAttack, config: TrainedConfig, split: Split, run: str, model: str) -> list[dict[str, Any]]:
    """Return one row per figure of an attack on a trained model."""
    data = {"dataset_sha256": split.sha256[:HASH_DIGITS], "protocol": f"{split.protocol}, {config.candidates} candidates"}
    own = {"model": model, "victim": model, "seed": config.seed, "budget": config.events, "commit": commit()}
    common = common_columns(run, split, seen="keep", defence=NONE, **data, **own)
    rows = []
    for row in done.rows:
        figures = {"target_hr@10": row.hit, "target_rank": row.place, "lift_hr@10": row.lift, "change_rank": row.moved}
        rows += [common | {"attack": f"history-{row.attack}"} | effect_columns(name, effect) for name, effect in figures.items()]
    return rows
