"""Networks by name: one registry, open to other packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverie.errors import ConfigError
from reverie.options import checked
from reverie.registry import Registry, family

if TYPE_CHECKING:
    from reverie.video.networks.network import ClipNetwork

NETWORKS = Registry(
    "video network",
    family(
        "reverie.video.networks",
        {
            "tsm": ("tsm:Tsm", "2D ResNet with temporal shift", "lin2019tsm", "convolutional"),
            "r2plus1d": ("r2plus1d:R2plus1d", "ResNet of spatial and temporal convolutions", "tran2018r2plus1d", "convolutional"),
            "x3d": ("x3d:X3d", "narrow network of channel-wise 3D convolutions", "feichtenhofer2020x3d", "convolutional"),
            "slowfast": ("slowfast:Slowfast", "slow and fast pathways", "feichtenhofer2019slowfast", "convolutional"),
            "vit-space-time": ("vit_space_time:VitSpaceTime", "vision transformer over volumes", "arnab2021vivit", "transformer"),
            "mvit": ("mvit:Mvit", "multiscale vision transformer", "li2022mvitv2", "transformer"),
            "efficientnet-lite0": (
                "frames:FrozenFrames",
                "frozen features of frames",
                "tan2019efficientnet",
                "convolutional",
                "needs-weights",
            ),
            "hub": ("hub:Hub", "VideoMAE, TimeSformer or CLIP from a folder", "tong2022videomae", "transformer", "needs-folder"),
        },
    ),
    "reverie.video_networks",
)
"""Every network; ``build`` takes ``(config, classes, frames, size)``."""


def create_network(name: str, classes: int, frames: int, size: int, **options: Any) -> ClipNetwork:
    """Return a new network, its weights drawn from torch's global generator (`reverie.seeds.seed_torch`).

    Parameters
    ----------
    name : str
        One of `NETWORKS`.
    classes : int
        K, of the logits.
    frames, size : int
        T, and height and width, that positions are made for; other ones interpolate them.
    **options
        Fields of the network's configuration in `reverie.video.networks.config`; ``**PUBLISHED[name]`` gives published sizes.

    Returns
    -------
    ClipNetwork
        A `reverie.video.roles.VideoNetwork`.
    """
    for what, count in (("classes", classes), ("frames", frames), ("size", size)):
        if count < 1:
            raise ConfigError(f"{name}: {what} must be at least 1, not {count}")
    made: ClipNetwork = NETWORKS.build(name)(checked(NETWORKS.config(name), options, name), classes, frames, size)
    made.name = name
    return made
