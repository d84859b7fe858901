import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from reverie.imagery.pixels.config import DrawingConfig, PixelsConfig, PixelsRendererConfig
from reverie.imagery.pixels.model import PixelModel
from reverie.imagery.pixels.renderer import PixelsRenderer, scene_caption
from reverie.imagery.pixels.saved import save_pixels
from reverie.imagery.records import Credit, DepictedObject, Form, FormPattern, ObjectSet, Prompt
from reverie.imagery.renderers.create import create_renderer
from reverie.imagery.roles import Scene
from reverie.seeds import seed_torch


@pytest.fixture
def run(tiny: PixelsConfig, tmp_path: Path) -> Path:
    seed_torch(0, "test")
    model = PixelModel(tiny, ("bird", "chain", "blue"))
    for weight in model.mean.parameters():
        weight.data += 0.2 * torch.randn_like(weight)
    save_pixels(model, tmp_path, ["noto"], [Credit(what="Noto icons", author="Somebody", licence="Apache-2.0")])
    return tmp_path


def scene(*phrases: str, seed: int = 1, palette: str | None = None) -> Scene:
    objects = ObjectSet(objects=tuple(DepictedObject(phrase=phrase) for phrase in phrases))
    pattern = FormPattern(id="0" * 12, text="t", slots={"palette": palette or "", "light": "dark evening"}, source="test")
    form = Form(patterns=(pattern,) if palette else ())
    return Scene(Prompt(text="a bird over the sea"), objects, form, seed, 48)


def test_pictures_have_the_size_that_was_asked_for_and_name_whose_icons_were_learned(run: Path) -> None:
    renderer = create_renderer({"kind": "pixels", "run": str(run), "drawing": {"steps": 2}})
    assert renderer is not None
    assert renderer.name == "pixels"
    scenes = [scene("bird", "chain"), scene("bird", "chain", seed=2), scene()]
    pictures = renderer.render(scenes)
    assert renderer.render(scenes[1:]) == pictures[1:]
    assert pictures[0].png != pictures[1].png
    assert pictures[0].credits[0].licence == "Apache-2.0"
    assert pictures[0].svg is None
    assert pictures[0].shown == ()
    with Image.open(io.BytesIO(pictures[0].png)) as opened:
        assert opened.size == (48, 48)
        assert "Somebody" in opened.info["Copyright"]


def test_enlarged_pixels_are_squares(run: Path) -> None:
    config = PixelsRendererConfig(run=str(run), enlarge="pixels", drawing=DrawingConfig(steps=2))
    with Image.open(io.BytesIO(PixelsRenderer(config).render([scene("bird")])[0].png)) as opened:
        squares = np.asarray(opened).reshape(16, 3, 16, 3, 3)
    assert (squares == squares[:, :1, :, :1]).all()


def test_scenes_are_put_as_the_captions_that_were_learned() -> None:
    assert scene_caption(scene()) == "a bird over the sea"
    assert scene_caption(scene("bird", "chain", "key")) == "bird behind chain"
    assert scene_caption(scene("bird", palette="deep blue and teal")) == "bird blue teal background"
