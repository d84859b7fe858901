"""Titles by a tiny transformer of BERT's kind: all of it, its last layers over kept states, gradient caching, no title."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch

from reverie.data.splits import leave_one_out
from reverie.errors import ConfigError
from reverie.models import create_model
from reverie.models.item_encoders.config import TextOptions
from reverie.models.item_encoders.create import create_item_encoder
from reverie.models.item_encoders.text import TextEncoder
from reverie.testing import tiny_dataset
from reverie.training import fit

transformers = pytest.importorskip("transformers")
TITLES = [f"tale {'of ' * (i % 4)}{i:02d}" for i in range(19)] + [None]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    path = tmp_path_factory.mktemp("bert")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "tale", "of", *(f"{i:02d}" for i in range(20))]
    (path / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizerFast(str(path / "vocab.txt")).save_pretrained(path)
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=32,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.BertModel(config).save_pretrained(path)
    yield path
    logging.disable(before)


def split(titles: list[str | None] = TITLES) -> Any:
    dataset = tiny_dataset()
    return leave_one_out(replace(dataset, catalog=dataset.catalog.with_columns(pl.Series("title", titles))))


def encoder(folder: Path, **options: Any) -> TextEncoder:
    torch.manual_seed(0)
    chosen = TextOptions(kind="text", weights=str(folder), **{"tuning": "full"} | options)
    made = create_item_encoder(chosen, split().vocabulary, 8)
    assert isinstance(made, TextEncoder)
    return made


def test_last_layers_over_kept_states_are_the_whole_network(folder: Path) -> None:
    whole = encoder(folder, tuning="full")
    for layers in (1, 2):
        top = encoder(folder, tuning="top", layers=layers)
        top.linear.load_state_dict(whole.linear.state_dict())
        torch.testing.assert_close(top.train().table(), whole.train().table(), rtol=2e-2, atol=2e-3)  # states in half precision
        assert torch.equal(top.eval().table(), top.train().table())
        assert "below" in top.fixed
        assert not any("embeddings" in name for name in top.state_dict())
        assert top.fixed["below"].dtype == torch.float16
    assert not whole.eval().table()[19].any()
    items = torch.tensor([[3, 7], [1, 0]])
    torch.testing.assert_close(whole.encode(items)[0], whole.table()[items[0] - 1])


@pytest.mark.parametrize("tuning", ["top", "full", "scratch"])
def test_a_model_learns_end_to_end_and_loads_with_its_table(folder: Path, tuning: str) -> None:
    data = split()
    options = {"kind": "text", "tuning": tuning, "layers": 1, "weights": str(folder), "at_once": 8}
    model = create_model("sasrec", data, item_encoder=options, dim=8, objective={"kind": "in_batch_debiased"})
    groups = model.parameter_groups()
    rates = [group.get("lr_scale", 1.0) for group in groups]
    assert rates == [1.0, 1.0 if tuning == "scratch" else 0.1]
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))
    before = {name: value.clone() for name, value in model.encoder.network.state_dict().items()}
    fitted = fit(model, data, epochs=4, batch_size=16, learning_rate=0.01, show=False, device="cpu")
    assert fitted.history[-1]["loss"] < fitted.history[0]["loss"]
    assert any(not torch.equal(before[name], value) for name, value in model.encoder.network.state_dict().items())
    other = create_model("sasrec", data, item_encoder=options, dim=8, objective={"kind": "in_batch_debiased"}, seed=1)
    other.load_state_dict(model.state_dict())
    other.encoder.vectors = None  # the kept table is enough
    assert torch.equal(other.eval().item_table(), model.item_table())


def test_what_cannot_be_is_said_in_a_sentence(folder: Path) -> None:
    with pytest.raises(ConfigError, match="trains the last 3 layers and the transformer has 3 layers; use full"):
        encoder(folder, tuning="top", layers=3)
    chosen = TextOptions(kind="text", tuning="full", weights=str(folder))
    with pytest.raises(ConfigError, match="reads titles, and this dataset has none"):
        create_item_encoder(chosen, replace(split().vocabulary, titles=None), 8)
