"""Calls of HTTP endpoints: JSON in and out, a deadline, retries with growing pauses, and failures that are counted apart."""

from __future__ import annotations

import importlib.util
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reverie.documents import read_json
from reverie.errors import ConfigError, DataError, RunError, short
from reverie.redteam.messages import Reply
from reverie.redteam.models.config import Remote

if TYPE_CHECKING:
    import httpx

LARGEST = 1 << 20
"""Bytes of an answer; detectors read a larger one for minutes."""
LOCAL = ("localhost", "127.0.0.1", "::1")
REFUSED = {401: "refuses the key", 403: "refuses the key", 404: "has nothing there", 405: "takes no POST there"}
"""What no retry would mend."""
NOBODY, SILENT = "no connection", "timeout"
MALFORMED, TOO_LARGE = "malformed", "too large"
_NAME, _VALUE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"), re.compile(r"[\x20-\x7e\t]*")
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
        self.headers = _filled(config, headers or {})
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
        failures = {reply.failure for reply in replies}
        if failures and failures <= {NOBODY} and self.answered:
            raise RunError(f"nothing answers at {self.url} any more ({NOBODY}); start the endpoint and run again, which goes on")
        if failures and failures <= {NOBODY, SILENT} and not self.answered:
            raise RunError(
                f"nothing answers at {self.url} ({replies[0].failure}); start the endpoint, or correct 'url' or 'timeout'"
            )
        return replies

    def _reply(self, client: httpx.Client, body: Any, read: Reader) -> Reply:
        """Send one body, again where that could help."""
        reply, asked = Reply("", failure=NOBODY), 0.0
        for attempt in range(1 + self.config.retries):
            if attempt:
                time.sleep(max(self.config.backoff * 2 ** (attempt - 1), min(asked, self.config.timeout)))
            reply, asked = self._once(client, body, read)
            if not reply.failure or not _passes_by(reply.failure):
                break
        return reply

    def _once(self, client: httpx.Client, body: Any, read: Reader) -> tuple[Reply, float]:
        """Send one body once, and return the reply and the seconds that the endpoint asks to wait before the next one."""
        import httpx

        try:
            status, data, asked = self._post(client, body)
        except httpx.TimeoutException:
            return Reply("", failure=SILENT), 0.0
        except httpx.ConnectError:
            return Reply("", failure=NOBODY), 0.0
        except httpx.HTTPError:
            return Reply("", failure="broken off"), 0.0
        if status in REFUSED:
            raise RunError(f"{self.url} {REFUSED[status]} (HTTP {status}); correct 'url' or what 'key_env' names")
        if status != 200:
            return Reply("", failure=f"http {status}"), asked
        if data is None:
            return Reply("", failure=TOO_LARGE), 0.0
        try:
            return read(read_json(self.url, data)), 0.0
        except (DataError, LookupError, TypeError, ValueError):
            return Reply("", failure=MALFORMED), 0.0

    def _post(self, client: httpx.Client, body: Any) -> tuple[int, bytes | None, float]:
        """Return the status, what came back within the deadline (None where it is too large), and the pause that is asked for."""
        import httpx

        deadline, data = time.monotonic() + self.config.timeout, bytearray()
        with client.stream("POST", self.url, json=body) as answer:
            asked = pause(answer.headers.get("retry-after", ""))
            for part in answer.iter_bytes():
                data += part
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the answer came too slowly")
                if len(data) > LARGEST:
                    return answer.status_code, None, asked
        return answer.status_code, bytes(data), asked


def pause(header: str) -> float:
    """Return the seconds of a header ``Retry-After``; a date counts as none."""
    return float(header) if header.isascii() and header.isdecimal() else 0.0


def _filled(config: Remote, headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers with the key in them; those with a slot for a key are left out where there is none."""
    key = _key(config)
    found = {name: value.replace("{key}", key) for name, value in headers.items() if key or "{key}" not in value}
    for name, value in found.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):  # the value may be a key, so it is not shown
            where = f"what 'key_env' names ({config.key_env})" if key and key in value else "'headers'"
            raise ConfigError(f"header {short(repr(name))} cannot be sent, it is not printable ASCII; correct {where}")
    return found


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
