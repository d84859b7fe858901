"""Log-likelihoods against a naive float64 loop, and continuations that depend on their own prompt and seed."""

from __future__ import annotations

import copy
import os

import numpy as np
import pytest
import torch

from reverie.imagery.decoding import batches, drawn
from reverie.imagery.language import LocalLanguageModel, load_language_model
from reverie.seeds import numpy_generator

SHOTS = "Concept: hope. Shown as: a candle in a window.\n"
CONTEXTS = [
    SHOTS + "Concept: time. Shown as:",
    SHOTS + "Concept: joy, a feeling. Shown as:",
    SHOTS + "Concept: time. Shown as:",
    "",
]
ENDS = [" an hourglass", " a kite", " a river of sand", " the"]


def _naive(model: LocalLanguageModel, context: str, end: str) -> float:
    """One token after another, in float64, without any cache."""
    backbone = model.backbone
    double = copy.deepcopy(backbone.model).double()
    tokens, total = model._context(context), 0.0
    for token in backbone.tokens(end):
        with torch.no_grad():
            logits = double(input_ids=torch.tensor([tokens])).logits[0, -1]
        total += float(logits.log_softmax(-1)[token])
        tokens = [*tokens, token]
    return total


def test_log_likelihoods_are_those_of_a_naive_loop(tiny_language_model: LocalLanguageModel) -> None:
    pairs = [(context, end) for context in CONTEXTS for end in ENDS] + [(CONTEXTS[1], ""), (SHOTS, " a bell"), (CONTEXTS[0], "\n")]
    found = tiny_language_model.log_likelihoods(*map(list, zip(*pairs, strict=True)))
    assert found.dtype == np.float64
    assert found == pytest.approx([_naive(tiny_language_model, *pair) for pair in pairs], rel=1e-5, abs=1e-6)
    tokens = [(context, end) for context in CONTEXTS for end in "abc"]
    found_tokens = tiny_language_model.log_likelihoods(*map(list, zip(*tokens, strict=True)))
    assert found_tokens == pytest.approx([_naive(tiny_language_model, *pair) for pair in tokens], rel=1e-5)
    single = tiny_language_model.log_likelihoods([CONTEXTS[1]], [ENDS[2]])
    assert single[0] == pytest.approx(found[len(ENDS) + 2], rel=1e-5)
    assert tiny_language_model.log_likelihoods([], []).shape == (0,)


def test_contexts_are_read_once_each(tiny_language_model: LocalLanguageModel) -> None:
    counted: list[int] = []

    def count(_module: object, _arguments: object, values: dict[str, torch.Tensor]) -> None:
        counted.append(values["input_ids"].numel() if "input_ids" in values else values["inputs_embeds"].shape[:2].numel())

    contexts = [one for one in CONTEXTS[:2] for _ in range(30)]
    ends = [f" thing {number:02}" for number in range(30)] * 2
    hook = tiny_language_model.backbone.model.register_forward_pre_hook(count, with_kwargs=True)
    try:
        tiny_language_model.log_likelihoods(contexts, ends)
    finally:
        hook.remove()
    once = len(CONTEXTS[0]) + len(CONTEXTS[1]) - len(SHOTS)
    assert once < sum(counted) <= once + 60 * (len(" thing 00") + 1)


def test_completions_are_functions_of_seed_and_prompt(tiny_language_model: LocalLanguageModel) -> None:
    prompts = [SHOTS + "Concept: time. Shown as:", SHOTS + "Concept: a longer one. Shown as:", "x"]
    beside = tiny_language_model.complete(prompts, 12, seed=3, temperature=1.0)
    assert beside == [tiny_language_model.complete([prompt], 12, seed=3, temperature=1.0)[0] for prompt in prompts]
    assert beside != tiny_language_model.complete(prompts, 12, seed=4, temperature=1.0)
    greedy = tiny_language_model.complete(prompts, 12, seed=0)
    assert greedy == tiny_language_model.complete(prompts, 12, seed=1)
    assert all("\n\n" not in text for text in beside + greedy)


def test_greedy_is_the_most_likely_token_each_time(tiny_language_model: LocalLanguageModel) -> None:
    backbone, tokens = tiny_language_model.backbone, tiny_language_model._context("Shown as:")
    expected: list[int] = []
    for _ in range(8):
        with torch.no_grad():
            token = int(backbone.model(input_ids=torch.tensor([tokens + expected])).logits[0, -1].argmax())
        if token in backbone.tokenizer.all_special_ids:
            break
        expected.append(token)
    text = backbone.text(expected).partition("\n\n")[0]
    assert tiny_language_model.complete(["Shown as:"], 8, seed=0) == [text]


def test_draws_follow_the_probabilities() -> None:
    logits = torch.tensor([0.2, 0.5, 0.3]).log().repeat(4000, 1)
    tokens = drawn(logits, 1.0, [numpy_generator(0, "draw", row) for row in range(4000)])
    shares = np.bincount(tokens.numpy(), minlength=3) / 4000
    assert shares == pytest.approx([0.2, 0.5, 0.3], abs=0.03)
    cold = drawn(logits, 0.25, [numpy_generator(0, "draw", row) for row in range(4000)])
    weights = np.array([0.2, 0.5, 0.3]) ** 4
    assert np.bincount(cold.numpy(), minlength=3) / 4000 == pytest.approx(weights / weights.sum(), abs=0.03)


def test_batches_hold_every_row_once_and_not_too_many_tokens() -> None:
    sizes = [5, 900, 3, 40, 40, 40, 5]
    parts = list(batches(sizes, 100))
    assert sorted(at for part in parts for at in part) == list(range(7))
    assert all(len(part) == 1 or len(part) * max(sizes[at] for at in part) <= 100 for part in parts)


def test_offline_is_asked_for_one_call_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REVERIE_OFFLINE", raising=False)
    load_language_model("tiny", offline=True)
    assert "REVERIE_OFFLINE" not in os.environ
