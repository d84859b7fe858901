"""Loading language models: one function, frozen, and errors in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from reverie.errors import ConfigError, DataError
from reverie.llm.backbone import Backbone, add_lora, load_backbone
from reverie.llm.config import BackboneConfig, LoraConfig

TINY = BackboneConfig(name="tiny", device="cpu")


def _logits(backbone: Backbone) -> Tensor:
    ids = torch.tensor([backbone.tokens("Heat (1995)")])
    with torch.no_grad():
        return backbone.model(inputs_embeds=backbone.embed(ids)).logits


def test_tiny_is_frozen_and_reads_any_text() -> None:
    backbone = load_backbone(TINY)
    assert not any(p.requires_grad for p in backbone.model.parameters())
    assert not backbone.model.training
    assert (backbone.width, backbone.context) == (32, 1024)
    for text in ("Usual Suspects, The (1995)", "Léon 映画", '"quoted", and\nnew line'):
        assert backbone.text(backbone.tokens(text)) == text
    weight = backbone.model.get_input_embeddings().weight
    assert backbone.rms == pytest.approx(float(weight.square().mean().sqrt()), rel=1e-5)


def test_a_folder_gives_the_same_model(tmp_path: Path) -> None:
    backbone = load_backbone(TINY)
    backbone.model.save_pretrained(tmp_path)
    with pytest.raises(DataError, match="without a tokenizer"):
        load_backbone(BackboneConfig(name=str(tmp_path)))
    backbone.tokenizer.save_pretrained(tmp_path)
    again = load_backbone(BackboneConfig(name=str(tmp_path), device="cpu"))
    assert torch.equal(_logits(again), _logits(backbone))
    (tmp_path / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(DataError, match="cannot be loaded"):
        load_backbone(BackboneConfig(name=str(tmp_path), device="cpu"))


def test_seed_of_the_tiny_model() -> None:
    same, other = load_backbone(TINY), load_backbone(BackboneConfig(name="tiny", device="cpu", seed=1))
    assert torch.equal(_logits(same), _logits(load_backbone(TINY)))
    assert not torch.equal(_logits(same), _logits(other))


def test_wrong_places_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="no language model"):
        load_backbone(BackboneConfig(name=str(tmp_path)))
    with pytest.raises(DataError, match="there is no folder"):
        load_backbone(BackboneConfig(name="smollm3"))
    tiny = load_backbone(TINY)
    tiny.model.config.save_pretrained(tmp_path)
    tiny.tokenizer.save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="bitsandbytes"):
        load_backbone(BackboneConfig(name=str(tmp_path), quantise="4bit"))
    monkeypatch.setenv("REVERIE_OFFLINE", "1")
    monkeypatch.setenv("REVERIE_CACHE", str(tmp_path / "empty"))
    with pytest.raises(DataError, match="offline"):
        load_backbone(BackboneConfig())
    with pytest.raises(DataError, match="cannot be loaded"):
        load_backbone(BackboneConfig(name="nobody/nothing"))


def test_lora_starts_without_effect() -> None:
    plain = _logits(load_backbone(TINY))
    config = LoraConfig(rank=2, alpha=4)
    backbone = add_lora(load_backbone(TINY), config)
    assert torch.equal(_logits(backbone), plain)
    trainable = [p for p in backbone.model.parameters() if p.requires_grad]
    assert sum(p.numel() for p in trainable) == 2 * 2 * ((32 + 32) + (32 + 16))
    with torch.no_grad():
        for parameter in trainable:
            parameter.add_(0.1)
    assert not torch.allclose(_logits(backbone), plain)
    with pytest.raises(ConfigError, match="no layer 'q'"):
        add_lora(load_backbone(TINY), LoraConfig(targets=("q",)))
