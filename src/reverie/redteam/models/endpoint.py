"""Calls of HTTP endpoints: JSON in and out, a deadline, retries with growing pauses, and failures that are counted apart."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reverie.documents import read_json
from reverie.errors import ConfigError, DataError, RunError
from reverie.redteam.messages import Reply
from reverie.redteam.models.config import Remote

if TYPE_CHECKING:
    import httpx

LARGEST = 1 << 24
"""Bytes of an answer."""
LOCAL = ("localhost", "127.0.0.1", "::1")
REFUSED = {401: "refuses the key", 403: "refuses the key", 404: "has nothing there", 405: "takes no POST there"}
"""What no retry would mend."""
NOBODY, SILENT = "no connection", "timeout"
MALFORMED = "malformed"
Reader = Callable[[Any], Reply]
"""Reads the JSON that came back; a `LookupError`, `TypeError` or `ValueError` means that it is not what was expected."""


class Endpoint:
    """An address that takes and gives JSON.

    Parameters
    ----------
    config : Remote
    path : str
        Behind the address.
    headers : mapping
        More headers; ``{key}`` stands for the key.
    """

    def __init__(self, config: Remote, path: str = "", headers: Mapping[str, str] | None = None) -> None:
        if importlib.util.find_spec("httpx") is None:
            raise ConfigError("endpoints need the package httpx; run: pip install 'reverie[redteam]'")
        import httpx

        self.config, self.url = config, config.url.rstrip("/") + path
        key = _key(config)
        self.headers = {name: value.replace("{key}", key) for name, value in (headers or {}).items() if key or "{key}" not in value}
        try:
            self.by_proxy = urlsplit(self.url).hostname not in LOCAL
            httpx.URL(self.url)
        except (ValueError, httpx.InvalidURL) as error:
            raise ConfigError(
                f"option 'url': {config.url} is no address ({error}); write it like http://127.0.0.1:8000/v1"
            ) from error
        self.answered = 0

    @property
    def place(self) -> str:
        """Host and port, for names."""
        return urlsplit(self.url).netloc

    def replies(self, bodies: Sequence[Any], read: Reader) -> list[Reply]:
        """Send each body and read what comes back, a few at a time; the order is that of the bodies."""
        import httpx

        config = self.config
        client = httpx.Client(timeout=config.timeout, headers=self.headers, trust_env=self.by_proxy)
        with client, ThreadPoolExecutor(config.parallel) as pool:
            replies = list(pool.map(lambda body: self._reply(client, body, read), bodies))
        self.answered += sum(not reply.failure for reply in replies)
        if bodies and not self.answered and all(reply.failure in (NOBODY, SILENT) for reply in replies):
            raise RunError(
                f"nothing answers at {self.url} ({replies[0].failure}); start the endpoint, or correct 'url' or 'timeout'"
            )
        return replies

    def _reply(self, client: httpx.Client, body: Any, read: Reader) -> Reply:
        """Send one body, again where that could help."""
        reply = Reply("", failure=NOBODY)
        for attempt in range(1 + self.config.retries):
            if attempt:
                time.sleep(self.config.backoff * 2 ** (attempt - 1))
            reply = self._once(client, body, read)
            if not reply.failure or not _passes_by(reply.failure):
                break
        return reply

    def _once(self, client: httpx.Client, body: Any, read: Reader) -> Reply:
        import httpx

        try:
            status, data = self._post(client, body)
        except httpx.TimeoutException:
            return Reply("", failure=SILENT)
        except httpx.ConnectError:
            return Reply("", failure=NOBODY)
        except httpx.HTTPError:
            return Reply("", failure="broken off")
        if status in REFUSED:
            raise RunError(f"{self.url} {REFUSED[status]} (HTTP {status}); correct 'url' or what 'key_env' names")
        if status != 200:
            return Reply("", failure=f"http {status}")
        try:
            return read(read_json(self.url, data))
        except (DataError, LookupError, TypeError, ValueError):
            return Reply("", failure=MALFORMED)

    def _post(self, client: httpx.Client, body: Any) -> tuple[int, bytes]:
        """Return the status and what came back, within the deadline and the largest size."""
        import httpx

        deadline, data = time.monotonic() + self.config.timeout, bytearray()
        with client.stream("POST", self.url, json=body) as answer:
            for part in answer.iter_bytes():
                data += part
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the answer came too slowly")
                if len(data) > LARGEST:
                    return answer.status_code, b""
        return answer.status_code, bytes(data)


def _key(config: Remote) -> str:
    """Return the key, or nothing where none is named."""
    if config.key_env is None:
        return ""
    key = os.environ.get(config.key_env, "")
    if not key:
        raise ConfigError(f"option 'key_env': the environment variable {config.key_env} is not set; put the key there")
    return key


def _passes_by(failure: str) -> bool:
    """Return whether the same call may go well later."""
    status = int(failure[5:]) if failure.startswith("http ") else 500
    return status >= 500 or status in (408, 409, 425, 429)
