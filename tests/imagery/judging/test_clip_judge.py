"""CLIP from a folder: a tiny one with random weights, written by the test."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reverie.errors import ConfigError
from reverie.imagery.judging.create import create_image_judge

transformers = pytest.importorskip("transformers")


def tiny_clip(folder: Path) -> Path:
    letters = [*"abcdefghijklmnopqrstuvwxyz", *(f"{letter}</w>" for letter in "abcdefghijklmnopqrstuvwxyz")]
    vocabulary = {token: at for at, token in enumerate([*letters, "<|startoftext|>", "<|endoftext|>"])}
    folder.mkdir()
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = small | {"vocab_size": len(vocabulary), "max_position_embeddings": 40, "eos_token_id": len(vocabulary) - 1}
    config = transformers.CLIPConfig(text_config=text, vision_config=small | {"image_size": 32, "patch_size": 16}, projection_dim=8)
    transformers.set_seed(0)
    transformers.CLIPModel(config).save_pretrained(folder)
    transformers.CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt")).save_pretrained(folder)
    transformers.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def test_clip_scores_pictures_by_words(tmp_path: Path) -> None:
    judge = create_image_judge("clip", {"folder": str(tiny_clip(tmp_path / "clip"))})
    for name, colour in (("a", "red"), ("b", "navy")):
        Image.new("RGB", (50, 50), colour).save(tmp_path / f"{name}.png")
    scores = judge.scores([tmp_path / "a.png", tmp_path / "b.png"], ["freedom", "speed", "hope"])
    assert judge.name == "clip"
    assert scores.shape == (2, 3)
    assert (np.abs(scores) <= 1 + 1e-6).all()
    assert len(np.unique(scores)) == 6
    assert np.allclose(judge.scores([tmp_path / "b.png"], ["hope"]), scores[1:, 2:], atol=1e-6)


def test_a_folder_without_a_clip_is_refused(tmp_path: Path) -> None:
    folder = tiny_clip(tmp_path / "clip")
    (folder / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ConfigError, match="holds no CLIP that can be read"):
        create_image_judge("clip", {"folder": str(folder)})
