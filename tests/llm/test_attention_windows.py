"""Shared beginnings with language models that look back on a window, or place tokens by a bias, against plain prompts."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers

from reverie.errors import ConfigError
from reverie.llm.backbone import Backbone, load_backbone, tiny_tokenizer
from reverie.llm.collm.prompting import packed_answer_logits
from reverie.llm.config import BackboneConfig
from reverie.llm.generate import answer_logits, continuation_log_likelihoods, encode_prefix, greedy_decode

SHAPE: dict[str, Any] = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
SHAPE |= {"num_key_value_heads": 1, "max_position_embeddings": 128, "initializer_range": 0.4}
MIXED = ["sliding_attention", "full_attention"]
MODELS: dict[str, tuple[str, dict[str, Any], int | None]] = {
    "mistral": ("MistralConfig", {"sliding_window": 10, **SHAPE}, 10),
    "gemma3": ("Gemma3TextConfig", {"sliding_window": 10, "layer_types": MIXED, "head_dim": 8, **SHAPE}, 10),
    "qwen2": ("Qwen2Config", SHAPE, None),
    "bloom": ("BloomConfig", {"hidden_size": 16, "n_layer": 2, "n_head": 2, "initializer_range": 0.4}, None),
}
WORDS = torch.arange(5, 30)


@pytest.fixture(scope="module", params=MODELS)
def backbone(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    name, options, window = MODELS[request.param]
    tokenizer, folder = tiny_tokenizer(), tmp_path_factory.mktemp(request.param)
    torch.manual_seed(1)
    special = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2, "vocab_size": len(tokenizer)}
    model = transformers.AutoModelForCausalLM.from_config(getattr(transformers, name)(**options, **special))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    made = load_backbone(BackboneConfig(name=str(folder), device="cpu"))
    assert made.window == window
    return made


def plain(backbone: Backbone, prompt: list[int]) -> torch.Tensor:
    """Return the logits after one prompt, by transformers alone."""
    out: torch.Tensor = backbone.model(input_ids=torch.tensor([prompt])).logits[0, -1].float()
    return out


@torch.no_grad()
@pytest.mark.parametrize("beginnings", [("abcdef", "abcdef"), ("abc", "abcdefgh")])
@pytest.mark.parametrize("ends", [("x", "0123456789"), ("xyz", "uvw"), ("0123456", "y")])
def test_ends_behind_a_beginning_are_whole_prompts(backbone: Backbone, beginnings: tuple[str, ...], ends: tuple[str, ...]) -> None:
    none = torch.zeros(0, backbone.width)
    heads, tails = ([backbone.tokens(text) for text in texts] for texts in (beginnings, ends))
    found = answer_logits(backbone, tails, none, WORDS, encode_prefix(backbone, heads, none))
    wanted = torch.stack([plain(backbone, head + tail)[WORDS] for head, tail in zip(heads, tails, strict=True)])
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-4)


@torch.no_grad()
def test_candidates_packed_behind_a_beginning_are_whole_prompts(backbone: Backbone) -> None:
    none, head = torch.zeros(0, backbone.width), backbone.tokens("abcdef")
    tails = [backbone.tokens(text) for text in ("x", "uvwxyz", "0123", "98")]
    prefix = encode_prefix(backbone, [head], none)
    found = packed_answer_logits(backbone, tails, torch.zeros(4, 0, backbone.width), WORDS, prefix, rows=3)
    wanted = torch.stack([plain(backbone, head + tail)[WORDS] for tail in tails])
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-4)


@torch.no_grad()
def test_continuations_and_decoding_pass_the_window(backbone: Backbone) -> None:
    none, prompts = torch.zeros(0, backbone.width), [backbone.tokens(text) for text in ("ab", "abcdefgh")]
    tails = [backbone.tokens(text) for text in ("xy", "0123456789")]
    found = continuation_log_likelihoods(backbone, prompts[1], none, tails)
    for tail, one in zip(tails, found, strict=True):
        logs = [plain(backbone, prompts[1] + tail[:at]).log_softmax(-1)[token] for at, token in enumerate(tail)]
        torch.testing.assert_close(one, torch.stack(logs).sum(), rtol=1e-3, atol=1e-3)
    for prompt, answer in zip(prompts, greedy_decode(backbone, prompts, none, 8), strict=True):
        slow: list[int] = []
        while len(slow) < 8 and (best := int(plain(backbone, prompt + slow).argmax())) != backbone.end:
            slow.append(best)
        assert answer == slow


@torch.no_grad()
def test_a_beginning_longer_than_the_window_is_one_sentence(backbone: Backbone) -> None:
    long, none = [backbone.tokens("abcdefghijklmnop")], torch.zeros(0, backbone.width)
    if backbone.window is None:
        assert encode_prefix(backbone, long, none).lengths.tolist() == [16]
    else:
        with pytest.raises(ConfigError, match=r"tokens of a prompt \(a sliding window\)"):
            encode_prefix(backbone, long, none)
