"""The network that an item encoder begins with: new, or trained by a study of this room, whole or in part frozen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import ConfigError
from reverie.video.item_encoders.config import VideoOptions
from reverie.video.networks.create import create_network

if TYPE_CHECKING:
    from reverie.video.networks.network import ClipNetwork


def starting_network(options: VideoOptions, side: int) -> ClipNetwork:
    """Return the network of an encoder, its head still on it.

    Parameters
    ----------
    options : VideoOptions
        Not of frozen features.
    side : int
        Of the frames.
    """
    if options.start is None:
        return create_network(options.network, 1, options.frames, side, **options.set)
    from reverie.video.networks.saved import load_network
    from reverie.video.recognition.saved import find_recogniser

    trained, saved = load_network(find_recogniser(Path(options.start)))
    if saved.name != options.network:
        raise ConfigError(f"{options.start} holds a network '{saved.name}', not '{options.network}'; write network: {saved.name}")
    shown = saved.options | options.set
    if options.tuning == "top":
        stages = [name for name in trained.freeze_points() if name.startswith("stage")]
        if options.below is None and len(stages) < 2:
            raise ConfigError(
                f"'{saved.name}' has no stage but the last; say with below which part is the last that does not learn"
            )
        shown["freeze"] = options.below or stages[-2]
    network = create_network(saved.name, len(saved.classes), options.frames, side, **shown)
    network.load_state_dict(trained.state_dict())
    return network
