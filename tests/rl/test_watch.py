"""The divergence watch."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
import torch

from reverie.data.batch import history_batch
from reverie.models import create_model
from reverie.rl.watch import Reading, read
from reverie.testing import tiny_split
from reverie.training import fit

SMALL: dict[str, Any] = {"dim": 8, "history": 15, "dropout": 0.0}


def sound(**changes: float) -> Reading:
    return Reading(**({"largest": 1.5, "bound": 2.0, "share_above": 0.0, "entropy": 2.0} | changes))


@pytest.mark.parametrize(
    ("reading", "value", "reason"),
    [
        (sound(), 0.2, ""),
        (sound(), math.nan, ""),
        (sound(largest=math.nan), 0.2, "NaN or infinite"),
        (sound(largest=9.0, share_above=0.5), 0.2, r"in 50% of the states a Q lies above r_max/\(1-γ\) = 2 \(largest \|Q\| 9\)"),
        (sound(largest=201.0), 0.2, "largest .Q. 201"),
        (sound(largest=199.0), 0.2, ""),
        (sound(entropy=0.001), 0.2, "entropy of 0.001 nats"),
        (sound(entropy=math.nan), 0.2, "entropy of nan nats"),
        (sound(), 0.09, "fell from 0.2 to 0.09"),
        (sound(), 0.11, ""),
    ],
)
def test_reasons(reading: Reading, value: float, reason: str) -> None:
    found = reading.reasons(value, 0.2)
    assert len(found) == bool(reason)
    if reason:
        assert re.search(reason, found[0])
        assert len(found[0]) < 120
    assert sound().reasons(0.1, -math.inf) == []  # the first validation


def test_a_reading_is_that_of_the_scores() -> None:
    split = tiny_split(rewards=True)
    model: Any = create_model("sqn", split, gamma=0.9, **SMALL)
    with torch.no_grad():
        torch.nn.init.normal_(model.online.bias, std=5.0)
    model.eval()
    batch = history_batch([np.array([1, 2], dtype=np.int32), np.array([3], dtype=np.int32)], 15)
    values, logits = model.q_values(batch).detach(), model.scores(batch).detach()
    reading = read(model, batch, 1.0)
    assert reading.largest == pytest.approx(float(values.abs().max()))
    assert reading.bound == pytest.approx(10)
    assert reading.share_above == pytest.approx(float((values.amax(1) > 10).float().mean()))
    entropy = torch.distributions.Categorical(logits=logits).entropy().mean()
    assert reading.entropy == pytest.approx(float(entropy), rel=1e-5)


def test_a_run_beyond_the_bound_is_flagged_once_and_kept(capsys: pytest.CaptureFixture[str]) -> None:
    split = tiny_split(rewards=True)
    model: Any = create_model("sqn", split, **SMALL)
    with torch.no_grad():
        model.online.bias.fill_(50.0)
        model.target.bias.fill_(50.0)
    fitted = fit(model, split, epochs=2, device="cpu")
    assert [row["flagged"] for row in fitted.history] == [1, 1]
    assert fitted.history[0]["q_bound"] == 2.0
    told = capsys.readouterr()
    assert (told.out + told.err).count("above r_max/(1-γ)") == 1
    assert fitted.best_epoch is not None


def test_the_log_holds_the_means_of_each_loss() -> None:
    split = tiny_split(rewards=True)
    model: Any = create_model("cql", split, **SMALL)
    fitted = fit(model, split, epochs=2, show=False, device="cpu", batch_size=16)
    for row in fitted.history:
        assert row["ce"] + row["td"] + row["conservative"] == pytest.approx(row["loss"], rel=1e-5)
        assert row["flagged"] == 0
