"""Features of titles are made by the command line where a model reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from torch import Tensor, nn

from reverie.models.item_encoders import extractors, shelf
from reverie.nn.sentences import Tokens
from reverie.registry import Entry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest


class Letters(nn.Module):
    """A sentence encoder: counts of letters."""

    def tokens(self, sentences: list[str]) -> Tokens:
        return Tokens.of([[ord(letter) % 16 for letter in sentence] for sentence in sentences])

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        return (nn.functional.one_hot(ids, 16) * mask[..., None]).sum(1).float()


def letters() -> extractors.Titles:
    return extractors.Titles(Letters())


def test_training_makes_the_features_that_a_model_reads(
    ask: Callable, clicks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = {**shelf.EXTRACTORS, "text": Entry(f"{__name__}:letters", "")}
    monkeypatch.setattr(shelf.EXTRACTORS, "_entries", entries, raising=False)
    recipe, results = tmp_path / "tiny.yaml", tmp_path / "rows.csv"
    answer = ask("train", recipe, "-q", "--set", "model.item_encoder.kind=text", "--out", tmp_path / "out", "--results", results)
    assert answer.code == 0, answer.err
    facts = json.loads((tmp_path / "out" / "result.json").read_text())
    assert len(facts["content_sha256"]) == 64
    assert len(list((tmp_path / "cache" / "content").glob("text-*.npz"))) == 1
    again = ask("train", recipe, "-q", "--set", "model.item_encoder.kind=text", "--out", tmp_path / "out", "--results", results)
    assert again.code == 0, again.err
    answer = ask("train", recipe, "-q", "--set", "model.item_encoder.kind=image", "--out", tmp_path / "bad")
    assert answer.code == 2
    assert "item_encoder 'image' reads the content 'image', and this dataset has none" in answer.err
    assert answer.err.count("\n") == 1
    assert ask("train", recipe, "-q", "--out", tmp_path / "plain").code == 0
    assert "content_sha256" not in json.loads((tmp_path / "plain" / "result.json").read_text())
