"""FREEDOM: both graphs, scores and losses against naive loops, pruning by epoch, items that nobody has taken."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
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
from reverie.models import create_model
from reverie.models.freedom.graphs import pruned_graph, similar_items
from reverie.models.freedom.model import Freedom
from reverie.models.lightgcn.model import InteractionGraph
from reverie.models.warm_start import warm_start
from reverie.testing.data import tiny_split
from reverie.training import fit

if TYPE_CHECKING:
    from reverie.data.split import Split

K, DIM = 3, 4


def new(split: Split | None = None, **options: Any) -> Freedom:
    split = split or tiny_split(content=True)
    model = create_model("freedom", split, **({"dim": DIM, "neighbours": K, "prune": 0.4} | options))
    assert isinstance(model, Freedom)
    model.observe(split.train)
    return model


def edges_of(graph: InteractionGraph) -> list[tuple[int, int]]:
    users = np.repeat(np.arange(len(graph.user_degrees)), graph.user_degrees.numpy())
    return list(zip(users.tolist(), graph.items.tolist(), strict=True))


def naive_similar(
    content: dict[str, tuple[np.ndarray, np.ndarray]], alpha: dict[str, float], known: np.ndarray
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The matrix S [N, N] by loops over items, modalities and neighbours."""
    size = len(known)
    whole = np.zeros((size, size))
    for item in range(size):
        mine = {name: alpha[name] for name, (_, present) in content.items() if present[item]}
        for name in mine:
            values, present = content[name]
            cosines = [
                (float(values[item] @ values[other] / np.linalg.norm(values[item]) / np.linalg.norm(values[other])), other)
                for other in range(size) if present[other] and known[other]
            ]  # fmt: skip
            nearest = [other for _, other in sorted(cosines, reverse=True)[:K]]
            for other in nearest:  # every row of S_m has k ones, so both factors of D^-1/2 S D^-1/2 are 1/sqrt(k)
                whole[item, other] += mine[name] / sum(mine.values()) / len(nearest) ** 0.5 / len(nearest) ** 0.5
    return whole


def naive_vectors(
    model: Freedom, edges: list[tuple[int, int]], users: Tensor, items: Tensor, similar: Tensor
) -> tuple[Tensor, Tensor]:
    """Final vectors over a dense, normalised adjacency."""
    adjacency = torch.zeros(len(users), len(items), dtype=torch.float64)
    for user, item in edges:
        adjacency[user, item] = 1.0
    scaled = adjacency / adjacency.sum(1, keepdim=True).clamp(min=1).sqrt() / adjacency.sum(0).clamp(min=1).sqrt()
    layers = [(users, items)]
    for _ in range(model.config.layers):
        layers.append((scaled @ layers[-1][1], scaled.T @ layers[-1][0]))
    of_users, of_items = (torch.stack([layer[side] for layer in layers]).mean(0) for side in (0, 1))
    known = (model.graph.item_degrees > 0)[:, None]
    return of_users, of_items * known + torch.linalg.matrix_power(similar, model.config.item_layers) @ items


def similar_of(model: Freedom) -> Tensor:
    content = {name: (one.values, one.present) for name, one in model.card.vocabulary.content.items()}
    return torch.from_numpy(naive_similar(content, {"image": 0.1, "text": 0.9}, model.graph.item_degrees.numpy() > 0))


def test_similar_items_are_those_of_naive_loops() -> None:
    generator = np.random.default_rng(0)
    content = {name: (generator.normal(size=(30, 5)), generator.random(30) < 0.6) for name in ("a", "b")}
    known, alpha = generator.random(30) < 0.7, {"a": 0.3, "b": 1.2}
    modalities = [(torch.from_numpy(values * present[:, None]), torch.from_numpy(present)) for values, present in content.values()]
    found = similar_items(modalities, [*alpha.values()], torch.from_numpy(known), K)
    expected = naive_similar(content, alpha, known)
    np.testing.assert_allclose(found(torch.eye(30, dtype=torch.float64)).numpy(), expected, atol=1e-6)
    sums = expected.sum(1)
    np.testing.assert_allclose(sums[content["a"][1] | content["b"][1]], 1.0)
    assert (~content["a"][1] & ~content["b"][1]).any()
    assert not sums[~content["a"][1] & ~content["b"][1]].any()


