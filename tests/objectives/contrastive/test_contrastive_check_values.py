"""Numbers computed once in float64 from the formulas, independently of this code."""

from __future__ import annotations

import pytest
import torch

from reverie.objectives import adnce, debiased, gaussian, hcl, sampled_softmax
from reverie.objectives.pool import Scores

POSITIVE = torch.tensor([0.8], dtype=torch.float64)
NEGATIVE = torch.tensor([[-0.5, -0.2, 0.0, 0.1, 0.3, 0.6]], dtype=torch.float64)


@pytest.mark.parametrize(
    ("setting", "losses"),
    [
        ((0.4, 0.7, 0.5), (1.109571, 1.271129, -1.08222, -1.302916, 0.842861)),
        ((0.07, 0.4, 1.0), (0.062034, 0.088644, -4.540647, -10.143954, 0.056645)),
        ((0.05, 1.5, 1.0), (0.032473, 0.615323, -5.202819, -11.784506, 0.018195)),
    ],
)
def test_adnce_and_info_nce(setting: tuple[float, float, float], losses: tuple[float, ...]) -> None:
    tau, mu, sigma = setting
    for variant, loss in zip(("image", "sentence", "graph", "reweight_only"), losses[:4], strict=True):
        assert float(adnce(POSITIVE, NEGATIVE, tau, variant=variant, mu=mu, sigma=sigma)) == pytest.approx(loss, abs=5.1e-7)
    assert float(sampled_softmax(POSITIVE, NEGATIVE, None, tau)) == pytest.approx(losses[4], abs=5.1e-7)


def test_weights() -> None:
    logs = Scores(NEGATIVE).log_weights(gaussian(0.7, 0.5))
    weights = logs.softmax(1)[0] * 6
    assert weights.tolist() == pytest.approx([0.1193, 0.4207, 0.7978, 1.0347, 1.5437, 2.0837], abs=5.1e-5)


def test_hcl_and_debiased() -> None:
    assert float(hcl(POSITIVE, NEGATIVE, 0.5, beta=1.0, tau_plus=0.1)) == pytest.approx(1.13911, abs=5.1e-7)
    assert float(debiased(POSITIVE, NEGATIVE, 0.5, tau_plus=0.1)) == pytest.approx(0.796657, abs=5.1e-7)
