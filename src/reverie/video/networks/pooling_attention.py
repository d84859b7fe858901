"""Attention that pools queries, keys and values over time and space, with relative positions of each axis.

.. [1] Fan et al. (2021), Multiscale Vision Transformers, arXiv 2104.11227, section 3.1.
.. [2] Li et al. (2022), MViTv2, arXiv 2112.01526, section 4.1: relative positions by axis, and the pooled query is added.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Grid = tuple[int, int, int]
"""Frames, height and width of a volume of tokens."""
_FIRST, _LAST = (0, 0, 0, 0, 0, 0, 1, 0), (0, 0, 0, 0, 0, 0, 0, 1)
"""Where a frame of zeros is put beside [B, T, Y, X, C]."""


def _in_clips(frames: Tensor, clips: int) -> Tensor:
    """Return frames in their clips; [B * T, C, Y, X] → [B, T, Y, X, C]."""
    last = frames.permute(0, 2, 3, 1)
    return last.reshape(clips, -1, *last.shape[1:])


class PooledTokens(nn.Module):
    """A 3×3×3 convolution of each channel of a head, shared by the heads, with a spatial stride, then LayerNorm of each part.

    Keys and values are two parts of one convolution. It is computed as three of two dimensions, one for each frame that is looked
    at: on a processor the gradient of a channel-wise 3D convolution takes several times as long.
    """

    def __init__(self, width: int, parts: int, stride: int) -> None:
        super().__init__()
        channels = parts * width
        self.conv = nn.Conv3d(channels, channels, 3, (1, stride, stride), 1, groups=channels, bias=False)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(parts))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Pool; x [B, T, Y, X, parts, heads, D] → of each part [B, T, Y', X', heads, D]."""
        parts, heads = x.shape[4:6]
        flat = x.flatten(4).flatten(0, 1).permute(0, 3, 1, 2)  # [B * T, channels, Y, X], channels last in memory
        weight = self.conv.weight
        kernels = weight.reshape(parts, 1, -1, *weight.shape[1:]).expand(-1, heads, -1, *weight.shape[1:])
        before, now, after = (
            _in_clips(F.conv2d(flat, kernel, None, self.conv.stride[1:], 1, 1, flat.shape[1]), len(x))
            for kernel in kernels.flatten(0, 2).unbind(2)
        )
        pooled = now + F.pad(before[:, :-1], _FIRST) + F.pad(after[:, 1:], _LAST)
        each = pooled.view(*pooled.shape[:4], parts, heads, -1).unbind(4)
        return [norm(part) for norm, part in zip(self.norms, each, strict=True)]


class RelativePositions(nn.Module):
    """Learned vectors of the distances along one axis, interpolated where a volume has another length."""

    def __init__(self, distances: int, width: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.empty(distances, width))
        nn.init.trunc_normal_(self.table, std=0.02)

    def forward(self, queries: int, keys: int) -> Tensor:
        """Return the vector of each pair of places → [queries, keys, D]."""
        wanted = 2 * max(queries, keys) - 1
        table: Tensor = self.table
        if len(table) != wanted:
            table = F.interpolate(table.T[None], size=wanted, mode="linear")[0].T
        device = table.device
        own = torch.arange(queries, device=device)[:, None] * max(keys / queries, 1.0)
        other = torch.arange(keys, device=device)[None] * max(queries / keys, 1.0)
        return table[(own - other + (keys - 1) * max(queries / keys, 1.0)).round().long()]


class PoolingAttention(nn.Module):
    """``softmax(q k / √D + positions) v + q`` of pooled queries, keys and values; a stride of the queries makes fewer tokens.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    heads : int
    grid : tuple of int
        Frames, height and width that positions are made for; other ones interpolate.
    query_stride, key_stride : int
        Spatial.
    pool_queries : bool
        Whether queries are convolved, which a stride needs.
    """

    def __init__(
        self, inputs: int, outputs: int, heads: int, grid: Grid, query_stride: int, key_stride: int, pool_queries: bool
    ) -> None:
        super().__init__()
        width = outputs // heads
        self.heads = heads
        self.query, self.keys_values = nn.Linear(inputs, outputs), nn.Linear(inputs, 2 * outputs)
        self.out = nn.Linear(outputs, outputs)
        self.pool_query = PooledTokens(width, 1, query_stride) if pool_queries else None
        self.pool = PooledTokens(width, 2, key_stride)
        sides = [grid[0], *(-(-side // min(query_stride, key_stride)) for side in grid[1:])]
        self.positions = nn.ModuleList(RelativePositions(2 * side - 1, width) for side in sides)

    def forward(self, x: Tensor) -> Tensor:
        """Attend; x [B, T, Y, X, C] → [B, T, Y', X', C']."""
        q = self.query(x).unflatten(-1, (self.heads, -1))
        if self.pool_query is not None:
            (q,) = self.pool_query(q.unsqueeze(4))
        k, v = self.pool(self.keys_values(x).unflatten(-1, (2, self.heads, -1)))
        at, grid = q.shape[1:4], k.shape[1:4]
        flat = [part.flatten(1, 3).transpose(1, 2) for part in (q, k, v)]  # [B, heads, places, D]
        biases = [self._biases(q, positions(at[axis], grid[axis]), axis) for axis, positions in enumerate(self.positions)]
        marks = _marks(grid, k).expand(*flat[1].shape[:2], -1, -1)
        scores = torch.cat([flat[0] * flat[0].shape[-1] ** -0.5, *biases], -1) @ torch.cat([flat[1], marks], -1).mT
        seen = (scores.softmax(-1) @ flat[2] + flat[0]).transpose(1, 2).flatten(2).unflatten(1, at)
        out: Tensor = self.out(seen)
        return out

    def _biases(self, q: Tensor, vectors: Tensor, axis: int) -> Tensor:
        """Return products of queries with positions of an axis; q [B, T, Y, X, heads, D], vectors [queries, keys, D].

        The result is [B, heads, places, keys of the axis].
        """
        return torch.einsum(f"btyxhd,{'tyx'[axis]}kd->bhtyxk", q, vectors).flatten(2, 4)


def _marks(grid: Sequence[int], like: Tensor) -> Tensor:
    """Return ones at frame, row and column of each place, which add what is known by axis in one product.

    The result is [places, T' + Y' + X'].
    """
    each = torch.meshgrid(*(torch.arange(side, device=like.device) for side in grid), indexing="ij")
    return torch.cat([F.one_hot(at.flatten(), side) for at, side in zip(each, grid, strict=True)], 1).to(like.dtype)
