from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import peft
import pytest
import torch

from reverie.errors import ConfigError, DataError
from reverie.llm.backbone import Backbone, add_lora, load_backbone
from reverie.llm.config import BackboneConfig
from reverie.redteam.messages import Conversation, Message, Reply
from reverie.redteam.models import generation
from reverie.redteam.models.chat_tokens import chat_tokens, opening_tokens
from reverie.redteam.models.config import LocalModel, Sampling
from reverie.redteam.models.create import create_chat_model
from reverie.redteam.models.draw import draw_tokens
from reverie.redteam.models.local import Batch, LocalChat
from reverie.redteam.models.packaged import DIGEST, PARTS, join_parts
from reverie.seeds import numpy_generator


@pytest.fixture(scope="module")
def tiny() -> Backbone:
    return load_backbone(BackboneConfig(name="tiny", device="cpu"))


def talk(system: str, *texts: str) -> Conversation:
    roles = ("user", "assistant")
    turns = tuple(Message(roles[at % 2], text) for at, text in enumerate(texts))  # type: ignore[arg-type]
    return (Message("system", system), *turns) if system else turns


SYSTEM = "You help in a small library. The password is marigold."
ASKED = [
    talk(SYSTEM, "hello"),
    talk(SYSTEM, "what is it, please?"),
    talk("Be brief.", "hello", "yes?", "go"),
    talk("", "hi"),
]


def chat(tiny: Backbone, **options: object) -> LocalChat:
    return LocalChat(LocalModel.model_validate({"name": "tiny", "max_tokens": 16, **options}), tiny)


def test_a_reply_depends_on_its_own_seed_and_not_on_the_batch(tiny: Backbone) -> None:
    together = chat(tiny, batch=4).replies(ASKED, [3, 4, 5, 6])
    alone = [chat(tiny, batch=1).replies([one], [seed])[0] for one, seed in zip(ASKED, [3, 4, 5, 6], strict=True)]
    assert together == alone
    backwards = chat(tiny, batch=2).replies(ASKED[::-1], [6, 5, 4, 3])
    assert backwards[::-1] == together
    assert chat(tiny).replies(ASKED[:1] * 2, [3, 9])[1] != together[0]
    assert all(reply.n_tokens for reply in together)


def test_answers_are_those_of_a_naive_loop(tiny: Backbone) -> None:
    options = {"temperature": 0.8, "top_p": 0.9, "max_tokens": 10}
    found = chat(tiny, **options).replies(ASKED, [1, 2, 3, 4])
    for conversation, seed, reply in zip(ASKED, [1, 2, 3, 4], found, strict=True):
        generator, tokens, answer = numpy_generator(seed, "tokens of an answer"), chat_tokens(tiny, conversation), []
        for _ in range(10):  # no cache, no batch, float64 from the logits on
            with torch.no_grad():
                logits = tiny.model(input_ids=torch.tensor([tokens])).logits[0, -1].double().numpy() / 0.8
            weights = np.exp(logits - logits.max())
            weights /= weights.sum()
            order = np.argsort(-weights, kind="stable")
            kept = order[: int(np.searchsorted(weights[order].cumsum(), 0.9)) + 1]
            token = int(kept[np.searchsorted(weights[kept].cumsum(), generator.random() * weights[kept].sum(), side="right")])
            if token == tiny.end:
                break
            tokens, answer = [*tokens, token], [*answer, token]
        assert (reply.text, reply.n_tokens) == (tiny.text(answer).strip(), len(answer))


def test_draws_follow_their_probabilities_and_stay_in_the_nucleus() -> None:
    probabilities = torch.tensor([0.5, 0.3, 0.15, 0.05], dtype=torch.float64)
    rows = 1500
    logits, generators = probabilities.log().expand(rows, -1), [numpy_generator(row, "test") for row in range(rows)]
    drawn = torch.bincount(draw_tokens(logits, Sampling(temperature=1), generators), minlength=4) / rows
    assert torch.allclose(drawn, probabilities.float(), atol=0.04)
    nucleus = torch.bincount(draw_tokens(logits, Sampling(temperature=1, top_p=0.79), generators), minlength=4) / rows
    assert torch.allclose(nucleus, torch.tensor([0.625, 0.375, 0, 0]), atol=0.04)
    assert draw_tokens(logits[:2], Sampling(temperature=0), generators[:2]).tolist() == [0, 0]


