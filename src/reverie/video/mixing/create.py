"""Ways to mix clips, by name."""

from __future__ import annotations

from typing import Any

from reverie.errors import ConfigError
from reverie.options import checked
from reverie.registry import Registry, family

SELECTOR = "selector"
"""Tag of what is built with the number of channels of the teacher's features, and a seed."""

MIXERS = Registry(
    "mixer",
    family(
        "reverie.video.mixing",
        {
            "none": ("none:NoMix", "clips as they are", ""),
            "mixup": ("mixup:Mixup", "one weight for all places", "zhang2018mixup"),
            "cutmix": ("cutmix:CutMix", "a box of the partner in all frames", "yun2019cutmix"),
            "videomix-spatial": ("videomix:SpatialVideoMix", "a whole box of the partner in all frames", "yun2020videomix"),
            "videomix-temporal": ("videomix:TemporalVideoMix", "a run of the partner's frames", "yun2020videomix"),
            "videomix-tube": ("videomix:TubeVideoMix", "a box of the partner in space and time", "yun2020videomix"),
            "fmix": ("fmix:FMix", "the partner where low-frequency noise is high", "harris2020fmix"),
            "resizemix": ("resizemix:ResizeMix", "the whole partner, made small", "qin2020resizemix"),
            "saliency-box": ("saliency_box:SaliencyBox", "a box around the partner's most salient cell", "uddin2020saliencymix"),
            "saliency": ("svmix.controls:SaliencyMasks", "the partner where it is more salient", "tan2023svmix"),
            "sv-mix": ("svmix.step:SvMix", "a mask that a selector learns from the teacher's loss", "tan2023svmix", SELECTOR),
            "sv-mix-random": ("svmix.controls:RandomMasks", "a random smooth mask of area λ", "tan2023svmix"),
            "sv-mix-untrained": ("svmix.step:UntrainedSvMix", "the mask of a selector that never learns", "tan2023svmix", SELECTOR),
        },
    ),
    "reverie.mixers",
)
"""By name; an entry builds from its configuration and, with the tag `selector`, from channels and seed."""


def create_mixer(name: str, *, channels: int | None = None, seed: int = 0, **options: Any) -> Any:
    """Return a way to mix, see `reverie.video.roles.Mixer`.

    Parameters
    ----------
    name : str
        One of `MIXERS`.
    channels : int, optional
        C of the teacher's feature map, which a selector needs; others do not mind it.
    seed : int
        Of a selector's first weights.
    **options : object
        Of the method's configuration.

    Returns
    -------
    Mixer
        With `learns`: whether it has a selector that learns, see `SvMix`.

    Examples
    --------
    >>> create_mixer("cutmix", alpha=0.5).config.alpha
    0.5
    """
    config = checked(MIXERS.config(name), options, f"mixer '{name}'")
    if SELECTOR not in MIXERS[name].tags:
        return MIXERS.build(name)(config)
    if channels is None:
        raise ConfigError(f"mixer '{name}' has a selector; say how many channels the teacher's features have by channels=")
    return MIXERS.build(name)(config, channels, seed)
