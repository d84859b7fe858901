"""From trained models to rows of the table: lists, how varied they are, and how well probabilities are calibrated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from generation.lists import drawn_lists, own_lists, varied_lists, vectors_of
from reverie.evaluation.beyond_accuracy import (
    Estimate,
    co_occurrence_cosine,
    distinct_items,
    expected_calibration_error,
    fit_temperature,
    intra_list_similarity,
    list_recall,
    mean_estimate,
    predicted,
    union_lists,
)
from reverie.evaluation.list_metrics import coverage
from reverie.models.store import with_options
from reverie.seeds import numpy_generator
from reverie.training.run import tried_settings

if TYPE_CHECKING:
    from generation.lists import Drawn, Lists
    from generation.plan import Settings
    from reverie.data.queries import Queries
    from reverie.data.split import Split
    from reverie.training.run import Run

Row = dict[str, Any]
RESAMPLES = 1000
Choice = tuple[tuple[int, float], float]
"""Steps and η of a sampler, and strength of guidance."""
OWN, CHOSEN = "own list", ", n chosen"
AGAINST = ("sasrec", "sasrec MMR", "comirec", "daydream-noise-off", "daydream", "daydream MMR")
"""What the union whose n was chosen is compared with; all others are compared with the first."""
VARIED = ("sasrec", "daydream")
"""Rows whose lists are also re-ordered by MMR."""
LIKELIHOODS = ("sasrec", "daydream", "daydream-noise-off")
"""Rows whose scores are logits of a softmax over the catalogue."""


@dataclass(frozen=True)
class Ranked:
    """The lists of one method.

    Parameters
    ----------
    row : str
        Whose.
    method : str
        How they were made, the settings behind a colon.
    lists : ndarray, shape [Q, K], int64
        For the test queries.
    trials : int
        Settings tried on validation.
    drawn : Drawn or None
        The draws behind them.
    """

    row: str
    method: str
    lists: Lists
    trials: int
    drawn: Drawn | None = None

    @property
    def short(self) -> str:
        """Row and way without settings; the row alone for its own list."""
        return self.row if self.method == OWN else f"{self.row} {self.method.partition(':')[0]}"


@dataclass(frozen=True)
class Measuring:
    """What all measurements of one dataset share.

    Parameters
    ----------
    runs : mapping of str to Run
        Finished, by row.
    split : Split
        The last events left out.
    settings : Settings
        What is tried.
    tell : callable
        Told a line before each part.
    """

    runs: Mapping[str, Run]
    split: Split
    settings: Settings
    tell: Callable[[str], None]

    @property
    def valid(self) -> Queries:
        """The validation queries that settings are chosen on, drawn once."""
        queries, most = self.split.valid, self.settings.validation
        if len(queries) <= most:
            return queries
        return queries.take(np.sort(numpy_generator(0, "generation").choice(len(queries), most, replace=False)))

    def rows(self) -> list[Row]:
        """Measure everything.

        Returns
        -------
        list of dict
            Rows of the table.
        """
        return [*self._list_rows(), *self._likelihood_rows()]

    def _list_rows(self) -> Iterator[Row]:
        similarity, methods = co_occurrence_cosine(self.split.train), list(self._methods())
        recalls = {(found.short, found.lists.shape[1]): self._recall(found.lists) for found in methods}
        for found in methods:
            k, lists = found.lists.shape[1], found.lists
            common, recall = self._common(found.row, found.method, k, found.trials), recalls[found.short, k]
            yield common | {"metric": f"recall@{k}"} | self._mean(recall)
            for name in AGAINST if CHOSEN in found.method else AGAINST[:1]:
                if name != found.short:
                    yield common | {"metric": f"recall@{k} minus {name}"} | self._mean(recall - recalls[name, k])
            yield common | {"metric": f"similarity@{k}"} | self._mean(intra_list_similarity(lists, similarity))
            share = coverage(lists[lists > 0], self.split.vocabulary.n_items)
            yield common | {"metric": f"coverage@{k}", "value": share, "n": len(lists)}
            if found.drawn is not None:
                first = distinct_items(found.drawn.lists[:, :, 0]).astype(np.float64)
                yield common | {"metric": "distinct first items"} | self._mean(first)
                yield common | {"metric": "cosine of draws"} | self._mean(found.drawn.cosine)

    def _methods(self) -> Iterator[Ranked]:
        for k, (row, run) in product(self.settings.lengths, self.runs.items()):
            yield Ranked(row, OWN, own_lists(run.test, k), tried_settings(run))
        for row in VARIED:
            yield from self._varied(row)
        yield from self._unions()

    def _varied(self, row: str) -> Iterator[Ranked]:
        """Order a model's list anew; places are given greedily, so a shorter list is the beginning of a longer one."""
        self.tell(f"{row}, MMR")
        model, valid, tried = self.runs[row].model(), self.valid, self.settings
        longest = max(tried.lengths)
        known = varied_lists(model, valid, tried.trades, longest, tried.candidates)
        asked = varied_lists(model, self.split.test, tried.trades, longest, tried.candidates)
        for k in tried.lengths:
            trade = max(tried.trades, key=lambda t: _mean_recall(known[t][:, :k], valid))
            yield Ranked(row, f"MMR: lambda={trade:g}", asked[trade][:, :k], len(tried.trades))

    def _unions(self) -> Iterator[Ranked]:
        """Join the lists of several draws, with the sampler that reached most on validation."""
        model, valid, tried = self.runs["daydream"].model(), self.valid, self.settings
        choices = list(product(tried.samplers, tried.guidance))
        longest, most = max(tried.lengths), max(tried.draws)
        reached: dict[tuple[int, int, Choice], float] = {}
        for choice in choices:
            self.tell(f"draws with {_said(choice)}")
            lists = drawn_lists(_variant(model, choice), valid, most, longest).lists
            for k, n in product(tried.lengths, tried.draws):
                reached[k, n, choice] = _mean_recall(union_lists(lists[:, :n, :k], k), valid)
        asked: dict[Choice, Drawn] = {}
        for k in tried.lengths:
            chosen = max(product(tried.draws, choices), key=lambda pair: reached[k, *pair])
            for n in tried.draws:
                choice = max(choices, key=lambda c: reached[k, n, c])
                if choice not in asked:
                    asked[choice] = drawn_lists(_variant(model, choice), self.split.test, most, longest)
                marked, trials = (CHOSEN, len(tried.draws)) if n == chosen[0] else ("", 1)
                method = f"union of {n} draws{marked}: {_said(choice)}"
                lists = union_lists(asked[choice].lists[:, :n, :k], k)
                yield Ranked("daydream", method, lists, trials * len(choices), asked[choice])

    def _likelihood_rows(self) -> Iterator[Row]:
        valid, test = self.valid, self.split.test
        for row in LIKELIHOODS:
            self.tell(f"likelihood of {row}")
            model: Any = self.runs[row].model()
            table = model.item_table().detach()
            most = max(self.settings.draws)
            ways = {"softmax": 0} | ({f"mixture of {most} draws": most} if row == "daydream" else {})
            for method, draws in ways.items():
                known, asked = (vectors_of(model, queries, draws) for queries in (valid, test))
                fitted = fit_temperature(known, table, _next(valid))
                for name, temperature in ((method, 1.0), (f"{method}, fitted temperature", fitted)):
                    answers = predicted(asked, table, _next(test), temperature)
                    error = expected_calibration_error(answers, test.clusters, resamples=RESAMPLES)
                    common = self._common(row, name, None, tried_settings(self.runs[row]))
                    yield common | {"metric": "log-likelihood"} | self._mean(answers.log_likelihood)
                    yield common | {"metric": "ece"} | _cells(error)
                    yield common | {"metric": "confidence"} | self._mean(answers.confidence)
                    yield common | {"metric": "accuracy"} | self._mean(answers.correct.astype(np.float64))
                    yield common | {"metric": "temperature", "value": temperature, "n": len(valid)}

    def _recall(self, lists: Lists) -> np.ndarray:
        return list_recall(lists, self.split.test.targets, self.split.test.offsets)

    def _mean(self, values: np.ndarray) -> Row:
        return _cells(mean_estimate(values, self.split.test.clusters, RESAMPLES))

    def _common(self, row: str, method: str, k: int | None, trials: int) -> Row:
        run = self.runs[row]
        return {
            "recipe": run.recipe.name,
            "dataset": self.split.dataset,
            "dataset_sha256": self.split.sha256,
            "protocol": self.split.protocol,
            "slice": "all",
            "seen": self.split.test.seen,
            "fit_on": run.recipe.training.on,
            "model": row,
            "seed": run.recipe.training.seed,
            "best_epoch": run.fitted.best_epoch,
            "seconds": run.fitted.seconds,
            "peak_mb": run.fitted.peak_mb,
            "commit": run.facts["commit"],
            "trials": trials,
            "list_length": k,
            "method": method,
        }


def _variant(model: Any, choice: Choice) -> Any:
    (steps, eta), guidance = choice
    return with_options(model, sampler={"kind": "ddim", "steps": steps, "eta": eta}, guidance=guidance)


def _said(choice: Choice) -> str:
    (steps, eta), guidance = choice
    return f"steps={steps} eta={eta:g} w={guidance:g}"


def _mean_recall(lists: Lists, queries: Queries) -> float:
    return float(list_recall(lists, queries.targets, queries.offsets).mean())


def _next(queries: Queries) -> torch.Tensor:
    """Return the one event that came next."""
    return torch.from_numpy(queries.targets[queries.offsets[:-1]].astype(np.int64))


def _cells(found: Estimate) -> Row:
    return {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "interval": f"cluster_bootstrap({RESAMPLES})",
        "n": found.n,
    }