def test_fewer_items_than_neighbours_and_none_at_all() -> None:
    features = torch.eye(4)
    known = torch.tensor([True, True, False, False])
    found = similar_items([(features, torch.ones(4, dtype=torch.bool))], [1.0], known, 10)
    torch.testing.assert_close(found(torch.eye(4)), torch.tensor([[0.5, 0.5, 0.0, 0.0]]).expand(4, 4))
    assert not similar_items([(features, torch.zeros(4, dtype=torch.bool))], [1.0], known, 10)(torch.eye(4)).any()


def small_graph() -> tuple[InteractionGraph, dict[tuple[int, int], float]]:
    edges = [(0, 0), (0, 1), (0, 2), (1, 0), (2, 2)]
    graph = InteractionGraph(3, 3)
    graph.connect(torch.tensor([u for u, _ in edges]), torch.tensor([i for _, i in edges]))
    users, items = Counter(u for u, _ in edges), Counter(i for _, i in edges)
    return graph, {(u, i): (users[u] * items[i]) ** -0.5 for u, i in edges}


@pytest.mark.parametrize("kept", [1, 2])
def test_edges_are_kept_as_often_as_draws_without_replacement_would(kept: int) -> None:
    graph, weights = small_graph()
    expected: Counter[tuple[int, int]] = Counter()
    for order in permutations(weights, kept):
        chance, left = 1.0, sum(weights.values())
        for edge in order:
            chance, left = chance * weights[edge] / left, left - weights[edge]
        for edge in order:
            expected[edge] += chance  # type: ignore[assignment] # a count that is a probability
    draws = 600
    found = Counter(edge for seed in range(draws) for edge in edges_of(pruned_graph(graph, 1 - (kept + 0.5) / 5, seed)))
    for edge, chance in expected.items():
        assert found[edge] / draws == pytest.approx(chance, abs=4 * (chance * (1 - chance) / draws) ** 0.5)


def test_a_pruned_graph_is_part_of_the_graph_with_degrees_of_its_own() -> None:
    graph = new().graph
    pruned = pruned_graph(graph, 0.4, 3)
    edges = edges_of(pruned)
    assert len(edges) == len(set(edges)) == int(0.6 * len(edges_of(graph)))
    assert set(edges) < set(edges_of(graph))
    assert pruned.item_degrees.tolist() == [Counter(item for _, item in edges)[item] for item in range(20)]
    assert edges == edges_of(pruned_graph(graph, 0.4, 3))
    assert edges != edges_of(pruned_graph(graph, 0.4, 4))


