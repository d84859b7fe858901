"""What the parts of this room ask of each other: networks with features, and mixers of clips.

Clips are ``[B, T, 3, H, W]``, float32 in [0, 1] until a network normalises them; labels are soft, ``[B, K]``, rows sum to one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Generator, Tensor


@dataclass(frozen=True)
class Normalisation:
    """Mean and spread of each channel that an encoder was trained with, of values in [0, 1]."""

    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)


class VideoNetwork(Protocol):
    """A classifier of clips whose last feature map can be seen; a ``torch.nn.Module`` with normalisation inside."""

    normalisation: Normalisation
    channels: int
    """C of the feature map."""

    def feature_map(self, clips: Tensor) -> Tensor:
        """Return features of clips [B, T, 3, H, W] → [B, T', C, H', W']; T divides by T'."""
        ...

    def classify(self, features: Tensor) -> Tensor:
        """Return logits of a feature map → [B, K]."""
        ...

    def __call__(self, clips: Tensor) -> Tensor:
        """Return logits of clips → [B, K]: ``classify(feature_map(clips))``."""
        ...


@dataclass(frozen=True)
class Mixed:
    """Clips that were mixed in pairs.

    Parameters
    ----------
    clips : Tensor [B, T, 3, H, W]
        ``own * x_i + (1 - own) * x_j``, or what else a method makes.
    labels : Tensor [B, K]
    partners : Tensor [B], int64
        Index of each clip's partner in the batch.
    own : Tensor [B, T, H, W] or None
        Share of the clip itself at each place; None where a method has no mask. It may be a broadcast view.
    shares : Tensor [B]
        Share of the own label.
    """

    clips: Tensor
    labels: Tensor
    partners: Tensor
    own: Tensor | None
    shares: Tensor


class Mixer(Protocol):
    """A way to mix a batch of clips."""

    needs_features: bool
    """Whether `mix` must be given the teacher's feature map of the clean clips."""

    def mix(self, clips: Tensor, labels: Tensor, features: Tensor | None, generator: Generator) -> Mixed:
        """Return mixed clips and soft labels; all randomness comes from the generator, on whatever device the clips are.

        Parameters
        ----------
        clips : Tensor [B, T, 3, H, W]
        labels : Tensor [B, K]
            One-hot, smoothed or multi-label.
        features : Tensor [B, T', C, H', W'] or None
            Of the clean clips, without gradient.
        generator : torch.Generator
            On the CPU.
        """
        ...
