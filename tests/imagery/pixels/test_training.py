from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from reverie.imagery.icons import IconSet
from reverie.imagery.pixels.atlas import captioned, draw_atlas
from reverie.imagery.pixels.config import ExampleConfig, LearningConfig, PixelsConfig
from reverie.imagery.pixels.examples import Examples
from reverie.imagery.pixels.model import CaptionedBatch
from reverie.imagery.pixels.training import train_pixels


class Cut(Exception):
    pass


def test_a_training_that_was_cut_ends_with_the_same_weights(
    tiny: PixelsConfig, sets: list[IconSet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    atlas = draw_atlas(captioned(sets), 16)
    training = LearningConfig(epochs=2, batch_size=3, precision="fp32", checkpoint_seconds=0)
    parts = (atlas, tiny, ExampleConfig(), training, 7)
    whole, said = train_pixels(*parts, tmp_path / "whole", torch.device("cpu"), show=False)
    assert said["loss"] > 0
    assert said["weights"] == sum(weight.numel() for weight in whole.learned.parameters())
    draw = Examples.batch
    calls: list[NDArray[np.int64]] = []

    def cut_after_four(self: Examples, index: NDArray[np.int64]) -> CaptionedBatch:
        calls.append(index)
        if len(calls) == 5:
            raise Cut
        return draw(self, index)

    with monkeypatch.context() as patched:
        patched.setattr(Examples, "batch", cut_after_four)
        with pytest.raises(Cut):
            train_pixels(*parts, tmp_path / "cut", torch.device("cpu"), show=False)
    resumed, again = train_pixels(*parts, tmp_path / "cut", torch.device("cpu"), show=False)
    assert again["loss"] == said["loss"]
    for (name, weight), other in zip(whole.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert torch.equal(weight, other), name
