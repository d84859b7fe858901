from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from reverie.data.batch import query_batch
from reverie.data.dataset import Dataset
from reverie.data.recode import recode
from reverie.data.splits import leave_one_out
from reverie.data.splits.given import labelled_rows
from reverie.data.vocabulary import Vocabulary
from reverie.errors import ConfigError, DataError, RunError
from reverie.evaluation import evaluate
from reverie.models import create_model, load_model, save_model
from reverie.models.store import model_tensors
from reverie.models.warm_start import append_vocabulary, warm_start
from reverie.testing.data import tiny_dataset
from reverie.training import fit

MODELS: list[tuple[str, dict[str, Any]]] = [
    ("sasrec", {"dim": 8, "history": 6}),
    ("gru4rec", {"dim": 8, "hidden": 8, "history": 6}),
    ("caser", {"dim": 8, "window": 3, "horizontal": 2, "vertical": 2, "history": 6, "user_vector": True}),
    ("nextitnet", {"dim": 8, "dilations": (1, 2), "history": 6}),
    ("mf", {"dim": 8}),
]


def later() -> Dataset:
    """The tiny dataset with three more items, which sort before all others, and two more users, who do so too."""
    old = tiny_dataset()
    more = pl.DataFrame(
        {
            "user": [1, 1, 1, 1, 2, 2, 2, 2, 100, 101],
            "item": ["_new0", "_new1", "a00", "a03", "_new2", "a05", "_new0", "a08", "_new1", "_new2"],
            "timestamp": [1_700_000_000 + i for i in range(10)],
            "rating": [5.0] * 10,
        }
    )
    return Dataset(pl.concat([old.events, more]), old.catalog, name="later")


@pytest.mark.parametrize(("name", "options"), MODELS)
def test_old_scores_stay_and_training_goes_on(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    split = leave_one_out(tiny_dataset())
    model: Any = create_model(name, split, **options)
    fit(model, split, epochs=2, show=False)
    model.eval()
    new = leave_one_out(later())
    warm: Any = warm_start(model, new)
    vocabulary = warm.card.vocabulary
    assert vocabulary.items[:20].equals(split.vocabulary.items)
    assert vocabulary.items[20:].to_list() == ["_new0", "_new1", "_new2"]
    assert vocabulary.users[48:].to_list() == [1, 2]
    batch = query_batch(split.test, np.arange(len(split.test)), model.history)
    with torch.no_grad():
        before, after = model.scores(batch), warm.scores(batch)
    assert after.shape == (48, 23)
    assert torch.equal(after[:, :20], before)
    save_model(warm, tmp_path)
    again: Any = load_model(tmp_path)
    with torch.no_grad():
        assert torch.equal(again.scores(batch), after)
    ours = recode(new, vocabulary)
    fit(again, ours, epochs=1, show=False)
    assert len(evaluate(again, ours.test).ranks) == len(new.test)
    assert all(torch.isfinite(value).all() for value in again.state_dict().values())


def test_new_rows_are_near_the_mean_and_seeded() -> None:
    model: Any = create_model("sasrec", leave_one_out(tiny_dataset()), dim=8, history=6)
    one, two, other = (warm_start(model, later(), seed=seed).item_table()[20:] for seed in (0, 0, 1))  # type: ignore[attr-defined]  # it has vectors
    table = model.item_table()
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert ((one - table.mean(0)).abs() < 0.6 * table.std(0)).all()
    assert not torch.equal(one[0], one[1])


def test_nothing_new_is_a_copy_that_shares_nothing() -> None:
    model: Any = create_model("sasrec", leave_one_out(tiny_dataset()), dim=8, history=6)
    state = torch.get_rng_state()
    copy: Any = warm_start(model, model.card.vocabulary)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(value, copy.state_dict()[key]) for key, value in model.state_dict().items())
    with torch.no_grad():
        copy.encoder.weight.add_(1)
    assert not torch.equal(copy.encoder.weight, model.encoder.weight)


