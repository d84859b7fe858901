"""Gradients of several batches in one step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from reverie.models import create_model
from reverie.testing import tiny_split
from reverie.training import TrainingConfig, fit

if TYPE_CHECKING:
    from reverie.data.split import Split

FULL = {"objective": {"kind": "full_softmax"}}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "every position": ("sasrec", {"dropout": 0.0, **FULL}),
    "one target a row": ("caser", {"dropout": 0.0, **FULL}),
    "pairs": ("mf", FULL),
}


@pytest.fixture(scope="module")
def split() -> Split:
    return tiny_split()


def trained(split: Split, case: str, **options: Any) -> tuple[torch.Tensor, list[float]]:
    """Train in float64, two epochs, and return all weights and the losses."""
    name, model_options = CASES[case]
    model = create_model(name, split, dim=8, seed=0, **model_options)
    assert isinstance(model, torch.nn.Module)
    fitted = fit(model.double(), split, epochs=2, learning_rate=0.05, device="cpu", show=False, validate_every=9, **options)
    return torch.cat([p.detach().flatten() for p in model.parameters()]), [row["loss"] for row in fitted.history]


@pytest.mark.parametrize("case", CASES)
def test_pieces_of_a_batch_give_its_gradient(split: Split, case: str) -> None:
    """48 histories in groups of 3 × 7 leave 6 of one piece over; pairs and prefixes leave an incomplete group too."""
    whole, _ = trained(split, case, batch_size=21)
    pieces, _ = trained(split, case, batch_size=7, gradient_accumulation=3)
    torch.testing.assert_close(pieces, whole, rtol=1e-9, atol=1e-9)


def test_clipping_and_schedules_go_by_steps(split: Split) -> None:
    options = {"clip": 0.1, "schedule": "cosine", "warmup_steps": 2, "weight_decay": 0.1}
    whole, _ = trained(split, "every position", batch_size=16, **options)
    pieces, _ = trained(split, "every position", batch_size=4, gradient_accumulation=4, **options)
    torch.testing.assert_close(pieces, whole, rtol=1e-9, atol=1e-9)


def test_a_cut_training_goes_on_between_groups(split: Split, tmp_path: Path) -> None:
    def run(epochs: int, folder: Path) -> torch.nn.Module:
        rowwise = {"table": "rowwise", "objective": {"kind": "sampled_softmax", "negatives": {"n": 4}}}
        model = create_model("sasrec", split, dim=8, seed=0, dropout=0.2, **rowwise)
        assert isinstance(model, torch.nn.Module)
        options: dict[str, Any] = {"batch_size": 5, "gradient_accumulation": 3, "checkpoint_seconds": 0, "show": False}
        fit(model, split, epochs=epochs, folder=folder, device="cpu", **options)
        return model

    run(2, tmp_path / "cut")
    resumed, whole = run(4, tmp_path / "cut"), run(4, tmp_path / "whole")
    assert next(resumed.parameters()).isfinite().all()
    for one, other in zip(resumed.parameters(), whole.parameters(), strict=True):
        assert torch.equal(one, other)


def test_keys_of_stored_runs_do_not_know_the_option() -> None:
    assert "gradient_accumulation" not in TrainingConfig().model_dump()
    assert TrainingConfig(gradient_accumulation=2).model_dump(mode="json")["gradient_accumulation"] == 2
