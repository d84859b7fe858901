"""The temporal shift beside a naive one."""

import numpy as np
import torch

from reverie.video.networks.tsm import shift


def test_the_shift_is_that_of_a_loop() -> None:
    x = torch.randn(2 * 5, 16, 3, 2, dtype=torch.float64)
    clips = x.view(2, 5, 16, 3, 2).numpy()
    expected = np.zeros_like(clips)
    for clip in range(2):
        for t in range(5):
            for c in range(16):
                source = t + 1 if c < 2 else t - 1 if c < 4 else t
                if 0 <= source < 5:
                    expected[clip, t, c] = clips[clip, source, c]
    assert np.array_equal(shift(x, 5, 8).view(2, 5, 16, 3, 2).numpy(), expected)
