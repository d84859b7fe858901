"""Contrastive losses as objectives: what they compute, what they learn, and what is saved of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import BaseModel
from torch.nn import functional as F

from reverie.errors import ConfigError
from reverie.models import create_model, load_model, save_model
from reverie.nn.heads import DotHead
from reverie.objectives import Objective, ObjectiveConfig, create_objective, dcl, hcl, observed, sampled_softmax
from reverie.objectives.negatives import FalseNegatives, Negatives, Uniform
from reverie.objectives.objective import SampledObjective
from reverie.options import checked
from reverie.testing.data import tiny_split
from reverie.training import fit

N, USERS = 9, 4
COUNTS = np.r_[0, np.full(N, 1)]
TARGETS, OWNERS = torch.tensor([9, 1, 9, 4, 2]), torch.tensor([0, 3, 3, 1, 0])
RULES: list[dict[str, Any]] = [
    {"kind": "learned", "radius": 0.3},
    {"kind": "learned", "radius": 0.3, "form": "sample"},
    {"kind": "learned", "radius": 0.3, "form": "user"},
    {"kind": "adap_tau"},
    {"kind": "anchor", "radius": 0.3},
]
LOSSES: list[dict[str, Any]] = [
    {"kind": "info_nce"},
    {"kind": "adnce", "variant": "image", "mu": 0.5, "sigma": 0.4},
    {"kind": "adnce", "variant": "sentence", "mu": 0.5, "sigma": 0.4, "shuffled": True},
    {"kind": "hcl"},
    {"kind": "dcl"},
    {"kind": "dclw"},
    {"kind": "bsl", "ratio": 1.2},
    {"kind": "bsl", "form": "multi"},
    {"kind": "rince"},
]


class Holder(BaseModel):
    objective: ObjectiveConfig


def objective_of(loss: dict[str, Any], n: int = 6, shared: bool = False, users: int = USERS) -> Objective:
    options = {"kind": "contrastive", "loss": loss, "negatives": {"n": n, "shared": shared}}
    return create_objective(checked(Holder, {"objective": options}, "here").objective, N, COUNTS, users)


def cosines(table: torch.Tensor) -> DotHead:
    return DotHead(F.normalize(table, dim=-1), unit_states=True)


def setting() -> tuple[torch.Tensor, DotHead]:
    torch.manual_seed(1)
    return torch.randn(5, 3, dtype=torch.float64, requires_grad=True), cosines(torch.randn(N, 3, dtype=torch.float64))


@pytest.mark.parametrize("shared", [True, False])
def test_info_nce_at_a_number_is_the_sampled_softmax(shared: bool) -> None:
    states, head = setting()
    torch.manual_seed(2)
    ours = objective_of({"kind": "info_nce", "temperature": 0.3}, shared=shared).loss(states, TARGETS, head)
    torch.manual_seed(2)
    options = {"kind": "sampled_softmax", "negatives": {"n": 6, "shared": shared}, "temperature": 0.3}
    other = create_objective(checked(Holder, {"objective": options}, "here").objective, N).loss(states, TARGETS, head)
    torch.testing.assert_close(ours, other)


def test_options_reach_the_loss() -> None:
    states, head = setting()
    objective = objective_of({"kind": "hcl", "beta": 0.7, "tau_plus": 0.02, "temperature": 0.4})
    assert isinstance(objective, SampledObjective)
    torch.manual_seed(2)
    ours = objective.loss(states, TARGETS, head)
    torch.manual_seed(2)
    items = objective.sampler.draw(TARGETS).items if objective.sampler else None
    assert items is not None
    every = torch.nn.functional.normalize(states, dim=1) @ head.table.T
    negative = every.gather(1, items - 1).masked_fill(items == TARGETS[:, None], -torch.inf)
    positive = every.gather(1, TARGETS[:, None] - 1)[:, 0]
    torch.testing.assert_close(ours, hcl(positive, negative, 0.4, beta=0.7, tau_plus=0.02))
    assert not torch.allclose(ours, sampled_softmax(positive, negative, temperature=0.4))
    assert not torch.allclose(ours, dcl(positive, negative, 0.4))


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: "-".join(map(str, loss.values())))
@pytest.mark.parametrize("rule", [0.2, *RULES[:3]], ids=str)
def test_every_loss_takes_every_temperature(loss: dict[str, Any], rule: Any) -> None:
    states, head = setting()
    objective = objective_of(loss | {"temperature": rule})
    rows = objective.loss(states, TARGETS, head, torch.full((5,), 2.0), OWNERS)
    assert rows.shape == (5,)
    assert bool(rows.isfinite().all())
    (gradient,) = torch.autograd.grad(rows.sum(), states)
    assert bool(gradient.isfinite().all())
    assert float(gradient.abs().sum()) > 0


@pytest.mark.parametrize("rule", RULES[2:], ids=str)
def test_a_temperature_by_user_needs_users(rule: dict[str, Any]) -> None:
    states, head = setting()
    with pytest.raises(ValueError, match="users must have shape"):
        objective_of({"kind": "info_nce", "temperature": rule}).loss(states, TARGETS, head)
    with pytest.raises(ConfigError, match="there are no users"):
        objective_of({"kind": "info_nce", "temperature": rule}, users=0)


def test_adap_tau_waits_for_the_counts() -> None:
    options = {"kind": "contrastive", "loss": {"kind": "info_nce", "temperature": {"kind": "adap_tau"}}}
    states, head = setting()
    objective = create_objective(checked(Holder, {"objective": options}, "here").objective, N, n_users=USERS)
    with pytest.raises(ValueError, match="count_events"):
        objective.loss(states, TARGETS, head, users=OWNERS)
    assert bool(objective.with_counts(COUNTS).loss(states, TARGETS, head, users=OWNERS).isfinite().all())


@pytest.mark.parametrize("name", ["mf", "sasrec"])
@pytest.mark.parametrize("rule", [RULES[0], RULES[2], RULES[3], RULES[4]], ids=str)
def test_what_a_temperature_learned_is_saved_with_the_model(name: str, rule: dict[str, Any], tmp_path: Any) -> None:
    split = tiny_split()
    objective = {"kind": "contrastive", "loss": {"kind": "info_nce", "temperature": rule}, "negatives": {"n": 8}}
    model = create_model(name, split, dim=6, cosine=True, objective=objective)
    fresh = {key: value.clone() for key, value in model.state_dict().items() if ".temperature." in key}  # type: ignore[attr-defined]
    fit(model, split, epochs=1, batch_size=32, show=False, device="cpu")
    save_model(model, tmp_path / "model")
    learned, again = model.state_dict(), load_model(tmp_path / "model").state_dict()  # type: ignore[attr-defined]
    assert fresh
    assert any(not torch.equal(learned[key], value) for key, value in fresh.items())
    for key in fresh:
        torch.testing.assert_close(again[key], learned[key], equal_nan=True)


def test_false_negatives_are_the_share_asked_for_and_the_users_own_items() -> None:
    train = tiny_split().train
    users = torch.from_numpy(train.users.astype("int64")).repeat(50)
    own = {int(user): set(train.row(row).tolist()) for row, user in enumerate(train.users)}
    torch.manual_seed(0)
    drawn = Negatives(torch.zeros(len(users), 40, dtype=torch.int64), torch.zeros(1), 40)  # code 0 stands for a draw that stays
    items = FalseNegatives(train, 0.3).inject(drawn, users).items
    assert all(set(items[row][items[row] > 0].tolist()) <= own[int(user)] for row, user in enumerate(users))
    seen: dict[int, set[int]] = {int(user): set() for user in users.unique()}
    for row, user in enumerate(users):
        seen[int(user)] |= set(items[row][items[row] > 0].tolist())
    assert all(seen[user] == items for user, items in own.items() if len(items) < 20)
    assert abs(float((items > 0).double().mean()) - 0.3) < 0.02


def test_an_objective_injects_before_it_scores() -> None:
    train = tiny_split().train
    n_items = train.vocabulary.n_items
    options = {"kind": "contrastive", "loss": {"kind": "info_nce"}, "negatives": {"n": 8, "shared": True}, "false_negatives": 0.5}
    objective = create_objective(checked(Holder, {"objective": options}, "here").objective, n_items)
    states, head = torch.randn(3, 4), cosines(torch.randn(n_items, 4))
    users, targets = torch.from_numpy(train.users[:3].astype("int64")), torch.tensor([1, 2, 3])
    with pytest.raises(ValueError, match="with_rows"):
        objective.loss(states, targets, head, users=users)
    objective = observed(objective, train)
    with pytest.raises(ValueError, match="users must be given"):
        objective.loss(states, targets, head)
    torch.manual_seed(5)
    ours = objective.loss(states, targets, head, users=users)
    torch.manual_seed(5)
    drawn = FalseNegatives(train, 0.5).inject(Uniform(n_items, 8, True).draw(targets), users)
    every = head.scores(states, torch.arange(1, n_items + 1))
    negative = every.gather(1, drawn.items - 1).masked_fill(drawn.items == targets[:, None], -torch.inf)
    torch.testing.assert_close(ours, sampled_softmax(every.gather(1, targets[:, None] - 1)[:, 0], negative, temperature=0.1))


@pytest.mark.parametrize("name", ["mf", "sasrec", "lightgcn"])
def test_cosine_models_score_cosines(name: str) -> None:
    split = tiny_split()
    objective = {"kind": "contrastive", "loss": {"kind": "bsl"}, "negatives": {"n": 8}, "false_negatives": 0.2}
    model = create_model(name, split, dim=6, cosine=True, objective=objective)
    fit(model, split, epochs=2, batch_size=32, show=False, device="cpu")
    from reverie.data.batch import history_batch

    batch = history_batch([np.array([1, 2, 3], dtype=np.int32), np.array([4], dtype=np.int32)], None)
    model.eval()  # type: ignore[attr-defined]
    with torch.no_grad():
        vectors, table, scores = model.represent(batch), model.item_table(), model.scores(batch)  # type: ignore[attr-defined]
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))
    torch.testing.assert_close(table.norm(dim=1), torch.ones(len(table)))
    torch.testing.assert_close(scores, vectors @ table.T)


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        ({"kind": "adnce", "mu": 0.5, "sigma": 1.0}, "option 'objective.loss.variant' is missing"),
        ({"kind": "adnce", "variant": "image", "mu": 0.5, "sigma": 0.0}, "objective.loss.sigma"),
        ({"kind": "infonce"}, "did you mean 'info_nce'"),
        ({"kind": "info_nce", "temperature": -1.0}, "option 'objective.loss.temperature' must be greater than 0, not -1.0"),
        ({"kind": "info_nce", "temperature": {"kind": "learned"}}, "option 'objective.loss.temperature.radius' is missing"),
        ({"kind": "info_nce", "temperature": {"kind": "learnt"}}, "'objective.loss.temperature.kind': unknown value 'learnt'"),
        ({"kind": "hcl", "betta": 1}, "unknown option 'objective.loss.betta' (did you mean 'beta'?)"),
    ],
)
def test_wrong_options_are_named(loss: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        objective_of(loss)
    assert said in str(caught.value)


@pytest.mark.parametrize("kind", ["full_softmax", "sampled_softmax"])
def test_plain_softmaxes_take_a_rule_for_their_temperature(kind: str) -> None:
    states, head = setting()
    rule = {"kind": "learned", "radius": 0.4, "decay": 0.0}
    more = {} if kind == "full_softmax" else {"negatives": {"n": 6, "shared": True}, "logq": True}
    options = {"kind": kind, "temperature": rule} | more
    objective = create_objective(checked(Holder, {"objective": options}, "here").objective, N)
    torch.manual_seed(3)
    ruled = objective.loss(states, TARGETS, head)
    assert isinstance(objective, torch.nn.Module)
    (tau,) = (average.exp() for name, average in objective.state_dict().items() if name.endswith("total"))
    plain = {"kind": kind, "temperature": float(tau)} | more
    torch.manual_seed(3)
    same = create_objective(checked(Holder, {"objective": plain}, "here").objective, N).loss(states, TARGETS, head)
    torch.testing.assert_close(ruled, same)
    assert 0.01 < float(tau) < 10


def test_what_negatives_cannot_serve_is_refused() -> None:
    far = {"kind": "info_nce", "temperature": {"kind": "learned", "radius": 3.0}}
    with pytest.raises(ConfigError, match=r"radius 3 is out of reach of 8 negatives; it must be below 2\.08"):
        checked(Holder, {"objective": {"kind": "contrastive", "loss": far, "negatives": {"n": 8}}}, "here")
    dense = {"kind": "info_nce", "temperature": {"kind": "adap_tau"}}
    with pytest.raises(ConfigError, match="drawn uniformly, not in_batch"):
        checked(Holder, {"objective": {"kind": "contrastive", "loss": dense, "negatives": {"source": "in_batch"}}}, "here")
    for bad in ({"kind": "anchor", "radius": 1.0, "initial": 20.0}, {"kind": "learned", "radius": float("inf")}, float("inf")):
        loss = {"kind": "info_nce", "temperature": bad}
        with pytest.raises(ConfigError, match=r"lies outside|finite"):
            checked(Holder, {"objective": {"kind": "contrastive", "loss": loss}}, "here")