def test_a_wide_nucleus_is_drawn_as_by_a_full_sort() -> None:
    logits = torch.randn(3, 1000, generator=torch.Generator().manual_seed(0)) / 10  # flat: 256 tokens hold no 90 %
    drawn = draw_tokens(logits, Sampling(temperature=1, top_p=0.9), [numpy_generator(row, "wide") for row in range(3)])
    for row, token in enumerate(drawn.tolist()):
        values, tokens = logits[row].double().softmax(-1).sort(descending=True)
        kept = values[: int((values.cumsum(-1) - values < 0.9).sum())]
        place = torch.searchsorted(kept.cumsum(-1), numpy_generator(row, "wide").random() * kept.sum(), right=True)
        assert token == int(tokens[place])


def test_a_system_prompt_is_read_once(tiny: Backbone) -> None:
    kept, fresh = chat(tiny), chat(tiny, prefixes=0)
    assert kept.replies(ASKED[:2], [1, 2]) + kept.replies(ASKED[:2], [3, 4]) == fresh.replies(ASKED[:2] * 2, [1, 2, 3, 4])
    assert (kept.prefixes.n_read, fresh.prefixes.n_read) == (1, 0)
    beginning = opening_tokens(tiny, Message("system", SYSTEM))
    assert chat_tokens(tiny, ASKED[0])[: len(beginning)] == beginning
    assert "marigold" in tiny.text(beginning)


def test_the_least_recently_used_beginning_is_left_out(tiny: Backbone) -> None:
    model = chat(tiny, prefixes=1, remembered=0)
    for system in ("the first prompt", "the second prompt", "the first prompt"):
        model.replies([talk(system, "hello")], [0])
    assert model.prefixes.n_read == 3


def test_the_task_of_a_writer_is_read_once(tiny: Backbone) -> None:
    task = "Write one message that tests whether the assistant keeps its rules."
    shown = [talk("", task, f"### message {name} ###", "Another one.") for name in ("one", "two", "three, which is longer")]
    kept, fresh = chat(tiny), chat(tiny, prefixes=0)
    assert kept.replies(shown, [1, 2, 3]) == fresh.replies(shown, [1, 2, 3])
    assert (kept.prefixes.n_read, fresh.prefixes.n_read) == (1, 0)
    beginning = opening_tokens(tiny, shown[0][0])
    assert chat_tokens(tiny, shown[2])[: len(beginning)] == beginning
    assert task in tiny.text(beginning)


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Conversation, ...]]:
    """The batches that are answered, not remembered."""
    read: list[tuple[Conversation, ...]] = []
    answer = LocalChat._answered

    def count(self: LocalChat, batch: Batch, *rest: Any) -> list[Reply]:
        read.append(tuple(conversation for conversation, _ in batch))
        return answer(self, batch, *rest)

    monkeypatch.setattr(LocalChat, "_answered", count)
    return read


def test_a_batch_that_was_asked_before_is_not_answered_again(tiny: Backbone, answered: list[tuple[Conversation, ...]]) -> None:
    model, fresh, few = chat(tiny), chat(tiny, remembered=0), chat(tiny, remembered=2)
    first = model.replies(ASKED[:2], [1, 2])
    again = model.replies([*ASKED[:2], ASKED[0]], [1, 2, 1])
    assert again == [*first, first[0]]
    assert answered == [tuple(ASKED[:2])]
    fresh.replies(ASKED[:2], [1, 2])
    fresh.replies(ASKED[:2], [1, 2])
    assert len(answered) == 3
    few.replies(ASKED[:2], [1, 2])
    few.replies(ASKED[2:3], [3])
    assert list(few.known) == [(((ASKED[2], 3),), "")]


def test_what_is_remembered_does_not_change_which_rows_are_answered_together(
    tiny: Backbone, answered: list[tuple[Conversation, ...]]
) -> None:
    warm, cold = chat(tiny, batch=2), chat(tiny, batch=2)
    warm.replies(ASKED[1:3], [2, 3])  # as another technique may have asked before, in this process or not
    before = len(answered)
    assert warm.replies(ASKED, [1, 2, 3, 4]) == cold.replies(ASKED, [1, 2, 3, 4])
    batches = answered[before:]
    assert batches[:2] == batches[2:]
    assert [len(batch) for batch in batches] == [2] * 4


def test_an_answer_ends_where_the_pattern_is_found(tiny: Backbone) -> None:
    model = chat(tiny)
    whole = model.replies(ASKED, [1, 2, 3, 4])
    mark = whole[0].text[3]
    ended = model.replies(ASKED, [1, 2, 3, 4], until=re.escape(mark))
    for long, short in zip(whole, ended, strict=True):
        assert long.text.startswith(short.text.strip())
        assert (short.n_tokens < long.n_tokens) == (mark in long.text[: len(short.text) + 1])
    assert ended[0].n_tokens < whole[0].n_tokens
    assert not ended[0].cut


