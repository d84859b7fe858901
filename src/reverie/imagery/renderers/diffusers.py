"""Pictures by a text-to-image pipeline of the package diffusers, from a folder or the model hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reverie.errors import ConfigError, RunError, short
from reverie.imagery.records import Credit
from reverie.imagery.renderers.config import DiffusersConfig
from reverie.imagery.renderers.pictures import encoded
from reverie.imagery.roles import Rendered, Scene
from reverie.seeds import torch_generator


class Diffusers:
    """Renders with a pipeline, one scene at a time so that its neighbours change nothing.

    Parameters
    ----------
    pipeline : diffusers pipeline
        Called with ``prompt``, ``negative_prompt``, ``generator``, ``num_inference_steps`` and ``guidance_scale``.
    config : DiffusersConfig
    """

    name = "diffusers"

    def __init__(self, pipeline: Any, config: DiffusersConfig) -> None:
        self._pipeline, self.config = pipeline, config

    def render(self, scenes: Sequence[Scene]) -> list[Rendered]:
        """Return a picture of each scene."""
        return [self._render(scene) for scene in scenes]

    def _render(self, scene: Scene) -> Rendered:
        try:
            pictures = self._pipeline(
                prompt=scene.prompt.text,
                negative_prompt=scene.prompt.negative or None,
                generator=torch_generator(scene.seed, "diffusers"),
                num_inference_steps=self.config.steps,
                guidance_scale=self.config.guidance,
            ).images
        except (RuntimeError, ValueError, TypeError) as error:
            raise RunError(
                f"the pipeline {self.config.folder} failed ({short(str(error), 160)}); is it a text-to-image pipeline?"
            ) from error
        if not pictures:
            raise RunError(f"the pipeline {self.config.folder} gave no picture; is it a text-to-image pipeline?")
        credit = Credit(what="picture", author=self.config.folder, licence=self.config.licence)
        return Rendered(encoded(pictures[0].convert("RGB"), scene.size), None, (credit,))


def create(config: DiffusersConfig) -> Diffusers:
    """Load the pipeline of the options.

    Raises
    ------
    ConfigError
        If the package is missing, or there is no pipeline of that name.
    """
    try:
        from diffusers import DiffusionPipeline
    except ImportError as error:
        raise ConfigError("renderer 'diffusers' needs the package diffusers; run pip install diffusers") from error
    where = Path(config.folder)
    if where.exists() and not (where / "model_index.json").is_file():
        raise ConfigError(f"{where} holds no pipeline (no model_index.json); name a folder that diffusers has saved")
    try:
        pipeline = DiffusionPipeline.from_pretrained(config.folder, use_safetensors=True)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"cannot load the pipeline '{config.folder}' ({short(str(error), 160)}); name a folder or a model of the hub"
        ) from error
    if hasattr(pipeline, "set_progress_bar_config"):
        pipeline.set_progress_bar_config(disable=True)
    return Diffusers(pipeline, config)
