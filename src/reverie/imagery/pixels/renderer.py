"""The renderer `pixels`: draws a prompt small with a trained model, and enlarges it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reverie.imagery.pixels.captions import COLOURS, caption_words
from reverie.imagery.pixels.config import PixelsRendererConfig
from reverie.imagery.pixels.saved import load_pixels
from reverie.imagery.renderers.credits import png_texts, with_texts
from reverie.imagery.roles import Rendered, Scene

if TYPE_CHECKING:
    from torch import Tensor


class PixelsRenderer:
    """Draws scenes one by one, so that a picture never depends on what stands beside it.

    Parameters
    ----------
    config : PixelsRendererConfig
        Where the trained model is, and how it draws.

    Raises
    ------
    RunError
        If there is no trained model.
    """

    name = "pixels"

    def __init__(self, config: PixelsRendererConfig) -> None:
        self.config = config
        self._model, self._saved = load_pixels(config.run)

    def render(self, scenes: Sequence[Scene]) -> list[Rendered]:
        """Return a picture of each scene."""
        return [self._render(scene) for scene in scenes]

    def _render(self, scene: Scene) -> Rendered:
        caption = scene.prompt.text if self.config.caption == "prompt" else scene_caption(scene)
        pixels = self._model.draw([caption], [scene.seed], self.config.drawing)[0]
        return Rendered(self._encoded(pixels, scene.size), credits=self._saved.credits)

    def _encoded(self, pixels: Tensor, size: int) -> bytes:
        """Return a small picture as a larger PNG that names whose icons were learned; pixels [3, S, S] uint8."""
        from PIL import Image

        way = Image.Resampling.BICUBIC if self.config.enlarge == "smooth" else Image.Resampling.NEAREST
        out = io.BytesIO()
        Image.fromarray(pixels.permute(1, 2, 0).numpy()).resize((size, size), way).save(out, "PNG")
        return with_texts(out.getvalue(), png_texts(self._saved.credits, "Reverie"))


def scene_caption(scene: Scene) -> str:
    """Return a scene as the model's captions put it: the main object, what stands before it, the colours of the form.

    Without objects it is the prompt.
    """
    phrases = [one.phrase for one in scene.objects.objects[:2]]
    if not phrases:
        return scene.prompt.text
    said = " ".join(text for pattern in scene.form.patterns for text in pattern.slots.values())
    colours = [word for word in caption_words(said) if word in COLOURS][:2]
    return " ".join([" behind ".join(phrases), *colours, *["background"] * bool(colours)])


def create(config: PixelsRendererConfig) -> PixelsRenderer:
    """Return the renderer of options."""
    return PixelsRenderer(config)