def test_recode_keeps_events_and_questions() -> None:
    new = leave_one_out(later())
    vocabulary = append_vocabulary(leave_one_out(tiny_dataset()).vocabulary, new.vocabulary)
    ours = recode(new, vocabulary)
    for a, b in ((new.train, ours.train), (new.refit, ours.refit), (new.test.sequences, ours.test.sequences)):
        assert a.vocabulary.items.gather(a.items - 1).equals(b.vocabulary.items.gather(b.items - 1))
        assert a.vocabulary.users.gather(a.users).equals(b.vocabulary.users.gather(b.users))
    assert ours.train.items is ours.refit.items
    assert new.vocabulary.items.gather(new.test.targets - 1).equals(vocabulary.items.gather(ours.test.targets - 1))
    with pytest.raises(DataError, match="3 items of the split are not in the vocabulary, the first is '_new0'"):
        recode(new, leave_one_out(tiny_dataset()).vocabulary)


def test_training_on_goes_by_ids() -> None:
    before, after = leave_one_out(tiny_dataset()), leave_one_out(later())
    start: Any = create_model("mf", before, dim=4)
    warm, same = (warm_start(start, after) for _ in range(2))
    fit(warm, after, epochs=1, show=False)
    fit(same, recode(after, same.card.vocabulary), epochs=1, show=False)
    for one, other in zip(model_tensors(warm).values(), model_tensors(same).values(), strict=True):
        assert torch.equal(one, other)
    with pytest.raises(DataError, match=r"items of the split are not in the vocabulary.*create the model from this split"):
        fit(start, after, epochs=1, show=False)


def test_labels_are_recoded_too() -> None:
    events = tiny_dataset().events.unique(["user", "item"], keep="first", maintain_order=True)
    events = events.with_columns(label=pl.lit(1.0), part=pl.lit("train"))
    last = pl.int_range(pl.len()).over("user") >= pl.len().over("user") - 2
    first = (pl.int_range(pl.len()).over("user") == pl.len().over("user") - 2) & last
    parts = pl.when(first).then(pl.lit("valid")).when(last).then(pl.lit("test")).otherwise(pl.col("part"))
    split = labelled_rows(Dataset(events.with_columns(part=parts)))
    turned = Vocabulary(split.vocabulary.items.reverse(), split.vocabulary.users.reverse())
    ours = recode(split, turned).labelled
    assert split.labelled is not None
    assert ours is not None
    assert turned.items.gather(ours.items - 1).equals(split.vocabulary.items.gather(split.labelled.items - 1))
    assert turned.users.gather(ours.users).equals(split.vocabulary.users.gather(split.labelled.users))


def test_titles_of_a_grown_vocabulary() -> None:
    old = Vocabulary(pl.Series("item", [5, 3]), pl.Series("user", [1]), pl.Series(["five", None]))
    new = Vocabulary(pl.Series("item", [1, 3, 5]), pl.Series("user", [1, 0]), pl.Series(["one", "three", "FIVE"]))
    both = append_vocabulary(old, new)
    assert both.items.to_list() == [5, 3, 1]
    assert both.users.to_list() == [1, 0]
    assert both.titles is not None
    assert both.titles.to_list() == ["five", "three", "one"]
    with pytest.raises(DataError, match="item ids of the model are Int64 and the new ones String"):
        append_vocabulary(old, Vocabulary(pl.Series(["x"]), pl.Series([1])))


def test_models_that_cannot_be_warm_started() -> None:
    split = leave_one_out(tiny_dataset())
    with pytest.raises(ConfigError, match="'popularity' counts and has nothing to go on from"):
        warm_start(create_model("popularity", split), later())
    model: Any = create_model("sasrec", split, dim=8, history=6)
    model.network.norm = torch.nn.LayerNorm(9)
    with pytest.raises(RunError, match=r"'network.norm.weight' went from \[9\] to \[8\]"):
        warm_start(model, later())
