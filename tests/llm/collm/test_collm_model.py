from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import collm_world as world
import numpy as np
import pytest
import torch
from torch.nn import functional as F

import reverie as rv
from reverie.data.batch import SequenceBatch, query_batch
from reverie.data.plans import LabelledPlan, create_plan
from reverie.errors import ConfigError, DataError
from reverie.evaluation import evaluate, recommend
from reverie.llm.titles import Titles
from reverie.models import create_model, load_model, save_model

if TYPE_CHECKING:
    from reverie.llm.collm.collaborative import CollaborativeVectors

KINDS: list[dict[str, Any]] = [
    {"ids": "none"},
    {"ids": "soft"},
    {"ids": "soft", "template": "question"},
    {"ids": "none", "template": "brief"},
    {"ids": "soft", "template": "brief"},
    {"ids": "soft", "collaborative": {"name": "din", "options": {"dim": 4}}},
    {
        "ids": "soft",
        "collaborative": {"name": "sasrec", "options": {"dim": 8, "history": 5}},
        "mapping": {"norm": "layer", "tokens": 2},
    },
    {"ids": "soft", "collaborative": {"name": "mf", "options": {"dim": 4}}, "mapping": {"separate": True}, "score": "yes_minus_no"},
    {"ids": "binary", "bits": 8},
    {"ids": "dotted", "bits": 8},
]


def _model(options: dict[str, Any]) -> Any:
    made = world.model(**options)
    if made.bits is not None:
        made.fit_bits()
    return made


def _batch() -> SequenceBatch:
    queries = world.split().test
    assert queries.lengths.max() > 2
    return query_batch(queries, np.argsort(queries.lengths)[[0, -1, -3]], 10)


@pytest.mark.parametrize("options", KINDS, ids=str)
@torch.no_grad()
def test_the_shared_beginning_changes_nothing(options: dict[str, Any]) -> None:
    model, batch = _model(options), _batch()
    items = torch.tensor([[1, 5, 2, 16], [7, 3, 9, 0], [4, 0, 0, 0]])
    together = model.scores(batch, items)
    for column in range(4):
        alone = model.scores(batch, items[:, column : column + 1].clamp(min=1))[:, 0]
        real = items[:, column] > 0
        torch.testing.assert_close(together[real, column], alone[real], rtol=0, atol=1e-5)
    assert together[items == 0].abs().sum() == 0
    whole = model.scores(batch)
    assert whole.shape == (3, world.N_ITEMS)
    torch.testing.assert_close(whole.gather(1, (items - 1).clamp(min=0))[items > 0], together[items > 0], rtol=0, atol=1e-5)


