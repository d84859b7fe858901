"""Renderers by their options, loaded when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from reverie.errors import ConfigError
from reverie.imagery.roles import Renderer
from reverie.options import Options, checked
from reverie.registry import Entry, Registry, load_object

_HERE = "reverie.imagery.renderers"
RENDERERS = Registry(
    "renderer",
    {
        "collage": Entry(f"{_HERE}.collage.render:create", f"{_HERE}.config:CollageConfig", "composed from openly licensed icons"),
        "diffusers": Entry(f"{_HERE}.diffusers:create", f"{_HERE}.config:DiffusersConfig", "a pipeline of the package diffusers"),
        "pixels": Entry(
            "reverie.imagery.pixels.renderer:create",
            "reverie.imagery.pixels.config:PixelsRendererConfig",
            "a small model trained here",
        ),
        "endpoint": Entry(
            f"{_HERE}.endpoint:create", f"{_HERE}.config:EndpointConfig", "a server that speaks as OpenAI's images do"
        ),
    },
    "reverie.renderers",
)
"""Each entry's ``build`` takes the options and returns a `Renderer`."""
_WHERE = {"diffusers": "folder", "endpoint": "url", "pixels": "run"}
"""Option that stands after the colon in short form."""


def renderer_config(value: str | Mapping[str, Any] | Options) -> Options | None:
    """Read a renderer's options.

    Parameters
    ----------
    value : str or mapping or Options
        ``collage``, ``diffusers:FOLDER``, ``endpoint:URL``, ``pixels:RUN``, ``none``; or a mapping with ``kind`` and options.

    Returns
    -------
    Options or None
        None for ``none``.

    Raises
    ------
    ConfigError
        If the kind or an option is not known.
    """
    if isinstance(value, Options):
        return value
    if isinstance(value, str):
        kind, _, rest = value.partition(":")
        options: dict[str, Any] = {}
        if rest and kind not in _WHERE:
            raise ConfigError(f"renderer '{kind}' takes nothing after a colon; write {kind} alone")
        if rest:
            options[_WHERE[kind]] = rest
        elif kind in ("diffusers", "endpoint"):
            raise ConfigError(f"renderer '{kind}' needs its {_WHERE[kind]}; write {kind}:{_WHERE[kind].upper()}")
    else:
        options = {key: part for key, part in value.items() if key != "kind"}
        kind = str(value.get("kind", "collage"))
    if kind == "none":
        return None
    return cast("Options", checked(load_object(RENDERERS[kind].config), {**options, "kind": kind}, f"renderer {kind}"))


def create_renderer(config: str | Mapping[str, Any] | Options) -> Renderer | None:
    """Return the renderer of options or of their short form; None for ``none``."""
    options = renderer_config(config)
    if options is None:
        return None
    return cast("Renderer", load_object(RENDERERS[str(getattr(options, "kind", ""))].build)(options))
