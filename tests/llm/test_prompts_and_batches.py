"""Templates, mixed batches, losses and answers, each against a slow and plain reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from reverie.errors import ConfigError
from reverie.llm.generate import continuation_log_likelihoods, encode_prefix, greedy_decode, target_loss, token_losses
from reverie.llm.interpreter.table import rank_of_first
from reverie.llm.prompts import NO_LABEL, SOFT, Template, collate, load_template, template_files

if TYPE_CHECKING:
    from reverie.llm.backbone import Backbone


def _template(text: str) -> Template:
    return Template("mine", text)


def _vectors(backbone: Backbone, count: int) -> torch.Tensor:
    return backbone.rms * torch.randn(count, backbone.width, generator=torch.Generator().manual_seed(3))


def test_slots_take_text_soft_tokens_and_groups(tiny: Backbone) -> None:
    template = _template("A {x|; } and {y}.")
    assert template.slots == ("x", "y")
    assert template.fill(tiny, {"x": "b", "y": "c"}) == tiny.tokens("A b and c.")
    assert template.fill(tiny, {"x": 2, "y": "c"}) == [*tiny.tokens("A "), SOFT, SOFT, *tiny.tokens(" and c.")]
    grouped = template.fill(tiny, {"x": (1, 0, 2), "y": 0})
    assert grouped == [*tiny.tokens("A "), SOFT, *tiny.tokens("; "), SOFT, SOFT, *tiny.tokens(" and .")]


def test_a_template_without_its_slot_is_one_sentence(tiny: Backbone, tmp_path: Path) -> None:
    for text, said in (("no slot", "lacks its slot {x}"), ("{x} {x}", "more than once"), ("{x} {z}", "unknown slot {z}")):
        (tmp_path / "t.txt").write_text(text)
        with pytest.raises(ConfigError, match="(?s)" + said.replace("{", "\\{")):
            load_template(str(tmp_path / "t.txt"), ["x"])
    (tmp_path / "t.txt").write_bytes(b"\xff{x}")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_template(str(tmp_path / "t.txt"), ["x"])
    with pytest.raises(ConfigError, match="did you mean 'recovery'"):
        load_template("recovry", ["history"])
    with pytest.raises(ConfigError, match="lacks its slot"):
        _template("{x}").fill(tiny, {"x": 1, "y": 1})
    with pytest.raises(ConfigError, match="no value"):
        _template("{x} {y}").fill(tiny, {"x": 1})


def test_packaged_templates_have_their_slots() -> None:
    needs = {"recovery": ["history"], "recovery-b": ["history"], "item": ["item"], "residual": ["before", "after"]}
    needs |= {f"{name}-{what}": needs[name] for name in ("recovery", "residual", "item") for what in ("products", "artists")}
    assert set(needs) == set(template_files())
    for name, slots in needs.items():
        load_template(name, slots)


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_batch_knows_its_padding(tiny: Backbone, side: str) -> None:
    prompts, targets = [[5, SOFT, 6], [7]], [[8], [9, 10]]
    batch = collate(tiny, prompts, targets, side)  # type: ignore[arg-type]
    pad = int(tiny.tokenizer.pad_token_id)
    rows = {"right": [[5, pad, 6, 8], [7, 9, 10, pad]], "left": [[5, pad, 6, 8], [pad, 7, 9, 10]]}[side]
    assert batch.ids.tolist() == rows
    assert batch.soft.tolist() == [[False, True, False, False], [False] * 4]
    hidden = NO_LABEL
    labels = {"right": [hidden, 9, 10, hidden], "left": [hidden, hidden, 9, 10]}[side]
    assert batch.labels.tolist() == [[hidden, hidden, hidden, 8], labels]
    assert batch.mask[1].tolist() == ([1, 1, 1, 0] if side == "right" else [0, 1, 1, 1])
    assert batch.positions[1].tolist() == ([0, 1, 2, 0] if side == "right" else [0, 0, 1, 2])


def test_nothing_is_cut(tiny: Backbone) -> None:
    with pytest.raises(ConfigError, match=r"1020 tokens of prompt and 5 of answer, and its context is 1024"):
        collate(tiny, [[5] * 1020], [[6] * 5])
    assert collate(tiny, [[5] * 1020], [[6] * 4]).ids.shape == (1, 1024)
    with pytest.raises(ConfigError, match="context"):
        greedy_decode(tiny, [[5] * 1020], torch.zeros(0, 32), 10)


def test_soft_tokens_must_fit(tiny: Backbone) -> None:
    batch = collate(tiny, [[5, SOFT]], [[6]])
    with pytest.raises(ConfigError, match=r"width 31 .* reads 32"):
        batch.embeds(tiny, torch.zeros(1, 31))
    with pytest.raises(ConfigError, match="2 soft tokens were given for 1"):
        batch.embeds(tiny, torch.zeros(2, 32))


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_loss_is_that_of_each_row_alone(tiny: Backbone, side: str) -> None:
    prompts, targets = [[5, SOFT, 6, SOFT], [7, 8], [SOFT, 9, 10]], [[11, 12, 13], [14], [15, 16]]
    vectors = _vectors(tiny, 3)
    at, total, sums = 0, [], []
    for prompt, target in zip(prompts, targets, strict=True):
        parts = []
        for token in [*prompt, *target]:
            if token == SOFT:
                parts.append(vectors[at])
                at += 1
            else:
                parts.append(tiny.embed(torch.tensor(token)))
        with torch.no_grad():
            logits = tiny.model(inputs_embeds=torch.stack(parts)[None]).logits[0].double().log_softmax(-1)
        each = [-float(logits[len(prompt) + k - 1, token]) for k, token in enumerate(target)]
        total += each
        sums.append(-sum(each))
    batch = collate(tiny, prompts, targets, side)  # type: ignore[arg-type]
    with torch.no_grad():
        assert float(target_loss(tiny, batch, vectors)) == pytest.approx(sum(total) / len(total), rel=1e-5)
        assert (-token_losses(tiny, batch, vectors)[0].sum(1)).tolist() == pytest.approx(sums, rel=1e-5)


def test_answers_after_one_reading_are_as_likely_as_after_many(tiny: Backbone) -> None:
    prompt = [*tiny.tokens("A film: "), SOFT, SOFT, *tiny.tokens(" is called")]
    answers, vectors = [tiny.tokens(text) for text in ("Heat", "Fargo, again", "M", "The Third Man")], _vectors(tiny, 2)
    together = continuation_log_likelihoods(tiny, prompt, vectors, answers, rows=3)
    with torch.no_grad():
        alone = [-token_losses(tiny, collate(tiny, [prompt], [answer]), vectors)[0].sum(1) for answer in answers]
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=1e-4)
    with pytest.raises(ValueError, match="must be text"):
        continuation_log_likelihoods(tiny, [*prompt[:-2], SOFT], vectors, answers)


def test_ties_count_half() -> None:
    scores = torch.tensor([[0.0, 1.0, 0.0, -1.0], [2.0, 1.0, 1.0, 1.0]])
    assert rank_of_first(scores).tolist() == [2.5, 1.0]


def test_only_soft_tokens_get_gradients_and_all_of_them_do(tiny: Backbone) -> None:
    vectors = _vectors(tiny, 3).requires_grad_(True)
    target_loss(tiny, collate(tiny, [[5, SOFT], [SOFT, SOFT]], [[6], [7, 8]]), vectors).backward()
    assert vectors.grad is not None
    assert bool((vectors.grad.abs().sum(1) > 0).all())
    assert all(p.grad is None for p in tiny.model.parameters())


def _greedy_slowly(backbone: Backbone, embeds: torch.Tensor, longest: int) -> list[int]:
    answer: list[int] = []
    for _ in range(longest):
        with torch.no_grad():
            token = int(backbone.model(inputs_embeds=embeds[None]).logits[0, -1].argmax())
        if token == backbone.end:
            break
        answer.append(token)
        embeds = torch.cat([embeds, backbone.embed(torch.tensor([token]))])
    return answer


def test_batched_answers_are_those_of_each_prompt_without_a_cache(tiny: Backbone) -> None:
    vectors = _vectors(tiny, 3)
    prompts = [[5, SOFT, 6, SOFT, 9], [7, 8], [SOFT]]
    slow = [
        torch.stack(
            [tiny.embed(torch.tensor(5)), vectors[0], tiny.embed(torch.tensor(6)), vectors[1], tiny.embed(torch.tensor(9))]
        ),
        tiny.embed(torch.tensor([7, 8])),
        vectors[2:],
    ]
    assert greedy_decode(tiny, prompts, vectors, 12) == [_greedy_slowly(tiny, embeds, 12) for embeds in slow]


def test_answers_keep_to_what_is_allowed(tiny: Backbone) -> None:
    answers = greedy_decode(
        tiny, [[5], [6, 7]], torch.zeros(0, 32), 5, allowed=lambda row, so_far: [40 + row] if len(so_far) < 3 else [tiny.end]
    )
    assert answers == [[40] * 3, [41] * 3]


def test_a_prompt_begins_as_the_tokenizer_would_begin_it(tiny: Backbone) -> None:
    assert tiny.begin == []

    class Beginning:
        """A tokenizer that puts a token before each text, as LLaMA's does."""

        bos_token_id = 7

        def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
            return [7] * add_special_tokens + tiny.tokenizer.encode(text, add_special_tokens=False)

    begun = replace(tiny, tokenizer=Beginning())
    template = Template("own", "Liked: {history}. Next?")
    assert template.fill(begun, {"history": 2}) == [7, *template.fill(tiny, {"history": 2})]


def test_a_language_model_that_forgets_the_beginning_is_named(tiny: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = encode_prefix(tiny, [list(range(3, 11))], torch.zeros(0, tiny.width))
    assert whole.layers[0][0].shape[2] == 8
    inner = tiny.model.forward

    def windowed(**options: Any) -> Any:
        out = inner(**options)
        for layer in out.past_key_values.layers:
            layer.keys, layer.values = layer.keys[:, :, -5:], layer.values[:, :, -5:]
        return out

    monkeypatch.setattr(tiny.model, "forward", windowed)
    with pytest.raises(ConfigError, match="keeps 5 of the 8 tokens"):
        encode_prefix(tiny, [list(range(3, 11))], torch.zeros(0, tiny.width))


def test_words_behind_the_last_slot_are_told_from_none() -> None:
    assert Template("own", "Liked: {history}. Next?").ends_in_words
    assert not Template("own", "Liked: {history|; }\n").ends_in_words
