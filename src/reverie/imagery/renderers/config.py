"""What can be said of a renderer, readable without loading one."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reverie.options import Options


class CollageConfig(Options):
    """A composed picture from icons."""

    kind: Literal["collage"] = "collage"
    icons: str = "openmoji"
    """Icon set: openmoji, noto, twemoji or fluent-emoji-flat."""
    caption: bool = False
    """Whether the credit also stands in small type on the picture."""


class DiffusersConfig(Options):
    """A text-to-image pipeline of the package diffusers."""

    kind: Literal["diffusers"] = "diffusers"
    folder: str
    """Folder of the pipeline, or its name on the model hub."""
    steps: int = Field(default=30, ge=1, le=1000)
    """Denoising steps."""
    guidance: float = Field(default=7.5, ge=0, le=100)
    """Scale of classifier-free guidance."""
    licence: str = "see the model's card"
    """Of the weights, for the credit."""


class EndpointConfig(Options):
    """An images endpoint that speaks as OpenAI's ``/v1/images/generations`` does."""

    kind: Literal["endpoint"] = "endpoint"
    url: str = Field(pattern=r"^https?://")
    """Address of the server, with or without ``/v1/images/generations``."""
    model: str | None = None
    """Name of the model, where the server wants one."""
    key_variable: str = "OPENAI_API_KEY"
    """Environment variable that holds the key; it is never stored."""
    timeout_s: float = Field(default=120, gt=0, le=3600)
    """Seconds that one answer may take."""
    retries: int = Field(default=3, ge=0, le=10)
    """Further attempts after a busy or failing server."""
