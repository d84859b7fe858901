"""The module form, and where names are found."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial

import pytest
import torch

import reverie.objectives as objectives
from reverie.objectives import Contrastive, adnce, contrast, info_nce, learn_temperature


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


def test_its_temperature_may_follow_from_the_scores() -> None:
    torch.manual_seed(0)
    query, key = torch.randn(6, 3), torch.randn(6, 3)
    module = Contrastive(temperature=learn_temperature(0.3, decay=0.0))
    found = module(query, key)
    (total,) = (value for name, value in module.state_dict().items() if name.endswith("total"))
    torch.testing.assert_close(found, info_nce(query, key, temperature=float(total.exp())))
    with pytest.raises(ValueError, match="a rule learns by itself"):
        Contrastive(temperature=learn_temperature(0.3), learn_temperature=True)


@pytest.mark.parametrize("temperature", [0.02, 0.05])
def test_losses_far_below_rounding_keep_their_digits(temperature: float) -> None:
    torch.manual_seed(0)
    query = torch.randn(64, 32)
    vectors = [query, query + 0.02 * torch.randn(64, 32)]

    def measured(dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
        both = [vector.to(dtype).requires_grad_() for vector in vectors]
        losses = info_nce(*both, temperature=temperature, reduction="none")
        return losses, *torch.autograd.grad(losses.sum(), both)

    for one, other in zip(measured(torch.float32), measured(torch.float64), strict=True):
        assert float((one - other).detach().norm() / other.detach().norm()) < 1e-4


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda v: info_nce(v, v, temperature=1e-40), "temperature must be finite and at least 1e-30"),
        (lambda v: info_nce(v, v, temperature=float("inf")), "temperature must be finite"),
        (lambda v: info_nce(v, v, temperature=None), "temperature must be a number"),  # type: ignore[arg-type]
        (lambda v: info_nce(v, v, torch.zeros(0, 3), temperature=0), "temperature must be positive"),
        (lambda v: info_nce(1e30 * v, v), "query must have lengths that"),
        (lambda v: objectives.bpr(v[:, 0], v / 0), "must not be NaN"),
        (lambda v: objectives.rince(v[:, 0] + 1, v, 0.005, q=1.0), "use a higher temperature"),
    ],
)
def test_numbers_that_cannot_be_computed_with_are_refused(call: Callable[[torch.Tensor], torch.Tensor], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call(torch.eye(3))


def test_the_way_back_of_a_batch_stays_wide_under_autocast() -> None:
    def gradients(low: bool) -> tuple[torch.Tensor, ...]:
        torch.manual_seed(0)
        vectors = [torch.randn(6, 4).requires_grad_() for _ in range(2)]
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=low):
            return torch.autograd.grad(info_nce(*vectors), vectors)

    for one, other in zip(gradients(True), gradients(False), strict=True):
        torch.testing.assert_close(one, other)
