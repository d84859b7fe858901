"""Options of the ways to mix clips, readable without torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeFloat, PositiveInt

from reverie.options import Many, Options

PartnerRule = Literal["random", "same-class", "other-class", "near", "far"]
"""Whom a clip is mixed with: a permutation of the batch; a clip of its class, or of another; one of the nearer, or of the
farther quarter of the batch by features."""


class PairConfig(Options):
    """What all methods share."""

    per_sample: bool = False
    """Draw λ, and where a mask lies, for each clip; otherwise once for the batch."""
    partners: PartnerRule = "random"
    probability: float = Field(default=1.0, ge=0, le=1)
    """Chance that a batch (each clip, under `per_sample`) is mixed at all."""


class BetaConfig(PairConfig):
    """λ, the share of the clip itself, comes from Beta(α, α)."""

    alpha: float = Field(default=1.0, gt=0, le=1000)
    """1 is uniform."""


class NoneConfig(Options):
    """Clips stay as they are."""


class MixupConfig(BetaConfig):
    """Options of `Mixup`."""


class CutmixConfig(BetaConfig):
    """Options of `CutMix`."""


class VideomixSpatialConfig(BetaConfig):
    """Options of `VideoMix`, its box through all frames."""


class VideomixTemporalConfig(BetaConfig):
    """Options of `VideoMix`, its run of whole frames."""


class VideomixTubeConfig(BetaConfig):
    """Options of `VideoMix`, its box in space and time."""


class FmixConfig(BetaConfig):
    """Options of `FMix`."""

    decay: float = Field(default=3.0, gt=0, le=10)
    """Power by which amplitudes fall with frequency; 3 as published."""
    volume: bool = False
    """A mask that changes over time, from frequencies of time and space (our extension); otherwise one mask for all frames."""


class ResizemixConfig(PairConfig):
    """Options of `ResizeMix`."""

    smallest: float = Field(default=0.1, gt=0, le=1)
    """Least side of the pasted clip, as a share of the frame's; 0.1 as published."""
    largest: float = Field(default=0.8, gt=0, le=1)
    """Greatest side; 0.8 as published."""


class SaliencyBoxConfig(BetaConfig):
    """Options of `SaliencyBox`."""


class SelectorTraining(Options):
    """The selector's own SGD, as published; who trains sets it up."""

    rate: float = Field(default=0.01, gt=0, le=10)
    """0.01 as published; 0.04 to 0.05 for TSM, 0.02 to 0.04 for transformers."""
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: NonNegativeFloat = 1e-4
    clip: float = Field(default=20.0, gt=0)
    """Largest norm of the gradient."""


class SelectiveConfig(Options):
    """What SV-Mix and its controls without a selector share; defaults as published unless said otherwise."""

    mask: Literal["either", "volume"] = "either"
    """A spatial or a temporal mask, drawn at each step; or one mask of space and time (our extension)."""
    switch: float = Field(default=0.5, ge=0, le=1)
    """Chance of the spatial module, where the mask is either."""
    switch_per_sample: bool = False
    """Draw the module for each clip (our extension)."""
    per_sample: bool = False
    """Draw λ for each clip, which the area term then binds (our extension); otherwise once for the batch."""
    partners: PartnerRule = "random"
    probability: float = Field(default=1.0, ge=0, le=1)
    """Chance that a batch (each clip, under `per_sample`) is mixed for the student at all."""
    alpha_spatial: float = Field(default=1.0, gt=0, le=1000)
    """Of the student's λ with the spatial module, and with a volume mask."""
    alpha_temporal: float = Field(default=0.8, gt=0, le=1000)
    """Of the student's λ with the temporal module."""
    constant: float = Field(default=0.08, ge=0, le=0.5)
    """The student's mask is constant where λ is at most this, or at least 1 less this."""
    labels: Literal["saliency", "plain"] = "saliency"
    """The student's labels by the share of salient content, or by λ."""
    temperature: float = Field(default=1.0, gt=0, le=1000)
    """Of the softmax that makes saliency of features (1 as published)."""
    smooth: bool = False
    """Enlarge masks trilinearly (our extension), not by repeating cells."""


class SvMixConfig(SelectiveConfig):
    """Options of `SvMix`."""

    alpha_teacher: float = Field(default=1.0, gt=0, le=1000)
    """Of the teacher's λ."""
    width: PositiveInt | None = None
    """Width d of queries and keys; None is the number of channels (published: that, and 1024 for TSM's 2048)."""
    initial: float = 4.0
    """First weight of the constant channel in the values."""
    standardise: bool = False
    """Show the selector features less their mean over the places of a clip, or over its frames with the temporal module, with a
    mean square of one (our extension). Features behind a ReLU have much in common, so that attention is nearly even and W_q is
    given little gradient."""
    area_weight: NonNegativeFloat = 0.1
    """0 leaves the area term out."""
    area_margin: NonNegativeFloat = 0.1
    """Distance of area and λ that costs nothing."""
    shared_gradient: bool = False
    """Let the student's loss teach the selector, too; the published way keeps them apart."""
    loss: Literal["cross-entropy", "binary"] = "cross-entropy"
    """Of the teacher; binary for labels of which several can be true."""
    every: Many = 1
    """Steps from one step of the selector to the next (more than 1: our extension)."""
    reuse: Many = 1
    """Epochs that a clip's features serve before they are computed again (more than 1: our extension)."""
    training: SelectorTraining = SelectorTraining()


class SvMixUntrainedConfig(SvMixConfig):
    """Options of the control whose selector stays as it began."""


class SmoothMaskConfig(SelectiveConfig):
    """Masks without a selector whose area is λ."""

    contrast: float = Field(default=4.0, gt=0, le=100)
    """Spread of the logits, in standard deviations' units: the greater, the harder the mask. It is not fitted to what a selector
    makes; the statistics of masks say how far both differ."""


class SvMixRandomConfig(SmoothMaskConfig):
    """Options of `RandomMasks`."""

    grid: int = Field(default=3, ge=2, le=64)
    """Random values along each of time, height and width, which are interpolated to the cells of the mask."""


class SaliencyConfig(SmoothMaskConfig):
    """Options of `SaliencyMasks`."""
