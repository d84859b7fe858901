"""Pooling attention beside a naive float64 one."""

import numpy as np
import torch

from reverie.video.networks.pooling_attention import PoolingAttention, RelativePositions


def test_attention_is_that_of_loops() -> None:
    torch.manual_seed(0)
    attention = PoolingAttention(6, 8, 2, (2, 4, 4), 2, 4, True).double()
    x = torch.randn(1, 2, 4, 4, 6, dtype=torch.float64)
    with torch.no_grad():
        found = attention(x)[0].numpy()
        raw = attention.query(x).unflatten(-1, (2, 4))
        (q,) = attention.pool_query(raw.unsqueeze(4))
        k, v = attention.pool(attention.keys_values(x).unflatten(-1, (2, 2, 4)))
        tables = [
            p(*sizes).numpy() for p, sizes in zip(attention.positions, zip(q.shape[1:4], k.shape[1:4], strict=True), strict=True)
        ]
        q, k, v = (one[0].numpy() for one in (q, k, v))
        weight, bias = attention.out.weight.numpy(), attention.out.bias.numpy()
    for t, y, x_ in np.ndindex(2, 2, 2):
        heads = []
        for h in range(2):
            own = q[t, y, x_, h]
            scores, values = [], []
            for t2, y2, x2 in np.ndindex(*k.shape[:3]):
                places = tables[0][t, t2] + tables[1][y, y2] + tables[2][x_, x2]
                scores.append(own @ k[t2, y2, x2, h] / 2.0 + own @ places)
                values.append(v[t2, y2, x2, h])
            weights = np.exp(np.array(scores) - max(scores))
            heads.append((weights / weights.sum()) @ np.array(values) + own)
        assert np.allclose(found[t, y, x_], weight @ np.concatenate(heads) + bias, atol=1e-10)


def test_pooling_is_a_convolution_of_each_head_and_a_norm() -> None:
    torch.manual_seed(0)
    attention = PoolingAttention(4, 4, 2, (3, 4, 4), 1, 2, False).double()
    x = torch.randn(1, 3, 4, 4, 2, 2, 2, dtype=torch.float64)  # parts, heads, D
    with torch.no_grad():
        k, v = attention.pool(x)
    padded = np.pad(x[0].numpy(), [(1, 1)] * 3 + [(0, 0)] * 3)
    kernel = attention.pool.conv.weight.detach().numpy()[:, 0].reshape(2, 2, 3, 3, 3)
    for part, found in enumerate((k, v)):
        assert found.shape == (1, 3, 2, 2, 2, 2)
        for t, y, z, h in np.ndindex(3, 2, 2, 2):
            window = padded[t : t + 3, 2 * y : 2 * y + 3, 2 * z : 2 * z + 3, part, h]
            raw = np.einsum("tyxd,dtyx->d", window, kernel[part])
            expected = (raw - raw.mean()) / np.sqrt(raw.var() + 1e-5)
            assert np.allclose(found[0, t, y, z, h].numpy(), expected)


def test_positions_depend_on_distances_only_and_reach_from_end_to_end() -> None:
    positions = RelativePositions(7, 1)
    with torch.no_grad():
        positions.table.copy_(torch.arange(7.0)[:, None])
        square = positions(4, 4)[..., 0]
        wide = positions(4, 2)[..., 0]
        longer = positions(7, 7)[..., 0]
    assert square.tolist() == [[3, 2, 1, 0], [4, 3, 2, 1], [5, 4, 3, 2], [6, 5, 4, 3]]
    assert wide.tolist() == [[2, 0], [3, 1], [4, 2], [5, 3]]
    assert longer.min() == 0
    assert longer.max() == 6
    assert torch.allclose(longer.diagonal(), torch.full((7,), 3.0))
