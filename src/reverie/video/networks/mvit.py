"""MViT: a transformer of few, wide tokens on top and many, narrow ones below.

.. [1] Li et al. (2022), MViTv2: Improved Multiscale Vision Transformers for Classification and Detection, arXiv 2112.01526.
   ``PUBLISHED["mvit"]`` has the sizes of its MViTv2-S. There is no class token: the head takes the mean of all tokens.
"""

from __future__ import annotations

from torch import Tensor, nn

from reverie.video.networks.config import MvitConfig
from reverie.video.networks.convolutions import volumes
from reverie.video.networks.drop_path import DropPath, rising
from reverie.video.networks.network import ClipNetwork, Stage, require_sides
from reverie.video.networks.pooling_attention import Grid, PoolingAttention


class MultiscaleBlock(nn.Module):
    """Pooling attention and a feed-forward part, both with residuals; channels grow in the attention."""

    def __init__(self, inputs: int, outputs: int, attention: PoolingAttention, stride: int, mlp: int, drop: float) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(inputs), nn.LayerNorm(outputs)])
        self.attention, self.drop = attention, DropPath(drop)
        self.widen = nn.Linear(inputs, outputs) if inputs != outputs else None
        self.pool = (
            nn.MaxPool3d((1, stride + 1, stride + 1), (1, stride, stride), (0, stride // 2, stride // 2)) if stride > 1 else None
        )
        self.mlp = nn.Sequential(nn.Linear(outputs, mlp * outputs), nn.GELU(), nn.Linear(mlp * outputs, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Transform; x [B, T, Y, X, C] → [B, T, Y', X', C']."""
        z = self.norms[0](x)
        around = x if self.widen is None else self.widen(z)
        if self.pool is not None:
            around = self.pool(around.permute(0, 4, 1, 2, 3)).permute(0, 2, 3, 4, 1)
        x = around + self.drop(self.attention(z))
        out: Tensor = x + self.drop(self.mlp(self.norms[1](x)))
        return out


class Mvit(ClipNetwork):
    """Multiscale vision transformer ("MViTv2", arXiv 2112.01526); T' = ⌈T / 2⌉ by default, positions interpolate."""

    def __init__(self, config: MvitConfig, classes: int, frames: int, size: int) -> None:
        super().__init__(config, classes, config.dim * 2 ** (len(config.blocks) - 1), frames, size)
        require_sides(size, config.stride[1] * 2 ** (len(config.blocks) - 1), "mvit")
        padding = (config.patch[0] // 2, config.patch[1] // 2, config.patch[2] // 2)
        self.stem = nn.Conv3d(3, config.dim, config.patch, config.stride, padding)
        grid: Grid = (-(-frames // config.stride[0]), -(-size // config.stride[1]), -(-size // config.stride[2]))
        drops, dim, self.stages = rising(config.drop_path, sum(config.blocks)), config.dim, nn.ModuleList()
        for number, count in enumerate(config.blocks):
            wide, keys = config.dim * 2**number, max(config.key_stride // 2**number, 1)
            stage = Stage()
            for at in range(count):
                stride = 2 if number and at == 0 else 1
                # keys are pooled to one grid for the whole stage, from that of the stage before in its first block
                attention = PoolingAttention(
                    dim, wide, config.heads * 2**number, grid, stride, keys * stride, stride > 1 or config.pool_queries
                )
                stage.append(MultiscaleBlock(dim, wide, attention, stride, config.mlp, drops.pop(0)))
                dim, grid = wide, (grid[0], -(-grid[1] // stride), -(-grid[2] // stride))
            self.stages.append(stage)
        self.norm = nn.LayerNorm(dim)
        for module in self.modules():
            if isinstance(module, nn.Linear) and module is not self.head.linear:
                nn.init.trunc_normal_(module.weight, std=config.spread or module.in_features**-0.5)
                nn.init.zeros_(module.bias)
        self.settle()

    def feature_map(self, clips: Tensor) -> Tensor:
        """Return features of clips [B, T, 3, H, W] → [B, T', C, H', W']."""
        x = self.stem(volumes(self.normalised(clips))).permute(0, 2, 3, 4, 1).contiguous()
        for stage in self.stages:
            x = stage(x)
        found: Tensor = x.permute(0, 1, 4, 2, 3)
        return found
