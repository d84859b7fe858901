"""The selector and its masks against the published equations, cell by cell in float64."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch

from reverie.video.mixing.svmix.masks import enlarge, hold_constant, levelled, partner_mask
from reverie.video.mixing.svmix.selector import Selector

Array = np.ndarray[Any, np.dtype[np.float64]]


def attend(own: Array, partner: Array, weights: dict[str, Array]) -> Array:
    """Return A v for rows [P, C + 1] that attend to rows [P, C + 1], one query at a time."""
    found = []
    for row in own:
        query = weights["shared.weight"] @ row + weights["shared.bias"]
        keys = [weights["shared.weight"] @ there + weights["shared.bias"] for there in partner]
        scores = [math.exp(float(query @ key) / math.sqrt(len(query))) for key in keys]
        values = [float(weights["value.weight"][0] @ there + weights["value.bias"][0]) for there in partner]
        found.append(sum(s * v for s, v in zip(scores, values, strict=True)) / sum(scores))
    return np.array(found)


def naive_logits(own: Array, partner: Array, share: float, module: str, weights: dict[str, Array]) -> Array:
    """Return the partner's logits of one clip, features [T', C, H', W'] → [T', H', W'] or [T', 1, 1]."""
    frames, _, height, width = own.shape
    if module == "temporal":
        rows = [np.append(own[t].mean((1, 2)), share - 0.5) for t in range(frames)]
        there = [np.append(partner[t].mean((1, 2)), 0.5 - share) for t in range(frames)]
        return attend(np.array(rows), np.array(there), weights)[:, None, None]
    places = list(itertools.product(range(frames), range(height), range(width)))
    rows = np.array([np.append(own[t, :, y, x], share - 0.5) for t, y, x in places])
    there = np.array([np.append(partner[t, :, y, x], 0.5 - share) for t, y, x in places])
    if module == "volume":
        return attend(rows, there, weights).reshape(frames, height, width)
    cut = height * width
    parts = [attend(rows[t * cut : (t + 1) * cut], there[t * cut : (t + 1) * cut], weights) for t in range(frames)]
    return np.stack(parts).reshape(frames, height, width)


@pytest.mark.parametrize("module", ["spatial", "temporal", "volume"])
@pytest.mark.parametrize("width", [None, 3])
def test_logits_are_the_published_attention(batch: Any, module: Any, width: int | None) -> None:
    selector = Selector(7, width, generator=torch.Generator().manual_seed(1))
    shares, partners = torch.tensor([0.1, 0.3, 0.5, 0.6, 0.8, 0.95]), torch.tensor([3, 0, 1, 5, 2, 4])
    found = selector(batch.features, batch.features[partners], shares, module)
    assert found.dtype == torch.float32
    weights = {name: value.double().numpy() for name, value in selector.state_dict().items()}
    plain = batch.features.double().numpy()
    expected = [naive_logits(plain[i], plain[partners[i]], float(shares[i]), module, weights) for i in range(6)]
    np.testing.assert_allclose(found.detach().double().numpy(), np.stack(expected), rtol=2e-5, atol=2e-6)


def test_the_first_logit_without_features_is_four_times_what_lambda_lacks() -> None:
    """So a small λ means a large part of the partner; the bias of values starts at 0, their constant channel at 4."""
    selector = Selector(7, generator=torch.Generator().manual_seed(0))
    nothing, shares = torch.zeros(3, 2, 7, 2, 2), torch.tensor([0.0, 0.5, 0.9])
    for module in ("spatial", "temporal", "volume"):
        logits = selector(nothing, nothing, shares, module)
        torch.testing.assert_close(logits.flatten(1).mean(1), 4 * (0.5 - shares))
    names = {name for name, _ in selector.named_parameters()}
    assert names == {"shared.weight", "shared.bias", "value.weight", "value.bias"}, "one set of weights serves all modules"


def test_first_weights_are_a_function_of_the_seed_alone() -> None:
    before = torch.random.get_rng_state()
    first = Selector(7, generator=torch.Generator().manual_seed(2)).state_dict()
    again = Selector(7, generator=torch.Generator().manual_seed(2)).state_dict()
    for name, value in first.items():
        assert torch.equal(value, again[name])
    assert not torch.equal(first["shared.weight"], Selector(7, generator=torch.Generator().manual_seed(3)).shared.weight)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("size", [(8, 6, 12), (7, 10, 13), (3, 4, 5)])
def test_enlarging_repeats_the_cell_in_which_a_place_lies(size: tuple[int, int, int]) -> None:
    cells = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    large = enlarge(cells, size)
    for t, y, x in itertools.product(*(range(n) for n in size)):
        assert torch.equal(large[:, t, y, x], cells[:, t * 4 // size[0], y * 3 // size[1], x * 3 // size[2]])


def test_smooth_enlarging_is_linear_along_each_axis() -> None:
    cells = torch.randn(1, 2, 3, 4, generator=torch.Generator().manual_seed(0)).double()

    def weights(small: int, large: int) -> Array:
        rows = np.zeros((large, small))
        for place in range(large):
            at = min(max((place + 0.5) * small / large - 0.5, 0), small - 1)
            low = min(int(at), small - 2)
            rows[place, low], rows[place, low + 1] = 1 - (at - low), at - low
        return rows

    expected = np.einsum("at,by,cx,tyx->abc", weights(2, 5), weights(3, 7), weights(4, 9), cells[0].numpy())
    np.testing.assert_allclose(enlarge(cells, (5, 7, 9), smooth=True)[0].numpy(), expected, atol=1e-12)


def test_the_mask_is_a_sigmoid_and_is_flat_over_space_for_frames() -> None:
    logits = torch.tensor([[-1.0, 2.0]])[..., None, None]
    mask = partner_mask(logits, (4, 6, 6))
    assert mask.shape == (1, 4, 6, 6)
    expected = [1 / (1 + math.exp(1))] * 2 + [1 / (1 + math.exp(-2))] * 2
    torch.testing.assert_close(mask[0, :, 3, 5], torch.tensor(expected))
    assert mask.std((2, 3)).max() == 0
    cells = torch.randn(1, 2, 3, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(partner_mask(cells, (4, 6, 6), smooth=True), enlarge(cells, (4, 6, 6), smooth=True).sigmoid())


def test_extreme_shares_hold_masks_constant() -> None:
    own, shares = torch.rand(5, 2, 3, 3), torch.tensor([0.08, 0.081, 0.5, 0.919, 0.92])
    held = hold_constant(own, shares, 0.08)
    assert torch.equal(held[1:4], own[1:4])
    assert (held[0] == 0.08).all()
    assert (held[4] == 0.92).all()


def test_levelled_logits_have_the_asked_area() -> None:
    scores, shares = 5 * torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(0)), torch.tensor([0.01, 0.4, 0.5, 0.99])
    areas = levelled(scores, shares).sigmoid().mean((1, 2, 3))
    torch.testing.assert_close(1 - areas, shares, rtol=0, atol=2e-6)
    order = scores.flatten(1).argsort(1)
    assert torch.equal(levelled(scores, shares).flatten(1).argsort(1), order)
