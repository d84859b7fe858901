"""Options of the networks, readable without torch. Defaults are small, for 64 pixels and one processor core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from reverie.options import Few, Options

NormState = Literal["train", "eval", "frozen"]
Widths = tuple[PositiveInt, ...]


class NetworkOptions(Options):
    """What all networks can be asked."""

    freeze: str = "none"
    """Last part that does not learn, counted from the clip: ``none``, ``stem``, ``stage1`` … or ``all-but-head``."""
    batchnorm: NormState = "train"
    """``train``: statistics of the batch; ``eval``: the stored ones, and scale and shift learn; ``frozen``: scale and shift do
    not learn either. Frozen parts always use the stored ones."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Before the classifier."""
    drop_path: float = Field(default=0.0, ge=0, lt=1)
    """Chance that a clip skips the last block; it grows linearly from the first one (stochastic depth, arXiv 1603.09382)."""


class ResidualOptions(NetworkOptions):
    """Stages of residual blocks."""

    widths: Widths = Field(default=(32, 64, 128, 192), min_length=1, max_length=6)
    """Channels of each stage before a bottleneck widens them."""
    blocks: tuple[Few, ...] = Field(default=(1, 1, 1, 1), min_length=1, max_length=6)
    """Residual blocks of each stage."""
    strides: tuple[Literal[1, 2], ...] = Field(default=(1, 2, 2, 1), min_length=1, max_length=6)
    """Spatial stride of each stage's first block."""

    @model_validator(mode="after")
    def _stages_agree(self) -> ResidualOptions:
        """Refuse lists of other lengths."""
        if not len(self.widths) == len(self.blocks) == len(self.strides):
            raise ValueError("widths, blocks and strides must have one value for each stage")
        return self


class TsmConfig(ResidualOptions):
    """A 2D ResNet with residual temporal shift."""

    bottleneck: bool = False
    """Whether a block is 1×1, 3×3 and 1×1 with four times the channels, as in ResNet-50, or two 3×3."""
    stem: Literal["small", "imagenet"] = "small"
    """``small``: 3×3, stride 2, then pooled by 2; ``imagenet``: 7×7, stride 2, then pooled by 2."""
    fold: int = Field(default=8, ge=2, le=64)
    """One of so many channels comes from the next frame, and one from the frame before."""


class R2plus1dConfig(ResidualOptions):
    """A ResNet of spatial and temporal convolutions."""

    widths: Widths = Field(default=(16, 32, 64, 128), min_length=1, max_length=6)
    """Channels of each stage."""
    time_strides: tuple[Literal[1, 2], ...] = Field(default=(1, 2, 1, 1), min_length=1, max_length=6)
    """Temporal stride of each stage's first block."""
    stem: Literal["small", "published"] = "small"
    """``small``: 3×3 and 3, then pooled by 2; ``published``: 7×7 with 45 channels between, and 3."""

    @model_validator(mode="after")
    def _times_agree(self) -> R2plus1dConfig:
        """Refuse a list of another length."""
        if len(self.time_strides) != len(self.widths):
            raise ValueError("time_strides must have one value for each stage")
        return self


class X3dConfig(ResidualOptions):
    """A network of inverted bottlenecks and channel-wise 3D convolutions."""

    widths: Widths = Field(default=(16, 32, 64, 96), min_length=1, max_length=6)
    """Channels of each stage."""
    strides: tuple[Literal[1, 2], ...] = Field(default=(2, 2, 2, 1), min_length=1, max_length=6)
    """Spatial stride of each stage's first block; that of the first convolution is 2."""
    expand: float = Field(default=2.25, ge=1, le=8)
    """Widening inside a block, and of the last convolution."""
    hidden: int = Field(default=0, ge=0)
    """Width of a hidden layer of the head, behind the mean; 0 has none."""


class SlowfastConfig(ResidualOptions):
    """Two pathways: few frames and many channels, all frames and few channels."""

    widths: Widths = Field(default=(24, 32, 64, 96), min_length=1, max_length=6)
    """Channels of each stage of the slow pathway before a bottleneck widens them by 4."""
    first: PositiveInt = 32
    """Channels of the first convolution of the slow pathway."""
    kernel: Literal[3, 7] = 3
    """Height and width of the first convolutions."""
    alpha: int = Field(default=4, ge=1, le=32)
    """The slow pathway sees one of so many frames."""
    beta: int = Field(default=4, ge=1, le=64)
    """The fast pathway has one of so many channels."""


