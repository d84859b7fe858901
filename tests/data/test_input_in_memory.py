"""The same log, given in every form that people have in memory, is the same dataset; weights count where they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import reverie as rv
from reverie.data.plans import create_plan
from reverie.errors import DataError
from reverie.testing import tiny_dataset
from reverie.training import fit

LOG = tiny_dataset().events.rename({"user": "user_id", "item": "item_id"})


class HuggingFace(ModuleType):
    """Stands where the package would: a data set whose rows may be a choice among those of its table."""

    class Dataset:
        def __init__(self, table: pa.Table, rows: list[int] | None = None, form: str | None = None) -> None:
            self.data, self.rows, self.form = table, rows, form
            self.num_rows = table.num_rows if rows is None else len(rows)

        def with_format(self, form: str) -> Any:
            return type(self)(self.data, self.rows, form)

        def __getitem__(self, index: slice) -> pa.Table:
            assert self.form == "arrow"
            return (self.data if self.rows is None else self.data.take(self.rows))[index]

    class DatasetDict(dict[str, Any]):
        num_rows: Mapping[str, int] = {}

        def with_format(self, form: str) -> Any:
            return self


HuggingFace.Dataset.__module__ = "datasets.arrow_dataset"
HuggingFace.DatasetDict.__module__ = "datasets.dataset_dict"
FORMS = {
    "pandas": lambda: LOG.to_pandas(),
    "polars": lambda: LOG,
    "polars, lazy": lambda: LOG.lazy(),
    "arrow": lambda: LOG.to_arrow(),
    "arrow batch": lambda: pa.RecordBatch.from_pandas(LOG.to_pandas()),
    "dict of arrays": lambda: {name: LOG[name].to_numpy() for name in LOG.columns},
    "dict of lists": lambda: LOG.to_dict(as_series=False),
    "structured array": lambda: LOG.to_pandas().to_records(index=False),
    "iterator of dicts": lambda: LOG.iter_rows(named=True),
    "hugging face": lambda: HuggingFace.Dataset(LOG.to_arrow()),
    "hugging face, chosen rows": lambda: HuggingFace.Dataset(pa.concat_tables([LOG.to_arrow()] * 2), list(range(len(LOG)))),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_dataset(form: str) -> None:
    assert rv.read_events(FORMS[form]()).sha256 == tiny_dataset().sha256


def test_tuples_say_what_their_fields_are() -> None:
    assert rv.read_events(LOG.rows(), columns="user,item,timestamp,rating").sha256 == tiny_dataset().sha256


def test_a_set_of_splits_asks_for_one_of_them() -> None:
    with pytest.raises(DataError, match=r"^the data set has the splits train, test; give one of them, as data\['train'\]$"):
        rv.read_events(HuggingFace.DatasetDict(train=1, test=2))


def with_weights(values: Any) -> pl.DataFrame:
    return LOG.with_columns(weight=pl.Series(values, dtype=pl.Float64))


def test_a_weight_that_nobody_asked_for_is_named_and_not_read() -> None:
    dataset = rv.read_events(with_weights(np.ones(len(LOG))))
    assert dataset.sha256 == tiny_dataset().sha256
    assert dataset.read_as is not None
    assert "column 'weight' is not read; say weight='weight' if events count by it in training" in dataset.read_as.line()


def test_weights_come_with_the_examples_that_models_learn_from() -> None:
    weights = np.arange(len(LOG)) % 7
    split = rv.leave_one_out(rv.read_events(with_weights(weights), weight="weight"))
    examples = create_plan("pairs", split.train, 0)
    batch = examples.batch(np.arange(len(examples)))
    assert batch.targets is not None
    assert batch.weights is not None
    ids = (split.vocabulary.users[batch.users.tolist()], split.vocabulary.items[(batch.targets - 1).tolist()])
    assert {*zip(*ids, batch.weights.tolist(), strict=True)} <= {*LOG.select("user_id", "item_id", pl.Series(weights)).rows()}
    assert batch.weights.unique().tolist() == list(range(7))


def test_weights_are_part_of_what_the_dataset_is() -> None:
    one, other = (rv.read_events(with_weights(np.full(len(LOG), value)), weight=True) for value in (1.0, 0.5))
    assert len({one.sha256, other.sha256, tiny_dataset().sha256}) == 3
    assert one.read_as is not None
    assert one.read_as.columns["weight"] == "weight"
    assert rv.leave_one_out(other).train.columns["weight"].tolist()[:2] == [0.5, 0.5]


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), None])
def test_a_weight_that_cannot_be_is_refused(value: float | None) -> None:
    values = [1.0, value, *[1.0] * (len(LOG) - 2)]
    with pytest.raises(DataError, match="the frame row 2, column 'weight'"):
        rv.read_events(with_weights(values), weight="weight")


def test_a_model_that_does_not_weigh_says_so(caplog: pytest.LogCaptureFixture) -> None:
    split = rv.leave_one_out(rv.read_events(with_weights(np.full(len(LOG), 0.5)), weight="weight"))
    fit(rv.create_model("popularity", split), split, show=False)
    assert "popularity counts every event once, and not by its weight; models that weigh events are lightgcn, mf" in caplog.text