@torch.no_grad()
def test_a_beginning_ends_before_the_token_of_the_item(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("A user {user} liked {history}. Will {item} be liked, named {title}? Answer:")
    model, batch = world.model(template=str(tmp_path / "mine.txt")), _batch()
    one = SequenceBatch(batch.items[1:2], batch.lengths[1:2], batch.users[1:2])
    items = torch.tensor([1, 5, 2, 16])
    alone = torch.cat([model.pairs(one, item[None, None])[0] for item in items])
    torch.testing.assert_close(model.scores(one, items[None])[0], alone, rtol=0, atol=1e-5)


@torch.no_grad()
def test_two_items_of_one_title_keep_their_own_vectors() -> None:
    model, batch = world.model(template="brief"), _batch()
    titles = model.prompting.titles.texts
    model.prompting = replace(model.prompting, titles=Titles((titles[4], *titles[1:])))  # items 1 and 5
    one = SequenceBatch(batch.items[1:2], batch.lengths[1:2], batch.users[1:2])
    alone = torch.cat([model.pairs(one, torch.tensor([[code]]))[0] for code in (1, 5)])
    assert float((alone[0] - alone[1]).abs()) > 1e-5
    torch.testing.assert_close(model.scores(one, torch.tensor([[1, 5]]))[0], alone, rtol=0, atol=1e-6)


@torch.no_grad()
def test_ends_packed_into_rows_or_padded_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    model, batch = _model({"ids": "soft"}), _batch()
    one = SequenceBatch(batch.items[1:2], batch.lengths[1:2], batch.users[1:2])
    items = torch.arange(1, 17)
    whole = model.scores(one, items[None])[0]
    monkeypatch.setattr("reverie.llm.collm.prompting.TOKENS", 60)  # two ends or so in a row
    torch.testing.assert_close(model.scores(one, items[None])[0], whole, rtol=0, atol=1e-5)
    monkeypatch.setattr("reverie.llm.collm.prompting.MASKED", ())
    torch.testing.assert_close(model.scores(one, items[None])[0], whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_neighbours_do_not_matter(options: dict[str, Any]) -> None:
    queries = world.split().test
    model, batch = _model(options), query_batch(queries, np.argsort(-queries.lengths)[[3, 0, -1, 6, 1, -2, 5]], 10)
    items = torch.tensor([[3], [8], [11], [2], [5], [1], [7]])  # more than are read side by side, not in order of length
    with torch.no_grad():
        whole = model.scores(batch, items)
        for row in range(7):
            one = SequenceBatch(*(value[row : row + 1] for value in (batch.items, batch.lengths, batch.users)))
            torch.testing.assert_close(model.scores(one, items[row : row + 1])[0], whole[row], rtol=0, atol=1e-5)


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_stored_and_loaded_it_says_the_same(options: dict[str, Any], tmp_path: Path) -> None:
    model = _model(options)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    save_model(model, tmp_path / "model")
    loaded: Any = load_model(tmp_path / "model")
    batch, items = _batch(), torch.tensor([[1, 2], [3, 4], [5, 6]])
    with torch.no_grad():
        torch.testing.assert_close(loaded.scores(batch, items), model.scores(batch, items), rtol=0, atol=0)
    stored = {name for name in model.state_dict() if name.startswith("language.")}
    assert all("lora_" in name for name in stored)  # the language model itself is loaded by its name


def test_each_stage_trains_its_part_alone() -> None:
    model = world.model()
    sizes = {}
    for stage in ("lora", "mapping", "all"):
        model.set_stage(stage)
        sizes[stage] = sum(p.numel() for p in model.parameters())
        names = {name for name, p in model.named_parameters() if p.requires_grad}
        assert any("lora_" in name for name in names) == (stage != "mapping")
        assert any(name.startswith("mapping.") for name in names) == (stage != "lora")
        assert not any(name.startswith("evidence.") for name in names)
    assert sizes["all"] == sizes["lora"] + sizes["mapping"]
    tuned = world.model(tune="mapping+vectors")
    tuned.set_stage("mapping")
    assert any(name.startswith("evidence.") and p.requires_grad for name, p in tuned.named_parameters())


@pytest.mark.parametrize("options", [KINDS[1], KINDS[4], KINDS[5], KINDS[6]], ids=str)
def test_a_beginning_read_without_gradient_leaves_gradients_as_they_are(options: dict[str, Any]) -> None:
    model = _model(options)
    made = world.split()
    assert made.labelled is not None
    batch = create_plan("labelled", made.labelled, 10).batch(np.arange(6))
    gradients = []
    for stage in ("mapping", "all"):  # the second reads whole prompts with a gradient
        model.set_stage(stage)
        model.zero_grad()
        model.eval()
        model.loss(batch)["bce"].backward()
        gradients.append([p.grad.clone() for p in model.mapping.parameters() if p.grad is not None])
    assert len(gradients[0]) == len(gradients[1]) > 0
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-7)
    assert sum(float(g.abs().sum()) for g in gradients[0]) > 0


def test_the_ranking_loss_compares_rows_of_one_user() -> None:
    model = world.model(ranking=0.5)
    assert model.plan == "labelled-by-user"
    made = world.split()
    assert made.labelled is not None
    batch = create_plan(model.plan, made.labelled, 10).batch(np.arange(4))
    assert batch.targets is not None
    assert batch.labels is not None
    with torch.no_grad():
        terms = model.loss(batch)
        scores = model.scores(batch, batch.targets[:, None])[:, 0]
    pairs = [
        F.softplus(scores[j] - scores[i])
        for i in range(batch.size)
        for j in range(batch.size)
        if batch.users[i] == batch.users[j] and batch.labels[i] > batch.labels[j]
    ]
    assert pairs
    torch.testing.assert_close(terms["ranking"], 0.5 * torch.stack(pairs).mean())
    torch.testing.assert_close(terms["bce"], F.binary_cross_entropy_with_logits(scores, batch.labels))


def test_unknown_users_and_items_get_the_token_that_says_so() -> None:
    model = world.model()
    made = _batch()
    stranger = SequenceBatch(made.items[:1], made.lengths[:1], torch.tensor([-1]))
    items = torch.tensor([[2]])
    with torch.no_grad():
        before = model.scores(stranger, items)
        model.mapping.unknown[0] += 1
        assert float((model.scores(stranger, items) - before).abs()) > 1e-4
        known = SequenceBatch(made.items[1:2], made.lengths[1:2], made.users[1:2])
        assert model.evidence.known_users(known).all()
        same = model.scores(known, items)
        model.mapping.unknown[0] += 1
        torch.testing.assert_close(model.scores(known, items), same)
        model.evidence.item_rows[2] = 0
        assert float((model.scores(known, items) - same).abs()) > 1e-4


@pytest.mark.parametrize("forget", [0.0, 0.5])
def test_the_token_for_strangers_learns_from_those_who_are_forgotten(forget: float) -> None:
    model = world.model(forget=forget).train()
    rows = world.split().labelled
    assert rows is not None
    torch.manual_seed(0)
    loss = model.loss(LabelledPlan(rows, 10).batch(np.arange(16)))["bce"]
    (gradient,) = torch.autograd.grad(loss, model.mapping.unknown, allow_unused=True)
    moved = gradient is not None and bool((gradient.abs().sum((1, 2)) > 0).all())
    assert moved == (forget > 0)


@pytest.mark.parametrize("name", ["mf", "lightgcn", "din", "sasrec"])
@torch.no_grad()
def test_shuffling_gives_everybody_the_vectors_of_another(name: str) -> None:
    model = world.model(collaborative={"name": name, "options": {"dim": 8}})
    evidence, batch = model.evidence, _batch()
    evidence.user_rows[0] = 0  # has no training rows: keeps its place
    items = torch.arange(1, 17).expand(3, -1)
    users, vectors = evidence.user_vectors(batch, items), evidence.item_vectors(items)
    evidence.shuffle(0)
    assert evidence.user_order[0] == 0
    assert sorted(evidence.user_order.tolist()) == list(range(world.N_USERS))
    assert sorted(evidence.item_order.tolist()) == list(range(world.N_ITEMS + 1))
    assert (evidence.item_order[1:] != torch.arange(1, 17)).sum() > 8
    torch.testing.assert_close(evidence.item_vectors(items), vectors[:, evidence.item_order[1:] - 1])
    assert not torch.allclose(evidence.user_vectors(batch, items), users)
    assert evidence.known_items(torch.tensor([0])).tolist() == [False]


@pytest.mark.filterwarnings("ignore:model '.*' is not fitted")
def test_it_is_a_recommender_like_any_other() -> None:
    model = world.model(shortlist=5)
    test = world.split().test
    measured = evaluate(model, test, top=0)
    assert measured.scored is not None
    assert 0 <= measured.value("auc") <= 1
    assert 0 <= measured.value("undcg") <= 1
    listed = recommend(model, ["Film a0 (1960)", "Film b1 (1961)"], k=6, titles=True)
    assert listed["rank"].to_list() == [1, 2, 3, 4, 5, 6]
    with torch.no_grad():
        batch = _batch()
        short, whole = model.scores(batch), world.model().scores(batch)
        rough = model.evidence.model.scores(batch)
    chosen = rough.topk(5, dim=1).indices
    torch.testing.assert_close(short.gather(1, chosen), whole.gather(1, chosen), rtol=0, atol=1e-5)
    assert bool((short.topk(5, dim=1).indices.sort(1).values == chosen.sort(1).values).all())
    assert bool(torch.isfinite(short).all())


def test_long_histories_lose_their_oldest_titles_only() -> None:
    model = world.model(history=80)
    history = list(range(1, 17)) * 5
    prompt = model.prompting.tokens(history, 3, (1, 1))
    assert len(prompt) <= model.backbone.context
    assert prompt.count(-1) == 2
    text = model.backbone.text([token for token in prompt if token >= 0])
    assert '"Film b15".' in text
    assert text.count('"Film') < 81


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"template": "nowhere.txt"}, "no template"),
        ({"ids": "soft", "collaborative": None}, "needs 'collaborative'"),
        ({"collaborative": {"name": "popularity"}}, "no vectors that a language model could read"),
        ({"ids": "binary", "bits": 16}, "16 bits cannot be read off vectors of width 8"),
        ({"history": 0}, "history"),
    ],
)
def test_wrong_options_are_one_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        world.model(**options)