class MvitConfig(NetworkOptions):
    """An improved multiscale vision transformer."""

    dim: PositiveInt = 32
    """Channels of the first stage; each further one doubles them."""
    blocks: tuple[Few, ...] = Field(default=(1, 2, 2), min_length=1, max_length=6)
    """Blocks of each stage; each stage after the first halves height and width."""
    heads: PositiveInt = 1
    """Heads of attention in the first stage; each further one doubles them."""
    patch: tuple[PositiveInt, PositiveInt, PositiveInt] = (3, 7, 7)
    """Kernel of the first convolution: frames, height, width."""
    stride: tuple[PositiveInt, PositiveInt, PositiveInt] = (2, 4, 4)
    """Its stride."""
    key_stride: PositiveInt = 4
    """Spatial stride of keys and values in the first stage; each further one halves it, down to 1."""
    pool_queries: bool = False
    """Whether queries are convolved in every block, as published, or only where they are fewer than the tokens."""
    mlp: PositiveInt = 4
    """Widening of the feed-forward part."""
    spread: PositiveFloat | None = None
    """Standard deviation of the first weights of linear layers: 0.02 as published, for hundreds of channels. None is 1 / √inputs,
    our reading for a few dozen channels, where branches of 0.02 begin near nought."""

    @model_validator(mode="after")
    def _heads_divide(self) -> MvitConfig:
        """Refuse heads that do not divide the channels."""
        if self.dim % self.heads:
            raise ValueError(f"heads={self.heads} must divide dim={self.dim}")
        return self


class VitSpaceTimeConfig(NetworkOptions):
    """A vision transformer over small volumes."""

    dim: PositiveInt = 96
    """Channels."""
    blocks: Few = 4
    """Blocks; each is a freeze point ``stage1`` …"""
    heads: PositiveInt = 3
    """Heads of attention."""
    tube: tuple[PositiveInt, PositiveInt, PositiveInt] = (2, 8, 8)
    """Frames, height and width of a volume."""
    mlp: PositiveInt = 4
    """Widening of the feed-forward part."""

    @model_validator(mode="after")
    def _heads_divide(self) -> VitSpaceTimeConfig:
        """Refuse heads that do not divide the channels."""
        if self.dim % self.heads:
            raise ValueError(f"heads={self.heads} must divide dim={self.dim}")
        return self


class EfficientnetLite0Config(NetworkOptions):
    """Frames one by one through EfficientNet-lite0, which was taught on ImageNet."""

    freeze: str = "all-but-head"
    """As of all networks; only the head learns by default. The other points are ``none`` and ``body``."""
    side: int = Field(default=224, ge=0, le=1024)
    """Height and width that frames are resized to; 224 as it was taught, 0 leaves them as they are."""
    hidden: PositiveInt = 128
    """Channels of the head."""


class HubConfig(NetworkOptions):
    """An encoder in a folder of the Hugging Face layout: VideoMAE, TimeSformer or CLIP."""

    folder: str
    """Where ``config.json``, ``preprocessor_config.json`` and weights as safetensors are."""
    resize: bool = True
    """Whether clips are resized to the pictures that it was taught with; otherwise its positions interpolate to the clips."""
    tokens: Literal["patches", "class"] = "patches"
    """What the feature map is made of: the tokens of places, or the class token alone, with H' = W' = 1."""


PUBLISHED: Mapping[str, Mapping[str, Any]] = {
    "tsm": {
        "widths": (64, 128, 256, 512), "blocks": (3, 4, 6, 3), "strides": (1, 2, 2, 2), "bottleneck": True, "stem": "imagenet",
        "dropout": 0.5,
    },
    "r2plus1d": {
        "widths": (64, 128, 256, 512), "blocks": (2, 2, 2, 2), "strides": (1, 2, 2, 2), "time_strides": (1, 2, 2, 2),
        "stem": "published",
    },
    "x3d": {
        "widths": (24, 48, 96, 192), "blocks": (3, 5, 11, 7), "strides": (2, 2, 2, 2), "hidden": 2048, "dropout": 0.5,
    },
    "slowfast": {
        "widths": (64, 128, 256, 512), "blocks": (3, 4, 6, 3), "strides": (1, 2, 2, 2), "first": 64, "kernel": 7, "alpha": 8,
        "beta": 8, "dropout": 0.5,
    },
    "vit-space-time": {"dim": 768, "blocks": 12, "heads": 12, "tube": (2, 16, 16)},
    "mvit": {
        "dim": 96, "blocks": (1, 2, 11, 2), "key_stride": 8, "pool_queries": True, "spread": 0.02, "drop_path": 0.2, "dropout": 0.5,
    },
}  # fmt: skip
"""Options of published networks: TSM-R50, R(2+1)D-18 (112 pixels), X3D-M, SlowFast 4×16 R50, ViViT-B/16x2, MViTv2-S (224)."""