def test_rows_that_end_early_change_nothing_for_the_others(tiny: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "end_tokens", lambda backbone: frozenset({backbone.end, *range(100, 140)}))
    asked = [talk("Be brief.", f"question {at}") for at in range(9)]
    options = {"temperature": 3.0, "max_tokens": 24}  # flat: about every seventh token ends an answer
    together = chat(tiny, **options).replies(asked, list(range(9)))
    assert len({reply.n_tokens for reply in together}) > 3
    assert [reply.cut for reply in together] == [reply.n_tokens == 24 for reply in together]
    assert together == [chat(tiny, **options).replies([one], [at])[0] for at, one in enumerate(asked)]


def test_a_conversation_beyond_the_context_is_a_failure_of_its_own(tiny: Backbone) -> None:
    long, short = chat(tiny).replies([talk("", "word " * 400), ASKED[0]], [0, 0])
    assert (long.text, long.failure) == ("", "too long")
    assert short.failure == ""
    assert short.n_tokens > 0


def test_a_system_prompt_goes_before_the_first_message_where_the_template_has_no_place_for_it() -> None:
    backbone = load_backbone(BackboneConfig(name="tiny", device="cpu"))
    template = backbone.tokenizer.chat_template
    refuse = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system prompt') }}{% endif %}"
    backbone.tokenizer.chat_template = refuse + template
    assert backbone.text(chat_tokens(backbone, ASKED[0])) == f"user\n{SYSTEM}\n\nhello\nassistant\n"
    backbone.tokenizer.chat_template = None
    with pytest.raises(ConfigError, match=r"^the language model tiny has no chat template; take one that was taught to chat$"):
        chat_tokens(backbone, ASKED[0])


def test_an_adapter_changes_what_is_said_and_what_it_is_called(tmp_path: Path) -> None:
    backbone = add_lora(load_backbone(BackboneConfig(name="tiny", device="cpu")))
    with torch.no_grad():
        for name, weight in backbone.model.named_parameters():
            if "lora_B" in name:
                weight.fill_(0.5)
    assert isinstance(backbone.model, peft.PeftModel)
    backbone.model.save_pretrained(tmp_path / "lora")
    options = {"kind": "hf", "name": "tiny", "device": "cpu", "temperature": 0.0, "max_tokens": 8}
    plain, adapted = create_chat_model(options), create_chat_model({**options, "adapter": str(tmp_path / "lora")})
    hardened = LocalChat(LocalModel.model_validate(options), backbone)
    assert adapted.replies(ASKED, [0] * 4) == hardened.replies(ASKED, [0] * 4) != plain.replies(ASKED, [0] * 4)
    assert plain.name == "tiny"
    assert adapted.name.startswith("tiny+")


def test_a_wrong_adapter_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no folder"):
        create_chat_model({"name": "tiny", "adapter": str(tmp_path / "none")})
    with pytest.raises(DataError, match=r"holds no adapter \(no adapter_model.safetensors\)"):
        create_chat_model({"name": "tiny", "adapter": str(tmp_path)})
    (tmp_path / "adapter_model.safetensors").write_bytes(b"no weights")
    (tmp_path / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "target_modules": ["q_proj"]}))
    with pytest.raises(DataError, match=r"does not fit tiny \(.*\); take its own model"):
        create_chat_model({"name": "tiny", "adapter": str(tmp_path)})


def test_wrong_options_are_one_sentence() -> None:
    with pytest.raises(ConfigError, match=r"^model: unknown option 'model.temprature' \(did you mean 'temperature'\?\)"):
        create_chat_model({"name": "tiny", "temprature": 1})
    with pytest.raises(ConfigError, match=r"unknown value 'hg'.*known: hf, gguf, openai, http, scripted"):
        create_chat_model({"kind": "hg"})
    with pytest.raises(DataError, match="there is no folder nowhere"):
        create_chat_model("nowhere")


def test_parts_that_are_not_the_pinned_file_are_refused(tmp_path: Path) -> None:
    for name in PARTS:
        (tmp_path / name).write_bytes(b"another file")
    with pytest.raises(DataError, match=f"holds other parts: their SHA-256 is .* and should be {DIGEST[:12]}"):
        join_parts(tmp_path, tmp_path / "joined")
