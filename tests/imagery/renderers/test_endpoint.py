from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from reverie.errors import RunError
from reverie.imagery.renderers.config import EndpointConfig
from reverie.imagery.renderers.endpoint import Endpoint

pytest.importorskip("httpx")


def jpeg(width: int = 40, height: int = 20) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 30)).save(out, "JPEG")
    return out.getvalue()


class Server(ThreadingHTTPServer):
    """Answers by what the prompt asks for and remembers what it was asked."""

    daemon_threads = True
    asked: list[dict[str, Any]]
    keys: list[str | None]

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: Any) -> None:
        return

    def send(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.send(jpeg())

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked)
        self.server.keys.append(self.headers.get("Authorization"))
        prompt = asked["prompt"]
        if prompt == "busy" and len(self.server.asked) == 1:
            return self.send(b"wait", 503, Retry_After="0")
        if prompt in ("401", "500"):
            return self.send(b"no\nway", int(prompt), Retry_After="0")
        first: Any = {
            "url": {"url": f"{self.server.base}/picture"},
            "far": {"url": "http://example.invalid/picture"},
            "broken": {"b64_json": "@@"},
            "text": {"b64_json": base64.b64encode(b"hello").decode()},
            "nothing": {"revised_prompt": "x"},
        }.get(prompt, {"b64_json": base64.b64encode(jpeg()).decode()})
        self.send(b"<html>" if prompt == "html" else json.dumps([] if prompt == "list" else {"data": [first]}).encode())
        return None


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    server.asked, server.keys = [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("prompt", ["plain", "url", "busy"])
def test_pictures_come_back(server: Server, prompt: str, monkeypatch: pytest.MonkeyPatch, tiny: SimpleNamespace) -> None:
    monkeypatch.setenv("PICTURE_KEY", "abc")
    config = EndpointConfig(url=f"{server.base}/v1", model="m", key_variable="PICTURE_KEY", timeout_s=10)
    made = Endpoint(config).render([tiny.scene(text=prompt, seed=5)])[0]
    with Image.open(io.BytesIO(made.png)) as picture:
        assert (picture.format, picture.size) == ("PNG", (96, 96))
    asked = server.asked[-1]
    assert (asked["prompt"], asked["model"], asked["size"], asked["seed"]) == (prompt, "m", "96x96", 5)
    assert "negative_prompt" not in asked
    assert server.keys[-1] == "Bearer abc"
    assert "abc" not in config.model_dump_json()


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("401", "refused with status 401 .*set the key"),
        ("500", "refused with status 500"),
        ("far", "another server"),
        ("broken", "not valid base64"),
        ("text", "no PNG, JPEG or WebP"),
        ("nothing", "without a picture"),
        ("list", "without a picture"),
        ("html", "not JSON"),
    ],
)
def test_nonsense_is_one_sentence(server: Server, prompt: str, said: str, tiny: SimpleNamespace) -> None:
    with pytest.raises(RunError, match=said) as caught:
        Endpoint(EndpointConfig(url=server.base, retries=1, timeout_s=10)).render([tiny.scene(text=prompt)])
    assert "\n" not in str(caught.value)


def test_nobody_there(tiny: SimpleNamespace) -> None:
    with pytest.raises(RunError, match="does not answer"):
        Endpoint(EndpointConfig(url="http://127.0.0.1:9", retries=0, timeout_s=5)).render([tiny.scene(text="x")])
