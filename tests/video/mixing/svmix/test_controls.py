"""Controls of SV-Mix: masks of the asked area without a selector."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reverie.video.mixing import create_mixer
from reverie.video.mixing.svmix.draws import Branch


def mixed(name: str, batch: Any, share: float, module: Any, seed: int = 0, **options: Any) -> Any:
    mixer = create_mixer(name, **options)
    step = mixer.draw(batch.labels, batch.features, torch.Generator().manual_seed(seed))
    step = dataclasses.replace(step, module=module, student=Branch(step.student.partners, torch.full((6,), share)))
    return mixer.student(batch.clips, batch.labels, batch.features, step)


@pytest.mark.parametrize("name", ["sv-mix-random", "saliency"])
@pytest.mark.parametrize("module", ["spatial", "temporal", "volume"])
def test_the_area_is_lambda(batch: Any, name: str, module: Any) -> None:
    @settings(max_examples=10, deadline=None)
    @given(share=st.floats(0, 1), seed=st.integers(0, 99))
    def holds(share: float, seed: int) -> None:
        found = mixed(name, batch, share, module, seed)
        torch.testing.assert_close(found.own.mean((1, 2, 3)), torch.full((6,), share), rtol=0, atol=1e-4)
        torch.testing.assert_close(found.labels.sum(1), torch.ones(6))

    holds()


@pytest.mark.parametrize("name", ["sv-mix-random", "saliency"])
def test_masks_vary_over_what_the_module_says(batch: Any, name: str) -> None:
    assert mixed(name, batch, 0.4, "temporal").own.std((2, 3)).max() < 1e-6
    assert mixed(name, batch, 0.4, "temporal").own.std(1).max() > 0.05
    assert mixed(name, batch, 0.4, "spatial").own.std((2, 3)).min() > 0.05
    assert mixed(name, batch, 0.4, "volume").own.std(1).max() > 0.05


def test_random_masks_stand_still_within_a_clip_and_differ_between_clips_and_draws(batch: Any) -> None:
    own = mixed("sv-mix-random", batch, 0.4, "spatial").own
    assert own.std(1).max() < 1e-6
    assert own[:, 0].flatten(1).std(0).max() > 0.05
    assert not torch.equal(own, mixed("sv-mix-random", batch, 0.4, "spatial", seed=1).own)
    soft, hard = (mixed("sv-mix-random", batch, 0.4, "spatial", contrast=contrast).own for contrast in (0.5, 50.0))
    assert (hard - 0.5).abs().mean() > 0.4 > 0.2 > (soft - 0.4).abs().mean()
    other = dataclasses.replace(batch, features=batch.features * 3)
    assert torch.equal(own, mixed("sv-mix-random", other, 0.4, "spatial").own), "features decide labels only"


def test_saliency_masks_follow_the_difference_of_channel_means(batch: Any) -> None:
    found = mixed("saliency", batch, 0.4, "spatial", contrast=2.0)
    mean = batch.features.double().numpy().mean(2)
    for clip, other in enumerate(found.partners.tolist()):
        difference = mean[other] - mean[clip]
        spread = difference.std() or 1.0
        partner = 1 - found.own[clip, ::2, ::8, ::8].double().numpy()
        logits = np.log(partner / (1 - partner))
        shift = logits - 2.0 * (difference - difference.mean()) / spread
        assert shift.std() < 1e-4, "the logit is the standardised difference, times the contrast, plus one number"
