"""VideoMAE, TimeSformer and CLIP from a folder in the Hugging Face layout, as networks of this room.

.. [1] Tong et al. (2022), VideoMAE, arXiv 2203.12602; its positions are fixed sines.
.. [2] Bertasius, Wang and Torresani (2021), TimeSformer, arXiv 2102.05095; its time embeddings are learned.
.. [3] Radford et al. (2021), CLIP, arXiv 2103.00020; each frame is a picture, the head takes the mean over time.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.sources.packages import require_package
from reverie.errors import ConfigError, DataError, short
from reverie.video.networks.config import HubConfig
from reverie.video.networks.hub_files import ARCHITECTURES, HubFolder, read_hub_folder
from reverie.video.networks.network import ClipNetwork

_SHOWN = 4
"""Names of weights that a sentence lists."""


class Hub(ClipNetwork):
    """Encoder of Hugging Face with a new head; T' is T, or half of it, rounded up, for VideoMAE; positions interpolate.

    Clips are resized to the pictures that the encoder was taught with, unless the options say that positions interpolate instead.
    """

    positions: Tensor

    def __init__(self, config: HubConfig, classes: int, frames: int, size: int) -> None:
        about = read_hub_folder(config.folder)
        body = _load(about)
        width = int(body.config.hidden_size)
        super().__init__(config, classes, width, frames, size, about.normalisation)
        if config.tokens == "class" and about.kind == "videomae":
            raise ConfigError(f"{config.folder} holds VideoMAE, which has no class token; leave out tokens=class")
        self.body, self.kind, self.tokens = body, about.kind, config.tokens
        self.side = (about.side or int(body.config.image_size)) if config.resize else None
        self.patch, self.tube = int(body.config.patch_size), int(getattr(body.config, "tubelet_size", 1))
        self.made_for = (int(getattr(body.config, "num_frames", 1)), int(body.config.image_size))
        if self.kind == "videomae":
            self.register_buffer("positions", body.embeddings.position_embeddings.clone(), persistent=False)
        if self.kind == "timesformer" and hasattr(body.embeddings, "time_embeddings"):
            table = body.embeddings.time_embeddings
            body.embeddings.time_embeddings = nn.Parameter(interpolated(table.detach(), (table.shape[1],), (frames,)))
            body.config.num_frames = frames
        self.settle()

    def freeze_points(self) -> dict[str, nn.Module]:
        """Return the embeddings as ``stem``, and the layers as ``stage1`` and so on."""
        layers = self.body.encoder.layers if self.kind == "clip" else self.body.encoder.layer
        return {"stem": self.body.embeddings, **{f"stage{at}": layer for at, layer in enumerate(layers, 1)}}

    def feature_map(self, clips: Tensor) -> Tensor:
        """Return features of clips [B, T, 3, H, W] → [B, T', C, H', W']."""
        x, batch = self.normalised(clips), len(clips)
        if self.side is not None and self.side != x.shape[3]:
            small = F.interpolate(x.flatten(0, 1), size=(self.side, self.side), mode="bilinear", antialias=True)
            x = small.view(batch, -1, *small.shape[1:])
        if spare := -x.shape[1] % self.tube:
            x = torch.cat([x, x[:, -1:].expand(-1, spare, -1, -1, -1)], 1)
        grid = (x.shape[1] // self.tube, x.shape[3] // self.patch, x.shape[4] // self.patch)
        if 0 in grid:
            raise ConfigError(f"{ARCHITECTURES[self.kind]} needs frames of at least {self.patch} pixels; prepare them larger")
        tokens = self._tokens(x, grid)
        if self.kind == "videomae":
            return tokens.view(batch, *grid, -1).permute(0, 1, 4, 2, 3)
        if self.kind == "clip" or self.body.config.attention_type == "space_only":
            frames = tokens.view(batch, grid[0], *tokens.shape[1:])
            if self.tokens == "class":
                return frames[:, :, 0, :, None, None]
            return frames[:, :, 1:].reshape(batch, *grid, -1).permute(0, 1, 4, 2, 3)
        if self.tokens == "class":
            return tokens[:, :1, :, None, None]
        return tokens[:, 1:].view(batch, grid[1], grid[2], grid[0], -1).permute(0, 3, 4, 1, 2)  # time runs fastest

    def _tokens(self, x: Tensor, grid: tuple[int, int, int]) -> Tensor:
        """Return the last states of normalised clips, as the encoder orders them."""
        if self.kind == "clip":
            found = self.body(x.flatten(0, 1), interpolate_pos_encoding=True)
            states: Tensor = self.body.post_layernorm(found.last_hidden_state)
            return states
        embeddings = self.body.embeddings
        if self.kind == "videomae":
            frames, side = self.made_for
            places = side // self.patch
            embeddings.position_embeddings = interpolated(self.positions, (frames // self.tube, places, places), grid)
            embeddings.patch_embeddings.image_size = tuple(x.shape[3:])
        self.body.config.num_frames, self.body.config.image_size = x.shape[1], x.shape[3]  # what its layers look at
        last: Tensor = self.body(x).last_hidden_state
        return last


def interpolated(table: Tensor, grid: Sequence[int], wanted: Sequence[int]) -> Tensor:
    """Return positions [1, places of a grid, D] for a grid of other lengths, linearly."""
    if tuple(grid) == tuple(wanted):
        return table
    volume = table.mT.reshape(1, -1, *grid)
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(grid)]
    return F.interpolate(volume, size=tuple(wanted), mode=mode, align_corners=False).flatten(2).mT


def _load(about: HubFolder) -> Any:
    """Return the encoder; a weight that is missing is refused, those that nothing takes are told."""
    require_package("transformers", f"the encoder in {about.folder}", "video")
    import transformers

    names = {"videomae": "VideoMAEModel", "timesformer": "TimesformerModel", "clip": "CLIPVisionModel"}
    kind: Any = getattr(transformers, names[about.kind])
    before = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    try:
        model, info = kind.from_pretrained(
            about.folder, local_files_only=True, use_safetensors=True, output_loading_info=True, dtype=torch.float32
        )
    except (OSError, ValueError, RuntimeError, TypeError, KeyError) as error:
        raise DataError(
            f"{about.folder} cannot be loaded as {ARCHITECTURES[about.kind]} ({short(str(error))}); copy it again"
        ) from error
    finally:
        transformers.logging.set_verbosity(before)
    missing, unexpected = sorted(info["missing_keys"]), sorted(info["unexpected_keys"])
    wrong = [one[0] if isinstance(one, tuple) else str(one) for one in info.get("mismatched_keys", ())]
    if missing or wrong:
        what = f"lacks {_listed(missing)}" if missing else f"has other sizes in {_listed(wrong)}"
        raise DataError(f"{about.folder} {what}, so it is no whole {ARCHITECTURES[about.kind]}; copy the weights again")
    if unexpected:
        warnings.warn(f"{about.folder}: nothing here takes {_listed(unexpected)}", stacklevel=4)
    body = getattr(model, "vision_model", model)
    return body


def _listed(names: list[str]) -> str:
    """Return how many weights these are, and the first of them."""
    more = ", …" if len(names) > _SHOWN else ""
    return f"{len(names)} weight{'s' if len(names) > 1 else ''} ({', '.join(names[:_SHOWN])}{more})"
