from __future__ import annotations

import io
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reverie.errors import ConfigError, RunError
from reverie.imagery.renderers.config import CollageConfig, DiffusersConfig, EndpointConfig
from reverie.imagery.renderers.create import create_renderer, renderer_config
from reverie.imagery.renderers.credits import with_texts
from reverie.imagery.renderers.diffusers import Diffusers


def test_short_forms() -> None:
    assert renderer_config("collage") == CollageConfig()
    assert renderer_config("diffusers:a/b") == DiffusersConfig(folder="a/b")
    assert renderer_config("endpoint:http://h:1/v1") == EndpointConfig(url="http://h:1/v1")
    assert renderer_config({"kind": "collage", "caption": True}) == CollageConfig(caption=True)
    assert create_renderer("none") is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("colage", "did you mean 'collage'"),
        ("collage:x", "takes nothing after a colon"),
        ("endpoint", "write endpoint:URL"),
        ("endpoint:ftp://x", "url"),
        ({"kind": "diffusers", "folder": "x", "step": 3}, "did you mean 'steps'"),
    ],
)
def test_what_cannot_be_meant(value: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        renderer_config(value)


def test_a_folder_without_a_pipeline(tmp_path: Path) -> None:
    said = "pip install diffusers" if find_spec("diffusers") is None else "no model_index"
    with pytest.raises(ConfigError, match=said):
        create_renderer(f"diffusers:{tmp_path}")


class Noise:
    """Stands for a pipeline of another package: noise by its generator."""

    def __init__(self, n: int = 1) -> None:
        self.n = n

    def __call__(self, prompt: str, generator: Any, **more: Any) -> Any:
        import torch

        if prompt == "fail":
            raise RuntimeError("out of memory")
        grey = (torch.rand(24, 32, generator=generator) * 255).byte().numpy()
        self.images = [Image.fromarray(grey)] * self.n
        return self


def test_a_pipeline_is_asked_with_the_seed_of_the_scene(tiny: SimpleNamespace) -> None:
    renderer = Diffusers(Noise(), DiffusersConfig(folder="x"))
    one, other, again = renderer.render([tiny.scene(text="a", seed=1), tiny.scene(text="a", seed=2), tiny.scene(text="b", seed=1)])
    assert one.png == again.png != other.png
    assert Image.open(io.BytesIO(one.png)).size == (96, 96)
    with pytest.raises(RunError, match="out of memory"):
        renderer.render([tiny.scene(text="fail")])
    with pytest.raises(RunError, match="no picture"):
        Diffusers(Noise(0), DiffusersConfig(folder="x")).render([tiny.scene(text="a")])


def test_texts_leave_the_pixels_alone() -> None:
    out = io.BytesIO()
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(out, "PNG")
    marked = with_texts(out.getvalue(), {"Copyright": "Ångström & Söhne", "Software": "x"})
    with Image.open(io.BytesIO(marked)) as picture, Image.open(out) as plain:
        assert picture.text == {"Copyright": "Ångström & Söhne", "Software": "x"}
        assert picture.tobytes() == plain.tobytes()
    with pytest.raises(ValueError, match="not a PNG"):
        with_texts(b"GIF89a", {})
