"""What all counting models promise: finite, repeatable scores that do not depend on the batch, and state that survives storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from reverie.data.batch import SequenceBatch, history_batch
from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary
from reverie.errors import DataError, ReverieError, RunError
from reverie.models import create_model
from reverie.models.co_occurrence.config import CoOccurrenceConfig
from reverie.models.co_occurrence.model import SPACE, CoOccurrence
from reverie.models.counting import random_settings
from reverie.models.item_knn.config import ItemKNNConfig
from reverie.models.item_knn.model import ItemKNN
from reverie.models.last_items.config import LastItemsConfig
from reverie.models.last_items.model import LastItems
from reverie.models.markov.config import MarkovConfig
from reverie.models.markov.model import Markov
from reverie.models.popularity.config import PopularityConfig
from reverie.models.popularity.model import Popularity
from reverie.models.recent_popularity.config import RecentPopularityConfig
from reverie.models.recent_popularity.model import RecentPopularity
from reverie.protocols import Card, Counts, Recommender
from reverie.testing.data import tiny_split
from reverie.training import fit

N, USERS, EVENTS = 40, 60, 9
BUILDERS: dict[str, Callable[[Vocabulary], Any]] = {
    "popularity": lambda v: Popularity(PopularityConfig(), v),
    "recent_popularity": lambda v: RecentPopularity(RecentPopularityConfig(), v),
    "markov": lambda v: Markov(MarkovConfig(), v),
    "last_items": lambda v: LastItems(LastItemsConfig(), v),
    "co_occurrence": lambda v: CoOccurrence(CoOccurrenceConfig(history=6), v),
    "item_knn": lambda v: ItemKNN(ItemKNNConfig(neighbours=5), v),
}
every_model = pytest.mark.parametrize("name", BUILDERS)


@pytest.fixture(scope="module")
def train() -> Sequences:
    generator = np.random.default_rng(7)
    items = np.minimum(generator.geometric(0.08, USERS * EVENTS), N - 2).astype(np.int32)
    starts = np.arange(USERS, dtype=np.int64) * EVENTS
    vocabulary = Vocabulary(pl.Series("item", range(N)), pl.Series("user", range(USERS)))
    time = np.sort(generator.integers(0, 400 * 86_400, len(items)))
    return Sequences(items, starts, starts + EVENTS, np.arange(USERS, dtype=np.int64), vocabulary, {"time": time})


def histories(count: int) -> list[np.ndarray]:
    generator = np.random.default_rng(3)
    return [generator.integers(1, N + 1, length).astype(np.int32) for length in generator.integers(0, 12, count)]


def fitted(name: str, train: Sequences) -> Any:
    model = BUILDERS[name](train.vocabulary)
    model.fit_counts(train)
    return model


@every_model
def test_each_row_is_scored_alone_to_the_last_bit(name: str, train: Sequences) -> None:
    model, rows = fitted(name, train), histories(30)
    together = model.scores(history_batch(rows, model.history))
    assert together.dtype == torch.float32
    assert together.shape == (30, N)
    assert torch.isfinite(together).all()
    for i, row in enumerate(rows):
        assert torch.equal(model.scores(history_batch([row], model.history))[0], together[i])


@every_model
def test_a_model_reads_no_more_events_than_it_says(name: str, train: Sequences) -> None:
    model, rows = fitted(name, train), histories(30)
    assert torch.equal(model.scores(history_batch(rows, model.history)), model.scores(history_batch(rows, None)))


@every_model
def test_candidates_score_as_in_the_catalogue(name: str, train: Sequences) -> None:
    model, batch = fitted(name, train), history_batch(histories(5), None)
    candidates = torch.tensor([[4, 1, N, 0]]).repeat(5, 1)
    chosen = model.scores(batch, candidates)
    assert chosen.shape == (5, 4)
    assert torch.equal(chosen[:, :3], model.scores(batch)[:, [3, 0, N - 1]])
    assert torch.isfinite(chosen).all()


@every_model
def test_an_empty_history_is_ranked_by_popularity(name: str, train: Sequences) -> None:
    found = fitted(name, train).scores(history_batch([np.zeros(0, dtype=np.int32)], None))[0].numpy()
    if name == "recent_popularity":
        assert len(np.unique(found)) > 10
        return
    counts = train.item_counts()[1:]
    assert (np.sign(np.subtract.outer(found, found)) == np.sign(np.subtract.outer(counts, counts))).all()


@every_model
def test_padding_inside_a_history_counts_nothing(name: str, train: Sequences) -> None:
    model = fitted(name, train)
    unknown = SequenceBatch(torch.tensor([[0, 0]]), torch.tensor([2]), torch.tensor([-1]))
    assert torch.equal(model.scores(unknown), model.scores(history_batch([np.zeros(0, dtype=np.int32)], None)))


@every_model
def test_scores_may_be_overwritten(name: str, train: Sequences) -> None:
    model, batch = fitted(name, train), history_batch(histories(4), None)
    before = model.scores(batch).clone()
    model.scores(batch)[0] = -9.0
    assert torch.equal(model.scores(batch), before)


@every_model
def test_stored_arrays_bring_back_the_same_scores(name: str, train: Sequences) -> None:
    model, batch = fitted(name, train), history_batch(histories(20), None)
    arrays = {key: value.copy() for key, value in model.arrays().items()}
    again = BUILDERS[name](train.vocabulary)
    again.load_arrays(arrays)
    assert torch.equal(again.scores(batch), model.scores(batch))
    assert arrays.keys() == again.arrays().keys()
    for missing in arrays:
        with pytest.raises(RunError, match=f"lacks the array '{missing}'"):
            again.load_arrays({key: value for key, value in arrays.items() if key != missing})
    smaller = BUILDERS[name](Vocabulary(train.vocabulary.items[1:], train.vocabulary.users))
    with pytest.raises(RunError, match="vocabulary"):
        smaller.load_arrays(arrays)


@every_model
def test_a_model_that_is_not_fitted_says_so(name: str, train: Sequences) -> None:
    model = BUILDERS[name](train.vocabulary)
    with pytest.raises(ReverieError, match=f"'{name.replace('_', '-')}' is not fitted"):
        model.scores(history_batch(histories(1), None))
    with pytest.raises(ReverieError, match=f"'{name.replace('_', '-')}' is not fitted"):
        model.arrays()


@every_model
def test_models_have_the_capabilities_they_claim(name: str, train: Sequences) -> None:
    model = BUILDERS[name](train.vocabulary)
    model.card = Card(name, model.config, train.vocabulary)
    assert isinstance(model, Recommender)
    assert isinstance(model, Counts)


@every_model
def test_no_events_at_all_still_gives_finite_scores(name: str, train: Sequences) -> None:
    model = fitted(name, train.take(np.zeros(0, dtype=np.int64)))
    assert torch.isfinite(model.scores(history_batch(histories(6), None))).all()


def test_recent_popularity_needs_a_clock(train: Sequences) -> None:
    timeless = Sequences(train.items, train.starts, train.stops, train.users, train.vocabulary)
    with pytest.raises(DataError, match="needs the time of each event"):
        fitted("recent_popularity", timeless)


def test_recent_popularity_keeps_the_best_half_life(train: Sequences) -> None:
    model, tried = BUILDERS["recent_popularity"](train.vocabulary), []

    def measure() -> float:
        tried.append(model.arrays()["faded"].copy())
        return float(len(tried) == 3)

    chosen = model.fit_counts(train, measure)
    again = RecentPopularity(RecentPopularityConfig(**chosen), train.vocabulary)
    again.fit_counts(train)
    assert len(tried) == 8
    np.testing.assert_array_equal(model.arrays()["faded"], tried[2])
    np.testing.assert_array_equal(again.arrays()["faded"], tried[2])
    assert not np.array_equal(tried[2], tried[3])


def test_markov_keeps_the_first_of_the_best_weights(train: Sequences) -> None:
    model = Markov(MarkovConfig(grid=(0.2, 0.4, 0.6)), train.vocabulary)
    values = iter([0.1, 0.5, 0.5])
    assert model.fit_counts(train, lambda: next(values)) == {"popularity_weight": 0.4}
    assert model.arrays()["popularity_weight"].tolist() == [0.4]


def test_co_occurrence_search_returns_the_options_it_kept(train: Sequences) -> None:
    config = CoOccurrenceConfig(trials=6, windows=(1, 3, 30))
    model, tried = CoOccurrence(config, train.vocabulary), []

    def measure() -> float:
        tried.append({key: value.copy() for key, value in model.arrays().items()})
        return float(len(tried) == 4)

    chosen = model.fit_counts(train, measure, seed=5)
    assert chosen.keys() == {"window", *SPACE}
    assert len(tried) == 6
    again = CoOccurrence(config.model_copy(update=chosen), train.vocabulary)
    again.fit_counts(train)
    first = CoOccurrence(config, train.vocabulary)
    first.fit_counts(train)
    for key, value in model.arrays().items():
        np.testing.assert_array_equal(value, tried[3][key])
        np.testing.assert_array_equal(value, again.arrays()[key])
        np.testing.assert_array_equal(first.arrays()[key], tried[0][key])


def trial_settings(config: CoOccurrenceConfig, seed: int) -> Iterator[CoOccurrenceConfig]:
    return random_settings(config, SPACE, config.trials, np.random.default_rng(seed))


def test_co_occurrence_draws_depend_on_the_seed_only() -> None:
    short, long = CoOccurrenceConfig(trials=4), CoOccurrenceConfig(trials=9)
    assert list(trial_settings(short, 1)) == [one.model_copy(update={"trials": 4}) for one in trial_settings(long, 1)][:4]
    assert list(trial_settings(short, 1))[1:] != list(trial_settings(short, 2))[1:]
    for one in trial_settings(long, 3):
        CoOccurrenceConfig.model_validate(one.model_dump())


def test_a_search_of_one_trial_chooses_nothing(train: Sequences) -> None:
    model = CoOccurrence(CoOccurrenceConfig(trials=1), train.vocabulary)
    assert model.fit_counts(train, lambda: 1.0) == {}


def test_recent_popularity_can_age_by_the_order_of_rows(train: Sequences) -> None:
    timeless = Sequences(train.items, train.starts, train.stops, train.users, train.vocabulary)
    model = RecentPopularity(RecentPopularityConfig(clock="rows", half_life_days=10, trials=0), train.vocabulary)
    model.fit_counts(timeless)
    expected = np.zeros(train.vocabulary.n_items)
    for row in range(len(timeless)):
        for item in timeless.row(row):
            expected[item - 1] += 0.5 ** ((len(timeless) - 1 - row) * 100 / len(timeless) / 10)
    found = model.scores(history_batch([np.array([1], dtype=np.int32)], None))[0]
    np.testing.assert_allclose(found, expected / expected.max(), rtol=1e-5)


@pytest.mark.parametrize("name", ["markov", "item-knn", "co-occurrence", "vmis-knn", "ease", "als", "slim"])
def test_codes_of_another_catalogue_are_refused(name: str) -> None:
    split = tiny_split()
    model = create_model(name, split)
    fit(model, split, show=False)
    n_items = split.vocabulary.n_items
    with pytest.raises(DataError, match=f"item code {n_items + 7}, and the model knows {n_items}"):
        model.scores(history_batch([np.array([1, n_items + 7], dtype=np.int32)], model.history))
