"""The temporal shift beside a naive one, and the published ResNet-50."""

import numpy as np
import torch

from reverie.video.networks.config import PUBLISHED
from reverie.video.networks.create import create_network
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


def test_the_published_network_is_a_resnet_50() -> None:
    with torch.device("meta"):
        network = create_network("tsm", 400, 8, 224, **PUBLISHED["tsm"])
        features = network.feature_map(torch.empty(1, 8, 3, 224, 224))
    assert features.shape == (1, 8, 2048, 7, 7)
    without_head = sum(p.numel() for p in network.parameters()) - 400 * 2049
    assert without_head == 23_508_032  # of torchvision's ResNet-50 without its classifier
