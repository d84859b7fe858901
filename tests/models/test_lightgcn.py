"""LightGCN: its loss against a naive one, cold users, what is kept, what is stored, and that it learns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor

from reverie.data.batch import SequenceBatch, history_batch
from reverie.data.dataset import Dataset
from reverie.data.plans import create_plan
from reverie.data.splits import given
from reverie.evaluation import evaluate
from reverie.models import create_model, load_model, save_model
from reverie.models.lightgcn.model import LightGCN
from reverie.models.store import with_options
from reverie.models.warm_start import warm_start
from reverie.testing.data import tiny_dataset, tiny_split
from reverie.training import fit
from reverie.training.config import TrainingConfig
from reverie.training.optimiser import Optimisers

if TYPE_CHECKING:
    from reverie.data.split import Split

LAYERS = 2


def new(split: Split | None = None, observe: bool = True, **options: Any) -> LightGCN:
    split = split or tiny_split()
    model = create_model("lightgcn", split, **({"dim": 6, "layers": LAYERS} | options))
    assert isinstance(model, LightGCN)
    if observe:
        model.observe(split.train)
    return model


def of_users(codes: list[list[int]], users: list[int]) -> SequenceBatch:
    made = history_batch([np.array(row, dtype=np.int32) for row in codes], None)
    return SequenceBatch(made.items, made.lengths, torch.tensor(users))


def edges_of(split: Split) -> set[tuple[int, int]]:
    train = split.train
    return {(int(train.users[row]), int(code) - 1) for row in range(len(train)) for code in train.row(row)}


def dense_vectors(model: LightGCN, edges: set[tuple[int, int]], users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
    """Final vectors by sums over explicit neighbours, layer by layer."""
    user_degree, item_degree = [0] * len(users), [0] * len(items)
    for user, item in edges:
        user_degree[user] += 1
        item_degree[item] += 1
    layers = [(list(users), list(items))]
    for _ in range(model.config.layers):
        before_u, before_i = layers[-1]
        next_u, next_i = [torch.zeros_like(users[0]) for _ in users], [torch.zeros_like(users[0]) for _ in items]
        for user, item in edges:
            weight = (user_degree[user] * item_degree[item]) ** -0.5
            next_u[user] = next_u[user] + weight * before_i[item]
            next_i[item] = next_i[item] + weight * before_u[user]
        layers.append((next_u, next_i))
    both = [torch.stack([torch.stack(layer[side]) for layer in layers]).mean(0) for side in (0, 1)]
    return both[0], both[1]


@pytest.mark.parametrize("cosine", [False, True])
def test_loss_and_gradient_are_those_of_naive_sums(cosine: bool) -> None:
    split = tiny_split()
    model = new(split, cosine=cosine, decay=0.03, objective={"kind": "full_softmax", "temperature": 0.5}).double()
    batch = create_plan("pairs", split.train, None).batch(np.array([0, 7, 7, 40]))
    assert batch.targets is not None
    terms = model.loss(batch)
    assert set(terms) == {"loss", "decay"}
    found = torch.autograd.grad(terms["loss"] + terms["decay"], (model.users, model.encoder.weight))

    own = [p.detach().clone().requires_grad_() for p in (model.users, model.encoder.weight)]
    users, items = dense_vectors(model, edges_of(split), own[0], own[1])
    loss, decay = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for user, code in zip(batch.users.tolist(), batch.targets.tolist(), strict=True):
        scores = []
        for item in items:
            length = users[user].norm() * item.norm() if cosine else 1.0
            scores.append(users[user] @ item / length / 0.5)
        loss = loss - torch.log_softmax(torch.stack(scores), 0)[code - 1] / 4
        decay = decay + 0.03 / 2 * (own[0][user] @ own[0][user] + own[1][code - 1] @ own[1][code - 1]) / 4
    for item in own[1]:
        decay = decay + 0.03 / 2 * (item @ item) / len(own[1])
    torch.testing.assert_close(terms["loss"], loss, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(terms["decay"], decay, rtol=1e-9, atol=1e-12)
    for one, other in zip(found, torch.autograd.grad(loss + decay, own), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-12)


def test_no_decay_is_no_term() -> None:
    split = tiny_split()
    assert set(new(split, decay=0.0).loss(create_plan("pairs", split.train, None).batch(np.arange(3)))) == {"loss"}


@pytest.mark.parametrize("cosine", [False, True])
def test_scores_are_inner_products_of_propagated_vectors(cosine: bool) -> None:
    split = tiny_split()
    model = new(split, cosine=cosine).double()
    batch = of_users([[1, 4, 7], [2], []], [3, 0, -1])
    users, items = dense_vectors(model, edges_of(split), model.users.detach(), model.encoder.weight.detach())
    expected = users[[3, 0]] @ items.T
    if cosine:
        expected = torch.nn.functional.cosine_similarity(users[[3, 0]][:, None], items[None], dim=-1)
        torch.testing.assert_close(model.represent(batch)[:2].norm(dim=1), torch.ones(2, dtype=torch.float64))
    for grad in (True, False):
        with torch.set_grad_enabled(grad):
            scores = model.scores(batch)
            torch.testing.assert_close(scores[:2], expected)
            torch.testing.assert_close(scores, model.represent(batch) @ model.item_table().T)
            torch.testing.assert_close(model.scores(batch, torch.tensor([[5, 0], [1, 2], [3, 3]]))[1], scores[1, :2])
            assert torch.equal(scores[2], torch.zeros(20, dtype=torch.float64))


@pytest.mark.parametrize("cosine", [False, True])
def test_users_without_edges_are_folded_in(cosine: bool) -> None:
    split = tiny_split()
    model = new(split, observe=False, cosine=cosine).double()
    model.observe(split.train.take(np.arange(5)))
    kept = {(user, item) for user, item in edges_of(split) if user in split.train.users[:5].tolist()}
    degree = [sum(item == i for _, item in kept) for i in range(20)]
    lonely = degree.index(0)
    histories = [[3, 1, 3, 9], [lonely + 1, 2], []]
    items = model.item_table().detach()
    expected = []
    for history in histories:
        total = torch.zeros(6, dtype=torch.float64)
        for code in sorted(set(history)):
            total = total + items[code - 1] / (len(set(history)) * max(degree[code - 1], 1)) ** 0.5
        expected.append(total / total.norm().clamp(min=1e-12) if cosine else total)
    outside = next(user for user in range(48) if user not in split.train.users[:5].tolist())
    for users in ([-1, -1, -1], [outside] * 3, [10_000, -1, outside]):
        torch.testing.assert_close(model.represent(of_users(histories, users)), torch.stack(expected))
    known = int(split.train.users[0])
    mixed = model.represent(of_users([histories[0], [1]], [-1, known]))
    torch.testing.assert_close(mixed[0], expected[0])
    torch.testing.assert_close(mixed[1], model.represent(of_users([[]], [known]))[0])


def test_a_model_that_saw_nothing_folds_everybody_in() -> None:
    model = new(observe=False)
    scores = model.scores(of_users([[1, 2], []], [0, 1]))
    assert bool(scores[0].abs().sum() > 0)
    assert not scores[1].any()


def test_tables_are_kept_until_a_weight_changes() -> None:
    split = tiny_split()
    model, batch = new(split), of_users([[1]], [2])
    with torch.inference_mode():
        first = model.item_table()
        assert model.item_table() is first
    probe = torch.ones(6, requires_grad=True)
    (first @ probe).sum().backward()  # kept tables may meet autograd
    state = {name: value.clone() for name, value in model.state_dict().items()}
    optimiser = Optimisers(model, TrainingConfig(learning_rate=0.1))
    pairs = create_plan("pairs", split.train, None).batch(np.arange(16))
    sum(model.loss(pairs).values(), torch.zeros(())).backward()
    optimiser.parts[0].step()
    with torch.no_grad():
        second = model.scores(batch)
    assert not torch.allclose(model.item_table(), first)
    torch.testing.assert_close(second, model.scores(batch))
    with torch.no_grad():
        model.scores(batch)
        model.load_state_dict(state)
        torch.testing.assert_close(model.item_table(), first)
        model.observe(split.train.take(np.arange(3)))
        assert not torch.allclose(model.item_table(), first)
    with torch.no_grad():
        before = model.item_table()
    optimiser.parts[0].step()
    model.after_step()
    with torch.no_grad():
        assert not torch.allclose(model.item_table(), before)
    assert set(model.state_dict()) == set(state)


def test_a_stored_model_scores_the_same_without_the_training_data(tmp_path: Path) -> None:
    split = tiny_split()
    model = new(split, observe=False)
    fit(model, split, epochs=2, batch_size=32, learning_rate=0.05, show=False, device="cpu")
    save_model(model, tmp_path)
    loaded = load_model(tmp_path)
    batch = of_users([[1, 4, 7], [5, 6], []], [3, -1, 700])
    with torch.no_grad():
        assert torch.equal(loaded.scores(batch), model.scores(batch))
        assert torch.equal(with_options(model).scores(batch), model.scores(batch))
    assert loaded.card.config.edges == len(edges_of(split))
    assert model.config.edges == 0


def test_new_items_and_users_join_without_edges() -> None:
    model = new()
    more = pl.DataFrame({"user": [1, 1, 2], "item": ["_new", "a00", "a03"], "timestamp": [1_700_000_000] * 3, "rating": [5.0] * 3})
    warm = warm_start(model, Dataset(pl.concat([tiny_dataset().events, more]), name="later"))
    batch = of_users([[1, 4, 7], [5]], [3, 48])
    with torch.no_grad():
        after = warm.scores(batch)
        assert after.shape == (2, 21)
        torch.testing.assert_close(after[:, :20], model.scores(batch))


def test_a_temperature_per_user_knows_the_users() -> None:
    split = tiny_split()
    objective = {
        "kind": "contrastive",
        "loss": {"kind": "info_nce", "temperature": {"kind": "learned", "radius": 0.5, "form": "user"}},
        "negatives": {"n": 8},
    }
    model = new(split, observe=False, cosine=True, objective=objective)
    fit(model, split, epochs=2, batch_size=64, learning_rate=0.05, show=False, device="cpu")
    with torch.no_grad():
        assert bool(torch.isfinite(model.scores(of_users([[1]], [0]))).all())


def blocks() -> Split:
    """Three groups of users, who only meet the items of their own group; a fourth of the pairs is for the test."""
    generator = np.random.default_rng(0)
    user, item = np.divmod(np.arange(45 * 30), 30)
    inside = (user % 3 == item % 3) & (generator.random(len(user)) < 0.8)
    part = np.where(generator.random(len(user)) < 0.25, "test", "train")
    events = pl.DataFrame({"user": user, "item": item, "part": part}).filter(pl.Series(inside))
    return given(Dataset(events, name="blocks", order="none"))


@pytest.fixture(scope="module")
def fitted() -> tuple[Split, LightGCN]:
    """The three groups, and a model that was fitted to them."""
    split = blocks()
    model: Any = create_model("lightgcn", split, dim=8)
    fit(model, split, epochs=30, patience=30, batch_size=256, learning_rate=0.05, show=False, device="cpu")
    return split, model


@pytest.mark.filterwarnings("ignore:model '.*' is not fitted")
def test_it_finds_the_groups_and_beats_popularity_and_chance(fitted: tuple[Split, LightGCN]) -> None:
    split, model = fitted
    popular = create_model("popularity", split)
    fit(popular, split, show=False)
    values = {
        name: evaluate(one, split.test, top=0).value("recall@5") for name, one in (("lightgcn", model), ("popularity", popular))
    }
    chance = evaluate(create_model("lightgcn", split, dim=8), split.test, top=0).value("recall@5")
    assert values["lightgcn"] > 0.9
    assert values["lightgcn"] > values["popularity"] + 0.2
    assert values["lightgcn"] > chance + 0.2


def test_a_stranger_gets_the_items_of_the_group(fitted: tuple[Split, LightGCN]) -> None:
    model = fitted[1]
    with torch.no_grad():
        best = model.scores(of_users([[1, 4]], [-1])).topk(10).indices[0]
    assert (best % 3).tolist() == [0] * 10


def test_a_batch_without_pairs_is_refused() -> None:
    with pytest.raises(ValueError, match="targets"):
        new().loss(of_users([[1, 2]], [0]))