def test_a_template_without_its_slot_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("Liked: {history}. Film: {title} {item}. Liked?")
    with pytest.raises(ConfigError, match=r"lacks its slot \{user\}"):
        world.model(template=str(tmp_path / "mine.txt"))
    (tmp_path / "long.txt").write_text("x" * 1200 + "{history}{title}{user}{item}. Liked?")
    model = world.model(template=str(tmp_path / "long.txt"))
    with pytest.raises(ConfigError, match=r"alone is longer"), torch.no_grad():
        model.scores(_batch(), torch.tensor([[1], [1], [1]]))


def test_items_without_titles_are_named() -> None:
    bare = rv.leave_one_out(rv.read_events(world.frame()))
    with pytest.raises(DataError, match="have no titles"):
        create_model("collm", bare, backbone=world.TINY)


def test_labels_are_needed() -> None:
    model = world.model()
    with pytest.raises(ConfigError, match="learns from labelled rows"):
        model.loss(_batch())
    with pytest.raises(DataError, match="no labels to learn from"):
        rv.fit(model, world.split(), epochs=1, show=False)


def test_bits_are_balanced_and_dotted() -> None:
    model = _model({"ids": "binary", "bits": 8})
    evidence: CollaborativeVectors = model.evidence
    items = torch.arange(1, world.N_ITEMS + 1)
    vectors, known = evidence.item_vectors(items[None])[0], evidence.known_items(items)
    words = model.bits.words("item", vectors, known, dotted=False)
    digits = np.array([[int(bit) for bit in word] for word, there in zip(words, known.tolist(), strict=True) if there])
    assert (np.abs(digits.mean(0) - 0.5) <= 0.5 / len(digits) + 1e-9).all()
    dotted = model.bits.words("item", vectors, torch.ones_like(known), dotted=True)
    assert [int(word) for word in dotted[:3]] == [
        int(word, 2) for word in model.bits.words("item", vectors, torch.ones_like(known), False)[:3]
    ]
    assert model.bits.words("user", vectors[:1], torch.tensor([False]), dotted=True) == ["unknown"]