@pytest.mark.parametrize("options", [{}, {"item_layers": 2, "layers": 1, "prune": 0.0}])
def test_scores_losses_and_gradients_are_those_of_dense_sums(options: dict[str, Any]) -> None:
    split = tiny_split(content=True)
    model = new(split, content_weight=0.5, **options).double()
    for projection in model.projections:
        projection.features = projection.features.double()
    batch = create_plan("pairs", split.train, 0).batch(np.array([0, 5, 5, 31, 60, 61, 62, 80]))
    assert batch.targets is not None
    model.loss(batch)  # draws the graph of the epoch
    torch.manual_seed(3)
    found = model.loss(batch)
    torch.manual_seed(3)
    assert model.objective.sampler is not None
    negatives = model.objective.sampler.draw(batch.targets).items[:, 0].tolist()
    own = [p.detach().clone().requires_grad_() for p in model.parameters()]
    names = [name for name, _ in model.named_parameters()]
    by_name = dict(zip(names, own, strict=True))
    graph = model._pruned[0] if model.config.prune else model.graph
    users, items = naive_vectors(model, edges_of(graph), by_name["users"], by_name["encoder.weight"], similar_of(model))
    rows = list(zip(batch.users.tolist(), batch.targets.tolist(), negatives, strict=True))
    assert any(4 in row[1:] or 6 in row[1:] for row in rows)  # codes that lack features
    terms = {name: torch.zeros((), dtype=torch.float64) for name in ("loss", "image", "text")}
    for user, positive, negative in rows:
        if positive == negative:
            continue
        terms["loss"] = terms["loss"] - torch.nn.functional.logsigmoid(users[user] @ (items[positive - 1] - items[negative - 1]))
        for at, name in enumerate(("image", "text")):
            projection = model.projections[at]
            if not (projection.present[positive - 1] and projection.present[negative - 1]):
                continue
            apart = (projection.features[positive - 1] - projection.features[negative - 1]) / projection.scale
            difference = users[user] @ (by_name[f"projections.{at}.weight"] @ apart)
            terms[name] = terms[name] - 0.5 * torch.nn.functional.logsigmoid(difference)
    for name, value in terms.items():
        torch.testing.assert_close(found[name], value / len(rows), rtol=1e-6, atol=1e-9)
    expected = torch.autograd.grad(torch.stack([*terms.values()]).sum() / len(rows), own)
    for one, other in zip(torch.autograd.grad(torch.stack([*found.values()]).sum(), [*model.parameters()]), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-8)
    whole_u, whole_i = naive_vectors(
        model, edges_of(model.graph), own[names.index("users")], by_name["encoder.weight"], similar_of(model)
    )
    made = history_batch([np.array([1], dtype=np.int32)] * 2, None)
    asked = SequenceBatch(made.items, made.lengths, torch.tensor([0, 7]))
    torch.testing.assert_close(model.scores(asked), whole_u[[0, 7]] @ whole_i.T, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(model.scores(asked), model.represent(asked) @ model.item_table().T)


def test_every_epoch_prunes_anew_and_a_cut_one_goes_on_with_its_graph() -> None:
    split = tiny_split(content=True)
    batch = create_plan("pairs", split.train, 0).batch(np.arange(8))
    model, other = new(split), new(split)
    torch.manual_seed(0)
    model.loss(batch)
    first = edges_of(model._pruned[0])
    other.load_state_dict(model.state_dict())
    torch.manual_seed(99)
    other.loss(batch)
    assert edges_of(other._pruned[0]) == first
    model.after_epoch({})
    torch.manual_seed(1)
    model.loss(batch)
    assert edges_of(model._pruned[0]) != first


def test_a_new_item_is_known_by_items_that_are_like_it() -> None:
    split = tiny_split(content=True)
    model = create_model("freedom", split, dim=DIM, neighbours=K)
    fit(model, split, epochs=2, batch_size=32, show=False, device="cpu")
    assert isinstance(model, Freedom)
    old = split.vocabulary
    rows = {name: np.stack([one.values[8], np.zeros(one.width, np.float32)]) for name, one in old.content.items()}
    added = {name: Features(values, np.array([True, False])) for name, values in rows.items()}
    grown = warm_start(model, Vocabulary(pl.Series("item", ["new", "nothing"]), old.users, None, added))
    assert isinstance(grown, Freedom)
    table, similar = grown.item_table().double(), similar_of(model)
    torch.testing.assert_close(table[:20], model.item_table().double())
    torch.testing.assert_close(table[20], similar[8] @ model.encoder.weight.double(), rtol=1e-5, atol=1e-7)
    assert not table[21].any()


def test_weights_of_modalities() -> None:
    assert new().weights == [0.1, 0.9]
    assert new(modalities={"image": 2.0}).weights == [2.0]
    split = tiny_split(content=True)
    split.vocabulary.content.pop("text")  # type: ignore[attr-defined] # a dict
    split.vocabulary.content["audio"] = split.vocabulary.content["image"]  # type: ignore[index] # a dict
    assert new(split).weights == [1.0, 1.0]
