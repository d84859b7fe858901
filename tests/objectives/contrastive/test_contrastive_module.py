"""The module form, and where names are found."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import pytest
import torch

import reverie.objectives as objectives
from reverie.objectives import Contrastive, adnce, contrast, info_nce


def test_it_is_its_function() -> None:
    torch.manual_seed(0)
    query, key, keys = torch.randn(4, 3), torch.randn(4, 3), torch.randn(4, 2, 3)
    torch.testing.assert_close(Contrastive()(query, key), info_nce(query, key))
    loss = partial(adnce, variant="graph", mu=0.5, sigma=1.0)
    options = {"labels": torch.tensor([0, 0, 1, 2]), "mask": torch.zeros(4, 4, dtype=torch.bool)}
    module = Contrastive(loss, 0.3, reduction="sum", symmetric=True, chunk=2)
    torch.testing.assert_close(
        module(query, key, **options), contrast(loss, query, key, None, 0.3, "sum", symmetric=True, **options)
    )
    paired = Contrastive(loss, negative_mode="paired")
    numbers = {"labels": torch.arange(4), "negative_labels": torch.arange(1, 9).view(4, 2)}
    wanted = contrast(loss, query, key, keys, negative_mode="paired", **numbers)
    torch.testing.assert_close(paired(query, key, keys, **numbers), wanted)
    assert not list(module.parameters())


def test_its_temperature_may_be_learned() -> None:
    torch.manual_seed(0)
    query, key = torch.randn(6, 3), torch.randn(6, 3)
    module = Contrastive(temperature=0.5, learn_temperature=True)
    before = module(query, key)
    torch.testing.assert_close(before, info_nce(query, key, temperature=0.5))
    before.backward()
    step = 1e-3
    slope = (info_nce(query, key, temperature=0.5 + step) - info_nce(query, key, temperature=0.5 - step)) / (2 * step)
    assert module.log_temperature is not None
    assert module.log_temperature.grad is not None
    assert float(module.log_temperature.grad) == pytest.approx(float(slope) * 0.5, rel=1e-2)
    with pytest.raises(ValueError, match=r"^temperature must be positive, got -1"):
        Contrastive(temperature=-1)


def test_names_are_found_late() -> None:
    for name in ("Adversarial", "Contrastive", "Density", "MemoryBank", "adnce", "adv_info_nce", "bsl", "contrast", "dcl", "dclw"):
        assert name in objectives.__all__
        assert callable(getattr(objectives, name))
    for name in ("debiased", "gather_rows", "gaussian", "hcl", "info_nce", "nt_xent", "rince", "shuffled"):
        assert callable(getattr(objectives, name))
    code = "import sys, reverie.objectives; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
