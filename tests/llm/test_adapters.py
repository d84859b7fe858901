"""Adapters: shapes, volume, references, and the same output after saving."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from pydantic import TypeAdapter

from reverie.errors import ConfigError, RunError
from reverie.llm.adapters import create_adapter, pack_soft_tokens
from reverie.llm.config import AdapterConfig
from reverie.llm.interpreter.model import Interpreter
from reverie.seeds import seed_torch

if TYPE_CHECKING:
    from reverie.llm.backbone import Backbone

CONFIGS = [
    {"kind": "last"},
    {"kind": "conv", "positions": 5},
    {"kind": "position"},
    {"kind": "position", "tokens": 3},
    {"kind": "two_layer", "hidden": 24, "tokens": 2},
    {"kind": "layernorm"},
    {"kind": "qformer", "queries": 3, "heads": 2},
]
NAMES = [" ".join(map(str, config.values())) for config in CONFIGS]


def _config(values: dict[str, object]) -> AdapterConfig:
    return TypeAdapter(AdapterConfig).validate_python(values)


def _states(rows: int = 4, length: int = 5, dim: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    lengths = torch.tensor([5, 3, 1, 4])[:rows]
    states = 7 + 2 * torch.randn(rows, length, dim, generator=generator)
    return torch.where((torch.arange(length) < lengths[:, None])[..., None], states, torch.zeros(())), lengths


@pytest.mark.parametrize("values", CONFIGS, ids=NAMES)
def test_fresh_soft_tokens_are_as_loud_as_tokens(values: dict[str, object]) -> None:
    generator = torch.Generator().manual_seed(0)
    states = 7 + 2 * torch.randn(400, 5, 64, generator=generator)
    seed_torch(0, "adapter")
    adapter = create_adapter(_config(values), 64, 96, rms=0.2)
    adapter.fit_scale(states.flatten(0, 1))
    with torch.no_grad():
        loud = float(adapter(states, torch.full((400,), 5)).square().mean().sqrt())
    assert 0.05 < loud < 0.5


@pytest.mark.parametrize("values", CONFIGS, ids=NAMES)
def test_rows_do_not_depend_on_padding_or_neighbours(values: dict[str, object]) -> None:
    states, lengths = _states()
    seed_torch(1, "adapter")
    adapter = create_adapter(_config(values), 8, 16, rms=0.2)
    counts = adapter.counts(lengths)
    with torch.no_grad():
        together = adapter(states, lengths)
        assert len(pack_soft_tokens([(together, counts)])) == int(counts.sum())
        for row in range(4):
            size = int(lengths[row])
            alone = adapter(states[row : row + 1, :size], lengths[row : row + 1])
            assert torch.allclose(together[row, : counts[row]], alone[0, : counts[row]], atol=1e-6)


@pytest.mark.parametrize("values", CONFIGS, ids=NAMES)
def test_saved_and_loaded_gives_the_same(values: dict[str, object], tiny: Backbone, tmp_path: Path) -> None:
    states, lengths = _states()
    model = Interpreter(_config(values), 8, tiny, seed=0)
    model.states.fit_scale(states[lengths[:, None] > torch.arange(5)])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(parameter.numel())))
    model.save(tmp_path)
    again = Interpreter(_config(values), 8, tiny, seed=9)
    with torch.no_grad():
        assert not torch.equal(again.states(states, lengths), model.states(states, lengths))
        again.load(tmp_path)
        assert torch.equal(again.states(states, lengths), model.states(states, lengths))
        assert torch.equal(again.items(states[:, :1], lengths), model.items(states[:, :1], lengths))
    with pytest.raises(RunError, match="reads states of width 8, and 12 is needed"):
        Interpreter(_config(values), 12, tiny, seed=0).load(tmp_path)


def test_an_adapter_of_another_kind_or_width_is_refused(tiny: Backbone, tmp_path: Path) -> None:
    Interpreter(_config({"kind": "last"}), 8, tiny, seed=0).save(tmp_path)
    with pytest.raises(RunError, match="is of the kind last, and conv is needed"):
        Interpreter(_config({"kind": "conv"}), 8, tiny, seed=0).load(tmp_path)
    with pytest.raises(RunError, match="no adapter"):
        Interpreter(_config({"kind": "conv"}), 8, tiny, seed=0).load(tmp_path / "none")
    states, lengths = _states()
    with pytest.raises(ConfigError, match="width 12 and the recommender has 8"):
        create_adapter(_config({"kind": "last"}), 12, 16, 0.1)(states, lengths)
    with pytest.raises(ConfigError, match="reads 3 positions and a history has 5"):
        create_adapter(_config({"kind": "conv", "positions": 3}), 8, 16, 0.1)(states, lengths)


def test_the_convolution_is_the_released_one() -> None:
    states, lengths = _states()
    adapter = create_adapter(_config({"kind": "conv", "positions": 5}), 8, 16, rms=1.0)
    core = adapter.core
    with torch.no_grad():
        made = adapter(states, lengths)
        for row, length in enumerate(lengths.tolist()):
            aligned = torch.zeros(5, 8)
            aligned[5 - length :] = states[row, :length]
            one = (core.conv.weight[0, 0, :, 0] @ aligned) + core.conv.bias  # type: ignore[union-attr]
            assert torch.allclose(made[row, 0], core.linear(one), atol=1e-5)  # type: ignore[operator]


def test_a_warm_start_is_the_ridge_regression() -> None:
    generator = torch.Generator().manual_seed(2)
    states, weight = torch.randn(3000, 8, generator=generator), torch.randn(8, 2 * 16, generator=generator)
    targets = (states @ weight + 0.3).view(3000, 2, 16)
    adapter = create_adapter(_config({"kind": "position", "tokens": 2}), 8, 16, rms=0.5)
    adapter.fit_scale(states)
    adapter.fit_ridge(states, targets)
    with torch.no_grad():
        made = adapter(states[:4, None], torch.ones(4, dtype=torch.int64))
    assert torch.allclose(made, targets[:4], atol=0.05)


def test_slots_are_packed_row_after_row() -> None:
    first, second = torch.arange(8.0).view(2, 2, 2), 100 + torch.arange(4.0).view(2, 1, 2)
    found = pack_soft_tokens([(first, torch.tensor([2, 1])), (second, torch.tensor([1, 1]))])
    assert found.tolist() == [[0, 1], [2, 3], [100, 101], [4, 5], [102, 103]]
