"""Pictures from a server that speaks as OpenAI's images endpoint does."""

from __future__ import annotations

import base64
import binascii
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reverie.errors import ConfigError, RunError, short
from reverie.imagery.records import Credit
from reverie.imagery.renderers.config import EndpointConfig
from reverie.imagery.renderers.pictures import as_png
from reverie.imagery.roles import Rendered, Scene

if TYPE_CHECKING:
    import httpx

_PATH = "/v1/images/generations"
LARGEST = 64 << 20
"""Bytes of one answer."""
_AGAIN = frozenset({408, 409, 429, 500, 502, 503, 504})
LONGEST_WAIT = 30.0
"""Seconds between two attempts, whatever the server asks for."""


class Endpoint:
    """Asks a server for one picture after another.

    Parameters
    ----------
    config : EndpointConfig
    """

    name = "endpoint"

    def __init__(self, config: EndpointConfig) -> None:
        self.config = config
        base = config.url.rstrip("/")
        self.url = base if base.endswith("/generations") else base.removesuffix("/v1") + _PATH

    def render(self, scenes: Sequence[Scene]) -> list[Rendered]:
        """Return a picture of each scene; the server's own randomness is its own."""
        import httpx

        key = os.environ.get(self.config.key_variable, "")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        with httpx.Client(timeout=self.config.timeout_s, headers=headers) as client:
            return [self._render(client, scene) for scene in scenes]

    def _render(self, client: httpx.Client, scene: Scene) -> Rendered:
        size = f"{scene.size}x{scene.size}"
        asked: dict[str, Any] = {
            "prompt": scene.prompt.text,
            "n": 1,
            "size": size,
            "response_format": "b64_json",
            "seed": scene.seed,
        }
        if scene.prompt.negative:
            asked["negative_prompt"] = scene.prompt.negative
        if self.config.model:
            asked["model"] = self.config.model
        answer = self._json(self._ask(client, "POST", self.url, json=asked))
        data = answer.get("data") if isinstance(answer, dict) else None
        first = data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else {}
        if isinstance(first.get("b64_json"), str):
            try:
                raw = base64.b64decode(first["b64_json"], validate=True)
            except (binascii.Error, ValueError) as error:
                raise RunError(f"{self.url}: its picture is not valid base64; is it an images endpoint?") from error
        elif isinstance(first.get("url"), str):
            raw = self._fetch(client, first["url"])
        else:
            raise RunError(f"{self.url} answered without a picture; it must be an images endpoint that returns b64_json or url")
        png = as_png(raw, scene.size, self.url)
        return Rendered(
            png,
            None,
            (Credit(what="picture", author=self.config.model or self.url, licence="see the terms of the service", url=self.url),),
        )

    def _fetch(self, client: httpx.Client, url: str) -> bytes:
        """Return a picture that the server keeps under an address; no other server is asked for it."""
        if urlsplit(url)[:2] != urlsplit(self.url)[:2]:
            raise RunError(f"{self.url} points to a picture on another server ({short(url)}); ask it for b64_json")
        return self._ask(client, "GET", url)

    def _ask(self, client: httpx.Client, method: str, url: str, **more: Any) -> bytes:
        """Return the body of an answer, asking again while the server is busy or does not answer."""
        import httpx

        for attempt in range(self.config.retries + 1):
            wait = min(2.0**attempt * 0.5, LONGEST_WAIT)
            last = attempt == self.config.retries
            try:
                with client.stream(method, url, **more) as answer:
                    if answer.status_code in _AGAIN and not last:
                        asked = answer.headers.get("retry-after", "")
                        wait = min(float(asked), LONGEST_WAIT) if asked.isdigit() else wait
                    else:
                        return _body(answer, url)
            except httpx.HTTPError as error:
                if last:
                    what = f"{type(error).__name__}: {short(str(error))}" if str(error) else type(error).__name__
                    raise RunError(f"{url} does not answer ({what}); start the server or correct the address") from error
            except httpx.InvalidURL as error:
                raise ConfigError(f"'{short(url)}' is not an address ({error}); write http://host:port") from error
            time.sleep(wait)
        raise AssertionError("unreachable")

    def _json(self, body: bytes) -> Any:
        import json

        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise RunError(
                f"{self.url} answered something that is not JSON ({short(repr(body[:80]))}); is it an images endpoint?"
            ) from error


def _body(answer: httpx.Response, url: str) -> bytes:
    """Return the body of an answer within `LARGEST`; another status than success is an error that quotes it."""
    parts, size = [], 0
    for part in answer.iter_bytes():
        size += len(part)
        if size > LARGEST:
            raise RunError(f"{url} sent more than {LARGEST >> 20} MB; is it an images endpoint?")
        parts.append(part)
    body = b"".join(parts)
    if answer.status_code != 200:
        said = short(body[:300].decode("utf-8", "replace").strip(), 160)
        todo = (
            "set the key's environment variable"
            if answer.status_code in (401, 403)
            else "check the address, the model and the prompt"
        )
        raise RunError(f"{url} refused with status {answer.status_code}{f' ({said})' if said else ''}; {todo}")
    return body


def create(config: EndpointConfig) -> Endpoint:
    """Return the renderer of its options; httpx must be installed."""
    from importlib.util import find_spec

    if find_spec("httpx") is None:
        raise ConfigError('an images endpoint needs httpx; run pip install "reverie[redteam]"')
    return Endpoint(config)
