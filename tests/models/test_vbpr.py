"""VBPR: its scores, loss and gradients against naive sums, missing modalities, items that nobody has taken, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor

from reverie.data.batch import SequenceBatch, history_batch
from reverie.data.content import Features
from reverie.data.plans import create_plan
from reverie.data.vocabulary import Vocabulary
from reverie.errors import ConfigError
from reverie.models import create_model
from reverie.models.vbpr.model import VBPR
from reverie.models.warm_start import warm_start
from reverie.testing.data import tiny_dataset, tiny_split
from reverie.training import fit

if TYPE_CHECKING:
    from reverie.data.split import Split

NAMES = ("image", "text")
FULL = {"kind": "full_softmax", "temperature": 0.7}


def new(split: Split, **options: Any) -> VBPR:
    model = create_model("vbpr", split, **({"dim": 3, "content_dim": 2} | options))
    assert isinstance(model, VBPR)
    model.observe(split.train)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(len(parameter))) / 2)
    return model


def of_users(codes: list[list[int]], users: list[int]) -> SequenceBatch:
    made = history_batch([np.array(row, dtype=np.int32) for row in codes], None)
    return SequenceBatch(made.items, made.lengths, torch.tensor(users))


def without(split: Split, code: int) -> Split:
    """Take all events of an item out of the training rows of the users who have it."""
    rows = [row for row in range(len(split.train)) if code not in split.train.row(row)]
    return replace(split, train=split.train.take(np.array(rows)))


def naive_score(model: VBPR, own: dict[str, Tensor], user: int, code: int) -> Tensor:
    """One score by its formula, in float64, item by item and modality by modality."""
    config, width = model.config, model.config.content_dim
    projected: list[Tensor | None] = []
    for at, name in enumerate(NAMES):
        features = model.card.vocabulary.content[name]
        if not features.present[code - 1]:
            projected.append(None)
            continue
        known = features.values[features.present].astype(np.float64)
        centre = known.mean(0) if config.standardise else np.zeros(features.width)
        scale = np.sqrt(np.mean([((row - centre) ** 2).sum() for row in known])) if config.standardise else 1.0
        f = torch.from_numpy((features.values[code - 1].astype(np.float64) - centre) / scale)
        projected.append(own[f"projections.{at}.weight"] @ f)
    present = [one for one in projected if one is not None]
    zeros = torch.zeros(width + config.biases * (not config.cosine), dtype=torch.float64)
    total = sum(present, zeros) * (len(NAMES) / max(1, len(present)))
    seen = float(bool(model.seen[code - 1]))
    blocks = [zeros if one is None else one for one in projected] if config.fusion == "concat" else [total]
    vector = torch.cat([own["encoder.weight"][code - 1] * seen, *(one[:width] for one in blocks)])
    state = own["users"][user]
    if config.cosine:
        return state @ vector / (state.norm() * vector.norm()).clamp(min=1e-12)
    score = state @ vector
    if config.biases:
        score = score + own["item_bias"][code - 1] * seen + own["user_bias"][user] + total[width]
    return score


CASES: list[dict[str, Any]] = [
    {}, {"fusion": "concat"}, {"standardise": False}, {"biases": False}, {"cosine": True, "fusion": "concat"},
]  # fmt: skip


@pytest.mark.parametrize("options", CASES, ids=str)
def test_scores_loss_and_gradients_are_those_of_the_formula(options: dict[str, Any]) -> None:
    split = without(tiny_split(content=True), 7)
    model = new(split, objective=FULL, decay=0.0, **options).double()
    for projection in model.projections:
        projection.features = projection.features.double()
        known = projection.features[projection.present]  # statistics in float64, as in the reference
        projection.centre = known.mean(0) if model.config.standardise else projection.centre
        projection.scale = (
            (known - projection.centre).square().sum(1).mean().sqrt() if model.config.standardise else projection.scale
        )
    own = {name: p.detach().clone().requires_grad_() for name, p in model.named_parameters()}
    batch = create_plan("pairs", split.train, 0).batch(np.array([0, 9, 9, 40]))
    assert batch.targets is not None
    expected = torch.zeros((), dtype=torch.float64)
    scores = [torch.stack([naive_score(model, own, user, code) for code in range(1, 21)]) for user in batch.users.tolist()]
    for row, code in zip(scores, batch.targets.tolist(), strict=True):
        expected = expected - torch.log_softmax(row / 0.7, 0)[code - 1] / 4
    found = model.loss(batch)
    assert set(found) == {"loss"}
    torch.testing.assert_close(found["loss"], expected, rtol=1e-9, atol=1e-12)
    of_loss = torch.autograd.grad(found["loss"], list(model.parameters()), allow_unused=True)
    naive = torch.autograd.grad(expected, list(own.values()), allow_unused=True)
    for name, one, other in zip(own, of_loss, naive, strict=True):
        expected_gradient = torch.zeros_like(own[name]) if other is None else other
        torch.testing.assert_close(torch.zeros_like(own[name]) if one is None else one, expected_gradient, rtol=1e-8, atol=1e-12)
    asked = of_users([[1], [2], [3], [4]], batch.users.tolist())
    torch.testing.assert_close(model.scores(asked), torch.stack(scores).detach())
    torch.testing.assert_close(model.scores(asked), model.represent(asked) @ model.item_table().T)


def test_the_decay_is_that_of_vectors() -> None:
    split = tiny_split(content=True)
    model = new(split, decay=0.3)
    batch = create_plan("pairs", split.train, 0).batch(np.array([3, 3, 17]))
    assert batch.targets is not None
    own, users = model.encoder.weight.detach(), model.users.detach()
    expected = sum(float(users[user].square().sum()) for user in batch.users) / 3
    expected += sum(float(own[code - 1].square().sum()) for code in batch.targets) / 3
    expected += float(np.mean([float(row.square().sum()) for row in own]))
    assert float(model.loss(batch)["decay"].detach()) == pytest.approx(0.3 / 2 * expected, rel=1e-5)


def test_an_item_that_nobody_has_taken_is_scored_by_its_content() -> None:
    split = without(tiny_split(content=True), 7)
    model = new(split, biases=False)
    assert model.seen.tolist() == [code != 7 for code in range(1, 21)]
    batch = of_users([[1], [2]], split.train.users[:2].tolist())
    before = model.scores(batch)
    with torch.no_grad():
        model.encoder.weight.add_(1.0)
    after = model.scores(batch)
    torch.testing.assert_close(after[:, 6], before[:, 6])
    assert not torch.isclose(after, before)[:, :6].any()
    drawn = model.objective.sampler.draw(torch.ones(2000, dtype=torch.int64)).items  # type: ignore[attr-defined] # it draws
    assert set(drawn.reshape(-1).tolist()) == set(range(1, 21)) - {7}


@pytest.mark.parametrize("fusion", ["sum", "concat"])
def test_new_items_are_appended_with_their_content(fusion: str) -> None:
    split = tiny_split(content=True)
    model = create_model("vbpr", split, dim=4, content_dim=4, fusion=fusion)
    fit(model, split, epochs=3, batch_size=32, learning_rate=0.02, show=False, device="cpu")
    old = split.vocabulary
    twin = {name: Features(one.values[[8]], one.present[[8]]) for name, one in old.content.items()}
    alone = {name: Features(np.zeros_like(one.values[[8]]), np.zeros(1, np.bool_)) for name, one in old.content.items()}
    new_ids = Vocabulary(pl.Series("item", ["new", "nothing"]), old.users, None, {
        name: Features(np.concatenate([twin[name].values, alone[name].values]), np.array([True, False])) for name in old.content
    })  # fmt: skip
    grown = warm_start(model, new_ids)
    assert isinstance(grown, VBPR)
    batch = of_users([[1, 4], [2]], [0, -1])
    torch.testing.assert_close(grown.scores(batch)[:1, :20], model.eval().scores(batch)[:1])  # type: ignore[attr-defined] # a module
    table = grown.item_table().detach()
    torch.testing.assert_close(table[20, 4:-2], table[8, 4:-2])  # content of its twin, and nothing of its id
    assert not table[20, :4].any()
    assert not table[21, :-2].any()
    assert float(table[21, -1]) == 0


@pytest.mark.parametrize(
    ("options", "content", "said"),
    [
        ({}, False, "needs features of items"),
        ({"modalities": ["audio"]}, True, "asks for features 'audio'; the data have image, text"),
    ],
)
def test_data_without_the_features_are_refused(options: dict[str, Any], content: bool, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        create_model("vbpr", tiny_split(content=content), **options)


def test_one_modality_and_rates() -> None:
    model = create_model("vbpr", tiny_split(content=True), modalities=["image"], content_rate=0.1)
    assert isinstance(model, VBPR)
    groups = model.parameter_groups()
    assert [group.get("lr_scale") for group in groups] == [None, 0.1]
    assert [list(p.shape) for p in groups[1]["params"]] == [[65, 6]]
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))


def test_a_comparison_says_why_it_is_left_out() -> None:
    from reverie.training.plan import plan_comparison, recipes_for

    recipes = recipes_for({"name": "tiny"}, {"protocol": "leave_one_out"}, ["popularity", "vbpr", "freedom"], "tiny")
    plan = plan_comparison(recipes, tiny_dataset(), tiny_split())
    assert plan.left_out == dict.fromkeys(("vbpr", "freedom"), "needs features of items, which this dataset lacks")
    whole = replace(tiny_dataset(), content={"image": tiny_features()})
    assert not plan_comparison(recipes, whole, tiny_split()).left_out


def tiny_features() -> Any:
    from reverie.data.content import ItemFeatures

    return ItemFeatures(pl.Series(["a00"]), np.ones((1, 2)))
