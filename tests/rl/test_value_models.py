"""Value models: losses against loops over histories in float64, target networks, policies, controls."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from reverie.data.plans import create_plan
from reverie.errors import ConfigError
from reverie.models import create_model, load_model, save_model
from reverie.models.store import with_options
from reverie.nn.states import last_states
from reverie.rl.bcq import BCQ
from reverie.testing import tiny_split
from reverie.training import fit

if TYPE_CHECKING:
    from pathlib import Path

    from reverie.data.split import Split

N = 20
QUIET: dict[str, Any] = {"dim": 8, "history": 6, "dropout": 0.0, "objective": {"kind": "full_softmax"}}


@pytest.fixture(scope="module")
def split() -> Split:
    return tiny_split(rewards=True)


def created(split: Split, name: str, **options: Any) -> Any:
    """A model in float64 whose networks differ and whose values are far apart."""
    torch.manual_seed(0)
    model: Any = create_model(name, split, **{**QUIET, **options})
    model.double().observe(split.train)
    with torch.no_grad():
        for network in (model.online, model.target):
            torch.nn.init.normal_(network.values.weight, std=0.5)
            torch.nn.init.normal_(network.bias, std=0.5)
    return model.train()


def pieces(split: Split, rows: int = 5) -> Any:
    return create_plan("transitions", split.train, 6).batch(np.arange(rows))


def transitions(model: Any, batch: Any) -> list[dict[str, Any]]:
    """Each transition by itself, in the order of a step: states by both networks, Q and logits of all items."""
    found = []
    step = model.transitions(batch)
    for row, column in zip(step._row.tolist(), step._column.tolist(), strict=True):
        one = {"a": int(batch.items[row, column + 1]), "r": float(batch.rewards[row, column])}
        one |= {"done": bool(batch.done[row, column]), "last": int(batch.items[row, column]), "n": column + 1}
        one["later"] = int(batch.items[row, column + 2]) if column + 2 < int(batch.lengths[row]) else 0
        for when, stop in (("", column + 1), ("'", column + 2)):
            shown = replace(batch, items=batch.items[row : row + 1, :stop], lengths=torch.tensor([stop]), users=batch.users[:1])
            for name, network in (("main", model.online), ("target", model.target)):
                state = network.backbone.states(shown)[0, -1].detach()
                one[f"{name} s{when}"] = state
                one[f"{name} q{when}"] = (network.values.weight @ state + network.bias).tolist()
                one[f"{name} l{when}"] = (network.backbone.item_table() @ state).tolist()
        found.append(one)
    assert len(found) == len(step) == int((batch.actions > 0).sum())
    return found


def log_sum_exp(values: list[float]) -> float:
    top = max(values)
    return top + math.log(sum(math.exp(value - top) for value in values))


def cross_entropy(one: dict[str, Any]) -> float:
    return log_sum_exp(one["main l"]) - one["main l"][one["a"] - 1]


def best(values: list[float]) -> int:
    return max(range(len(values)), key=lambda item: values[item])


def double_q(one: dict[str, Any], allowed: Any = None) -> float:
    among = range(N) if allowed is None else allowed(one)
    choice = max(among, key=lambda item: one["main q'"][item])
    return one["r"] + (0.0 if one["done"] else 0.5 * one["target q'"][choice])


def td(one: dict[str, Any], y: float) -> float:
    return 0.5 * (y - one["main q"][one["a"] - 1]) ** 2


def mean(values: Any) -> float:
    values = list(values)
    return sum(values) / len(values)


def losses(model: Any, batch: Any) -> dict[str, float]:
    torch.manual_seed(7)
    return {name: float(value.detach()) for name, value in model.loss(batch).items()}


def test_cql_in_full(split: Split) -> None:
    model, batch = created(split, "cql", alpha=0.3, q_weight=2.0, ce_weight=0.5), pieces(split)
    every = transitions(model, batch)
    assert any(one["done"] for one in every)
    found = losses(model, batch)
    assert list(found) == ["ce", "td", "conservative"]
    assert found["ce"] == pytest.approx(0.5 * mean(cross_entropy(one) for one in every), rel=1e-6)
    assert found["td"] == pytest.approx(2 * mean(td(one, double_q(one)) for one in every), rel=1e-6)
    expected = mean(log_sum_exp(one["main q"]) - one["main q"][one["a"] - 1] for one in every)
    assert found["conservative"] == pytest.approx(0.6 * expected, rel=1e-6)


@pytest.mark.parametrize("shared", [True, False])
def test_cql_of_drawn_items(split: Split, shared: bool) -> None:
    options = {
        "maximum": "sampled",
        "conservative": "sampled",
        "candidates": {"source": "popularity", "n": 4, "shared": shared, "power": 0.5},
    }
    model, batch = created(split, "cql", **options), pieces(split)
    every = transitions(model, batch)
    torch.manual_seed(7)
    drawn = model._sampler.draw(model.transitions(batch).actions)
    items, logs = drawn.items.expand(len(every), 4).tolist(), (drawn.log_q + math.log(4)).expand(len(every), 4).tolist()
    found, y, conservative = losses(model, batch), [], []
    for one, own, weights in zip(every, items, logs, strict=True):
        extra = one["later"] or one["a"]
        y.append(double_q(one, lambda _, own=own, extra=extra: [item - 1 for item in (*own, extra)]))
        others = [one["main q"][item - 1] - w for item, w in zip(own, weights, strict=True) if item != one["a"]]
        conservative.append(log_sum_exp([one["main q"][one["a"] - 1], *others]) - one["main q"][one["a"] - 1])
    assert found["td"] == pytest.approx(mean(td(one, to) for one, to in zip(every, y, strict=True)), rel=1e-5)
    assert found["conservative"] == pytest.approx(mean(conservative), rel=1e-5)


def test_the_maximum_and_the_conservative_loss_are_switched_each_by_itself(split: Split) -> None:
    batch, drawn = pieces(split), {"candidates": {"n": 3, "shared": True}}
    full = losses(created(split, "cql", **drawn), batch)
    for switch, term, other in (("maximum", "td", "conservative"), ("conservative", "conservative", "td")):
        found = losses(created(split, "cql", **drawn, **{switch: "sampled"}), batch)
        assert found[other] == pytest.approx(full[other], rel=1e-12)
        assert found[term] != pytest.approx(full[term], rel=1e-6)


def test_iql(split: Split) -> None:
    model, batch = created(split, "iql", largest_weight=1.5), pieces(split)
    every, head = transitions(model, batch), model.online.further
    ce, v, values = [], [], []
    for one in every:
        now, later = (float((head(one[f"main s{when}"])).detach()) for when in ("", "'"))
        gap = one["target q"][one["a"] - 1] - now
        v.append((0.3 if gap < 0 else 0.7) * gap**2)
        ce.append(min(math.exp(3 * gap), 1.5) * cross_entropy(one))
        values.append(td(one, one["r"] + (0.0 if one["done"] else 0.5 * later)))
    found = losses(model, batch)
    assert found == pytest.approx({"ce": mean(ce), "v": mean(v), "td": mean(values)}, rel=1e-6)
    model.loss(batch)["ce"].backward()
    assert head.weight.grad is None  # the advantage is a weight, not a way for gradients


def test_bcq_takes_likely_items_only(split: Split) -> None:
    model, batch = created(split, "bcq", threshold=0.6), pieces(split)
    with torch.no_grad():
        model.online.backbone.encoder.weight.mul_(4)

    def likely(logits: list[float]) -> list[int]:
        return [item for item in range(N) if math.exp(logits[item] - max(logits)) >= 0.6]

    every = transitions(model, batch)
    assert 1 < mean(len(likely(one["main l'"])) for one in every) < N / 2
    expected = mean(td(one, double_q(one, lambda one: likely(one["main l'"]))) for one in every)
    assert losses(model, batch)["td"] == pytest.approx(expected, rel=1e-6)
    model.eval()
    scores, logits, values = model.scores(batch), model.scores_by("ce", batch).tolist(), model.q_values(batch).tolist()
    for row in range(batch.size):
        allowed = sorted(likely(logits[row]), key=lambda item: -values[row][item])
        others = sorted(set(range(N)) - set(allowed), key=lambda item: -logits[row][item])
        assert scores[row].argsort(descending=True).tolist() == allowed + others
    sampled = created(split, "bcq", threshold=0.6, maximum="sampled", candidates={"n": 4, "shared": True})
    sampled.load_state_dict(model.state_dict())
    torch.manual_seed(7)
    step = sampled.transitions(batch)
    drawn, y, none_left = step.drawn.items.tolist(), [], 0
    for one in every:
        items = [item - 1 for item in (*drawn, one["later"] or one["a"])]
        allowed = [item for item in items if item in likely(one["main l'"])]
        none_left += not allowed
        choice = allowed or [max(items, key=lambda item, one=one: one["main l'"][item])]
        y.append(double_q(one, lambda _, choice=choice: choice))
    assert 0 < none_left < len(every)
    torch.testing.assert_close(sampled.td_targets(step).tolist(), y)
    assert isinstance(model, BCQ)
    assert not hasattr(model, "item_table")


@pytest.mark.parametrize("form", ["contrastive", "regression"])
def test_mcrl_models_against_loops(split: Split, form: str) -> None:
    options = {"negatives": {"n": 3, "shared": True}, "other_states": 4, "temperature": 0.5, "reward_loss": form}
    model, batch = created(split, "mcrl", lambda_r=1.0, lambda_t=1.0, **options), pieces(split)
    every, heads = transitions(model, batch), model.online.further
    with torch.no_grad():
        heads.level.fill_(0.3)
    found, step = losses(model, batch), model.transitions(batch)
    assert list(found) == ["ce", "td", "conservative", "reward", "transition"]
    going = [one for one in every if not one["done"]]
    assert len(going) < len(every)
    torch.manual_seed(7)
    for_reward, for_state = model._drawn(step.actions).items.tolist(), model._drawn(step.actions[: len(going)]).items.tolist()
    picked = torch.randperm(len(going))[:4].tolist()
    e = model.online.backbone.item_table().detach()

    def reward(one: dict[str, Any], item: int) -> float:
        return float((heads.reward(one["main s"]) @ e[item - 1] + heads.level).detach())

    def reached(one: dict[str, Any], item: int) -> torch.Tensor:
        s, a = one["main s"], e[item - 1]
        return (heads.state(s) + heads.action.weight @ a + heads.gate(s) * (heads.gated_action.weight @ a)).detach()

    expected = []
    for one in every:
        own, others = reward(one, one["a"]), [reward(one, item) for item in for_reward if item != one["a"]]
        ranking = mean(math.log1p(math.exp(n - own)) for n in others) if others else 0.0
        contrast = log_sum_exp([own / 0.5, *(n / 0.5 for n in others)]) - own / 0.5
        expected.append(one["r"] * contrast if form == "contrastive" else 0.5 * (own - one["r"]) ** 2 + ranking)
    assert found["reward"] == pytest.approx(mean(expected), rel=1e-5)
    expected = []
    for number, one in enumerate(going):
        z, after = reached(one, one["a"]), [F.normalize(other["main s'"], dim=0) for other in going]
        own = float(z @ after[number]) / 0.5
        by_action = [float(reached(one, item) @ after[number]) / 0.5 for item in for_state if item != one["a"]]
        by_state = [float(z @ after[other]) / 0.5 for other in picked if other != number]
        expected.append(log_sum_exp([own, *by_action, *by_state]) - own)
    assert found["transition"] == pytest.approx(mean(expected), rel=1e-5)
    model.eval()
    one = replace(batch, items=batch.items[:1, :3], lengths=torch.tensor([3]), users=batch.users[:1])
    state = {"main s": model.last_state(one)[0].detach()}
    assert model.reward_values(one, torch.tensor([[4]])).item() == pytest.approx(reward(state, 4))
    torch.testing.assert_close(model.reached_states(one, torch.tensor([4]))[0].detach(), reached(state, 4))


def test_terminal_transitions_have_no_next_state(split: Split) -> None:
    pairs = replace(split.train, starts=split.train.stops - 2)
    batch = create_plan("transitions", pairs, 6).batch(np.arange(4))
    model = created(split, "mcrl")
    every = transitions(model, batch)
    assert all(one["done"] for one in every)
    found = losses(model, batch)
    assert found["transition"] == 0
    assert found["td"] == pytest.approx(mean(td(one, one["r"]) for one in every), rel=1e-6)


def test_controls_change_their_own_loss_only(split: Split) -> None:
    batch = pieces(split)
    plain = losses(created(split, "mcrl"), batch)
    for switch, term in (("shuffled_rewards", "reward"), ("shuffled_next", "transition")):
        found = losses(created(split, "mcrl", **{switch: True}), batch)
        assert found[term] != pytest.approx(plain[term], rel=1e-9)
        for other in ("ce", "td", "conservative"):
            assert found[other] == pytest.approx(plain[other], rel=1e-12)


def test_length_control_has_the_same_parameters_and_no_reward(split: Split) -> None:
    batch = pieces(split)
    options = {"policy": "ce", "lambda_r": 0.25, "lambda_t": 0.5}
    model, other = created(split, "mcrl", length_aux=True, **options), created(split, "mcrl", **options)
    assert sum(p.numel() for p in model.parameters()) == sum(p.numel() for p in other.parameters())
    found = losses(model, batch)
    e, heads, expected = model.online.backbone.item_table(), model.online.further, []
    for one in transitions(model, batch):
        s, x = one["main s"], e[one["last"] - 1]
        z = heads.state(s) + heads.action(x) + heads.gate(s) * heads.gated_action(x) + heads.reward(s) + heads.level
        length = float((model.online.values.weight[one["last"] - 1] @ z + model.online.bias[one["last"] - 1]).detach())
        expected.append(0.5 * (math.log1p(one["n"]) - length) ** 2)
    assert found == pytest.approx({"ce": found["ce"], "length": 1.75 * mean(expected)}, rel=1e-6)
    assert losses(model, replace(batch, rewards=batch.rewards + 1)) == found
    sum(model.loss(batch).values()).backward()
    assert all(p.grad is not None for p in model.online.parameters())


def test_losses_of_weight_zero_are_not_computed(split: Split) -> None:
    batch = replace(pieces(split), rewards=None, done=None)
    model = created(split, "mcrl", policy="ce", lambda_q=0, lambda_r=0, lambda_t=0)
    assert list(model.loss(batch)) == ["ce"]
    with pytest.raises(ValueError, match="need a batch with rewards"):
        created(split, "sqn").loss(batch)


@pytest.mark.parametrize("name", ["sqn", "sac", "snqn", "sa2c", "cql", "bcq", "iql"])
def test_a_model_acts_by_what_its_weights_teach(split: Split, name: str) -> None:
    with pytest.raises(ConfigError, match="every loss has weight 0"):
        create_model(name, split, ce_weight=0, q_weight=0, policy="ce")
    for policy in ("q", "ce+q"):
        with pytest.raises(ConfigError, match="which these weights do not teach"):
            create_model(name, split, q_weight=0, policy=policy)


def test_a_fair_coin_picks_the_network_that_is_trained(split: Split) -> None:
    model, batch = created(split, "sqn"), pieces(split, 1)
    picked = []
    for _ in range(80):
        step = model.transitions(batch)
        assert {id(step.main), id(step.target)} == {id(model.online), id(model.target)}
        picked.append(step.main is model.online)
        model.after_step()
    assert 24 < sum(picked) < 56
    sum(model.loss(batch).values()).backward()
    trained, other = (model.online, model.target) if model.transitions(batch).main is model.online else (model.target, model.online)
    assert all(p.grad is not None for p in trained.parameters())
    assert all(p.grad is None for p in other.parameters())
    model.eval()
    assert model.transitions(batch).main is model.online


def test_moving_average_and_periodic_copies(split: Split) -> None:
    model = created(split, "sqn", target="ema", target_rate=0.25)
    before, now = model.target.values.weight.clone(), model.online.values.weight
    model.after_step()
    torch.testing.assert_close(model.target.values.weight, 0.75 * before + 0.25 * now)
    assert not any(p.requires_grad for p in model.target.parameters())
    model = created(split, "sqn", target="periodic", target_steps=2)
    before = model.target.bias.clone()
    model.after_step()
    torch.testing.assert_close(model.target.bias, before)
    model.after_step()
    torch.testing.assert_close(model.target.bias, model.online.bias)


def test_targets_are_computed_without_dropout(split: Split) -> None:
    for name in ("sqn", "iql", "bcq", "snqn"):
        model, batch = created(split, name, dropout=0.5, target="ema"), pieces(split)
        first, again = model.transitions(batch), model.transitions(batch)
        torch.testing.assert_close(first.target_next_states, again.target_next_states)
        torch.testing.assert_close(model.td_targets(first), model.td_targets(again))
        assert not torch.equal(first.states, again.states)
        model.eval()
        settled = model.transitions(batch)
        torch.testing.assert_close(model.td_targets(first), model.td_targets(settled))
        torch.testing.assert_close(first.next_states, settled.next_states)
        if name == "snqn":
            torch.testing.assert_close(model.targets_of_others(first), model.targets_of_others(settled))
        model.train()
        step = model.transitions(batch)
        assert model.td_targets(step).shape == step.rewards.shape
        assert step.main.training  # the other pass leaves the mode as it was


def test_advantages_are_computed_without_dropout(split: Split) -> None:
    model, batch = created(split, "iql", dropout=0.5, beta=0.5), pieces(split)
    gaps = [model.value_gap(step, step.settled_states) for step in (model.transitions(batch), model.eval().transitions(batch))]
    torch.testing.assert_close(*gaps)


def test_the_policy_changes_scores_only(split: Split) -> None:
    batch, items = pieces(split), torch.tensor([[3, 1, 9]] * 5)
    models = {policy: created(split, "sqn", policy=policy, mix=2.5) for policy in ("ce", "q", "ce+q")}
    found = {policy: losses(model, batch) for policy, model in models.items()}
    assert found["ce"] == found["q"] == found["ce+q"]
    values, logits = models["ce"].q_values(batch), models["ce"].scores(batch)
    torch.testing.assert_close(models["q"].scores(batch), values)
    torch.testing.assert_close(models["ce+q"].scores(batch), logits + 2.5 * values)
    torch.testing.assert_close(models["ce+q"].q_values(batch, items), values.gather(1, items - 1))
    model = models["ce"].eval()  # where SASRec's last block reads the last event alone
    torch.testing.assert_close(model.last_state(batch), last_states(model.online.backbone.states(batch), batch.lengths))
    model.train()
    for model in models.values():
        torch.testing.assert_close(model.represent(batch) @ model.item_table().T, model.scores(batch))


def test_the_mix_is_chosen_on_validation_and_kept(split: Split, tmp_path: Path) -> None:
    model = created(split, "sqn", policy="ce+q", grid=(0.5, 3.0, 20.0))
    assert model.choose(lambda: -abs(float(model.mixed) - 4)) == {"mix": 3.0}
    assert float(model.mixed) == 3.0
    assert model.choose(lambda: math.nan) == {}
    assert created(split, "sqn", policy="ce+q", mix=1.0).choose(lambda: 1.0) == {}
    model = create_model("sqn", split, policy="ce+q", grid=(0.5, 300.0), **QUIET)
    fitted = fit(model, split, epochs=2, show=False, device="cpu")
    assert fitted.chosen["mix"] in (0.5, 300.0)
    save_model(model, tmp_path)
    loaded: Any = load_model(tmp_path)
    assert float(loaded.mix) == fitted.chosen["mix"]
    assert with_options(loaded, mix=7.0).mix == 7.0  # type: ignore[attr-defined]
    assert {"ce", "td", "q_largest", "q_share_above", "entropy", "flagged"} <= fitted.history[-1].keys()


@pytest.mark.parametrize("backbone", ["gru4rec", "caser", "nextitnet", "sasrec"])
def test_every_backbone_with_rowwise_tables_and_drawn_items(split: Split, backbone: str) -> None:
    options = {
        "backbone": backbone,
        "table": "rowwise",
        "maximum": "sampled",
        "conservative": "sampled",
        "candidates": {"n": 5, "shared": True},
    }
    objective = {"kind": "sampled_softmax", "negatives": {"n": 5}}
    model: Any = create_model("mcrl", split, dim=8, history=6, objective=objective, **options)
    fitted = fit(model, split, epochs=2, show=False, device="cpu", batch_size=16, learning_rate=0.02)
    assert fitted.history[-1]["loss"] < fitted.history[0]["loss"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gamma": 1.0}, "option 'gamma' must be less than 1"),
        ({"gamma": -0.1}, "option 'gamma' must be greater than or equal to 0"),
        ({"history": 1}, "option 'history' must be greater than or equal to 2"),
        ({"backbone_options": {"dim": 3}}, "'dim' of backbone_options stands beside it"),
        ({"backbone_options": {"ahead": 0.3}}, "'ahead' of backbone_options is not read"),
        ({"backbone_options": {"bloks": 2}}, "backbone_options of 'sasrec': unknown option 'bloks' .did you mean 'blocks'"),
        ({"lambda_q": 0, "policy": "q"}, "policy 'q' acts by Q, which these weights do not teach"),
        ({"length_aux": True}, "acts by Q, which these weights do not teach"),
        ({"td_weight": 0, "alpha": 0}, "acts by Q, which these weights do not teach"),
        ({"policy": "ce", "ce_weight": 0, "td_weight": 0, "alpha": 0, "lambda_r": 0, "lambda_t": 0}, "every loss has weight 0"),
        ({"policy": "ce", "length_aux": True, "ce_weight": 0, "lambda_q": 0, "lambda_r": 0, "lambda_t": 0}, "has weight 0"),
    ],
)
def test_options_that_cannot_be(split: Split, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        create_model("mcrl", split, **options)
