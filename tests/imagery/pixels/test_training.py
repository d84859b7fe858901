from pathlib import Path

import pytest
import torch

from reverie.imagery.pixels.atlas import captioned, draw_atlas
from reverie.imagery.pixels.config import ExampleConfig, LearningConfig
from reverie.imagery.pixels.examples import Examples
from reverie.imagery.pixels.training import train_pixels


class Cut(Exception):
    pass


def test_a_training_that_was_cut_ends_with_the_same_weights(tiny, sets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    atlas = draw_atlas(captioned(sets), 16)
    training = LearningConfig(epochs=2, batch_size=3, precision="fp32", checkpoint_seconds=0)
    parts = (atlas, tiny, ExampleConfig(), training, 7)
    whole, said = train_pixels(*parts, tmp_path / "whole", torch.device("cpu"), show=False)
    assert said["loss"] > 0 and said["weights"] == sum(weight.numel() for weight in whole.learned.parameters())
    draw, calls = Examples.batch, []

    def cut_after_four(self, index):
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
