"""Models on a device that has no float64, such as Apple's: here the processor is one that refuses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from reverie.data.batch import query_batch
from reverie.data.plans import create_plan
from reverie.models import create_model
from reverie.nn.states import targets_ahead
from reverie.objectives.negatives import FalseNegatives, Negatives
from reverie.testing import tiny_split
from reverie.training.loop import call_if_present

if TYPE_CHECKING:
    from reverie.data.split import Split


class NoFloat64(TorchDispatchMode):
    """Refuses every operation that makes a float64."""

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        out = function(*arguments, **(options or {}))
        if any(isinstance(one, torch.Tensor) and one.dtype == torch.float64 for one in tree_flatten(out)[0]):
            raise TypeError(f"{function} makes a float64")
        return out


def contrast(**options: Any) -> dict[str, Any]:
    return {"cosine": True, "objective": {"kind": "contrastive", "negatives": {"n": 4}, "loss": {"kind": "info_nce"}, **options}}


def temperature(**options: Any) -> dict[str, Any]:
    return contrast(loss={"kind": "info_nce", "temperature": options})


SAMPLED = {"kind": "sampled_softmax", "negatives": {"source": "in_batch"}}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    **{
        name: (name, {"dim": 8})
        for name in (
            "vbpr",
            "freedom",
            "dssm",
            "gru4rec",
            "caser",
            "nextitnet",
            "comirec",
            "din",
            "mf",
            "lightgcn",
            "dreamrec",
            "daydream",
        )
    },
    "neumf": ("neumf", {}),
    "sasrec ahead": ("sasrec", {"dim": 8, "ahead": 0.5}),
    "daydream ahead": ("daydream", {"dim": 8, "ahead": 0.5}),
    "dreamrec by draws": ("dreamrec", {"dim": 8, "sampler": {"kind": "ddim", "steps": 3}}),
    "popularity": ("sasrec", {"dim": 8, "objective": {"kind": "sampled_softmax", "negatives": {"source": "popularity", "n": 4}}}),
    "in batch": ("sasrec", {"dim": 8, "objective": SAMPLED}),
    "truncated": ("mf", {"dim": 8, "objective": {"kind": "truncated"}}),
    "false negatives": ("mf", {"dim": 8, **contrast(false_negatives=0.5)}),
    "learned temperature": ("mf", {"dim": 8, **temperature(kind="learned", radius=1.0)}),
    "adap": ("mf", {"dim": 8, **temperature(kind="adap_tau")}),
    "anchor": ("mf", {"dim": 8, **temperature(kind="anchor", radius=1.0)}),
}


@pytest.fixture(scope="module")
def split() -> Split:
    return tiny_split(content=True)


@pytest.mark.parametrize("case", CASES)
def test_a_step_and_scores_need_no_float64(split: Split, case: str) -> None:
    name, options = CASES[case]
    model: Any = create_model(name, split, **options)
    call_if_present(model, "observe", split.train)
    batch = create_plan(model.plan, split.train, model.history).batch(np.arange(6))
    asked = query_batch(split.test, np.arange(6), model.history)
    with NoFloat64():
        sum(model.train().loss(batch).values()).backward()
        with torch.no_grad():
            scores = model.eval().scores(asked)
    assert scores.isfinite().all()


def test_whole_random_numbers_draw_what_float64_drew(split: Split) -> None:
    """The digits of stored results rest on it: 53 random bits are the mantissa of a float64 of the same generator."""
    batch = create_plan("positions", split.train, 12).batch(np.arange(40))
    assert batch.targets is not None
    torch.manual_seed(3)
    moved = targets_ahead(batch, 0.4, reach=5).targets
    torch.manual_seed(3)
    weights = 1 / torch.arange(1, 6, dtype=torch.float64)
    bounds = 1 - 0.4 * (1 - torch.cat([torch.zeros(1), weights.cumsum(0)]) / weights.sum())
    steps = torch.bucketize(torch.rand(batch.targets.shape, dtype=torch.float64), bounds[:-1], right=True)
    place = torch.arange(batch.targets.shape[1])
    last = (batch.lengths - 1).clamp(min=0)[:, None]
    later = batch.targets.gather(1, torch.minimum(place + steps, last.expand_as(steps)))
    assert torch.equal(moved, torch.where(batch.targets > 0, later, batch.targets))

    users = torch.from_numpy(split.train.users[:30].astype(np.int64))
    drawn = Negatives(torch.zeros(30, 50, dtype=torch.int64), torch.zeros(1), 50)
    torch.manual_seed(4)
    items = FalseNegatives(split.train, 1.0).inject(drawn, users).items
    torch.manual_seed(4)
    at = torch.rand((30, 50), dtype=torch.float64)
    for row, chances in enumerate(at.tolist()):
        own = split.train.row(row)
        assert items[row].tolist() == [own[int(chance * len(own))] for chance in chances]
