from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any

import pytest

from reverie.errors import ConfigError, DataError, RunError
from reverie.redteam.messages import Conversation, Message
from reverie.redteam.models.create import create_chat_model
from reverie.redteam.models.endpoint import LARGEST, pause
from reverie.redteam.models.openai import read_completion

ASKED: Conversation = (Message("system", "Be brief."), Message("user", 'say "{system}" {seed}'))


class Server:
    """A small HTTP server on loopback that keeps what it was sent."""

    def __init__(self) -> None:
        self.answers: Callable[[int, Any], tuple[int, bytes]] = lambda number, body: (200, b"{}")
        self.calls: list[tuple[str, dict[str, str], Any]] = []
        self.headers: dict[str, str] = {}
        kept, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    kept.calls.append((self.path, dict(self.headers), body))
                    status, data = kept.answers(len(kept.calls), body)
                self.send_response(status)
                for name, value in kept.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.http.shutdown()
    thread.join()
    made.http.server_close()


def openai(server: Server, **options: Any) -> Any:
    return create_chat_model({"kind": "openai", "url": server.url, "model": "small", "backoff": 0.0, **options})


def http(server: Server, template: Any, **options: Any) -> Any:
    return create_chat_model({"kind": "http", "url": server.url, "template": template, "backoff": 0.0, **options})


def completion(text: Any, **more: Any) -> bytes:
    return json.dumps({"choices": [{"message": {"content": text}}], **more}).encode()


def test_an_answer_of_an_endpoint_says_whether_it_was_cut() -> None:
    ended = [read_completion({"choices": [{"message": {"content": "1. Al"}, "finish_reason": why}]}) for why in ("length", "stop")]
    assert [reply.cut for reply in ended] == [True, False]


def test_an_openai_endpoint_is_asked_as_its_kind_is(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "abc")
    server.answers = lambda number, body: (200, completion(f" {body['seed']} ", usage={"completion_tokens": 7}))
    model = openai(server, key_env="SOME_KEY", temperature=0.5, parallel=2)
    replies = model.replies([ASKED] * 5, [1, 2, 3, 4, 5])
    assert [reply.text for reply in replies] == ["1", "2", "3", "4", "5"]
    assert replies[0].n_tokens == 7
    path, headers, body = server.calls[0]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == "Bearer abc"
    assert body | {"seed": 0} == {
        "model": "small", "temperature": 0.5, "top_p": 1.0, "max_tokens": 64, "seed": 0,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": ASKED[1].text}],
    }  # fmt: skip
    assert model.name == f"small@127.0.0.1:{server.http.server_port}"


def test_a_template_is_filled_and_what_was_filled_in_is_not_read_again(server: Server) -> None:
    server.answers = lambda number, body: (200, json.dumps({"out": [{"text": body["input"]["ask"]}]}).encode())
    template = {"input": {"ask": "<{system}> {prompt}!", "fixed": 3}, "n": "{seed}", "all": "{messages}", "list": ["{system}"]}
    (reply,) = http(server, template, answer="out.0.text").replies([ASKED], [9])
    assert reply.text == '<Be brief.> say "{system}" {seed}!'
    body = server.calls[0][2]
    assert (body["n"], body["input"]["fixed"], body["list"]) == (9, 3, ["Be brief."])
    assert body["all"][0] == {"role": "system", "content": "Be brief."}


@pytest.mark.parametrize(
    ("status", "data", "failure", "calls"),
    [
        (500, b"", "http 500", 3),
        (429, b"", "http 429", 3),
        (400, b"", "http 400", 1),
        (302, b"", "http 302", 1),
        (200, b"<html>", "malformed", 1),
        (200, b"[]", "malformed", 1),
        (200, completion(None), "malformed", 1),
        (200, completion(5), "malformed", 1),
        (200, completion("word " * (LARGEST // 5)), "too large", 3),
    ],
)
def test_what_is_no_answer_is_a_failure_of_its_own(server: Server, status: int, data: bytes, failure: str, calls: int) -> None:
    server.answers = lambda number, body: (status, data)
    (reply,) = openai(server, retries=2).replies([ASKED], [0])
    assert (reply.text, reply.failure) == ("", failure)
    assert len(server.calls) == (3 if failure == "malformed" else calls)


def test_a_call_is_made_again_until_it_goes_well(server: Server) -> None:
    server.answers = lambda number, body: (200, completion("at last")) if number == 3 else (503, b"")
    (reply,) = openai(server, retries=3).replies([ASKED], [0])
    assert (reply.text, reply.failure, len(server.calls)) == ("at last", "", 3)


def test_a_pause_that_is_asked_for_is_made(server: Server) -> None:
    def busy(number: int, body: Any) -> tuple[int, bytes]:
        times.append(time.monotonic())
        return (200, completion("at last")) if number == 3 else (429, b"")

    times: list[float] = []
    server.answers, server.headers = busy, {"Retry-After": "1"}
    assert openai(server, timeout=0.2).replies([ASKED], [0])[0].text == "at last"  # no longer than the timeout
    assert all(0.2 <= after - before < 0.9 for before, after in pairwise(times))
    assert (pause("3"), pause("soon"), pause("-1"), pause("²")) == (3.0, 0.0, 0.0, 0.0)


def test_an_endpoint_that_goes_away_ends_the_run_rather_than_failing_every_call(server: Server) -> None:
    server.answers = lambda number, body: (200, completion("here"))
    model = openai(server, retries=0)
    assert model.replies([ASKED], [0])[0].text == "here"
    model.endpoint.url = "http://127.0.0.1:9/v1"  # where nobody listens
    with pytest.raises(RunError, match=r"nothing answers at .* any more \(no connection\); start the endpoint and run again"):
        model.replies([ASKED] * 2, [0, 1])


def test_silence_is_a_timeout(server: Server) -> None:
    def slow(number: int, body: Any) -> tuple[int, bytes]:
        time.sleep(0.3)
        return 200, completion("late")

    server.answers = lambda number, body: (200, completion("soon")) if number == 1 else slow(number, body)
    model = openai(server, retries=0, timeout=0.2)
    assert model.replies([ASKED], [0])[0].text == "soon"
    assert model.replies([ASKED], [0])[0].failure == "timeout"
    server.answers = slow
    with pytest.raises(RunError, match=r"nothing answers at .* \(timeout\); start the endpoint, or correct 'url' or 'timeout'"):
        openai(server, retries=0, timeout=0.05).replies([ASKED], [0])


@pytest.mark.parametrize(("status", "said"), [(401, "refuses the key"), (404, "has nothing there")])
def test_what_no_retry_would_mend_ends_the_run(server: Server, status: int, said: str) -> None:
    server.answers = lambda number, body: (status, b"")
    with pytest.raises(RunError, match=rf"/v1/chat/completions {said} \(HTTP {status}\)"):
        openai(server).replies([ASKED], [0])
    assert len(server.calls) == 1


def test_where_nobody_answers_is_one_sentence() -> None:
    model = create_chat_model({"kind": "openai", "url": "http://127.0.0.1:9", "model": "x", "retries": 1, "backoff": 0.0})
    with pytest.raises(
        RunError,
        match=r"^nothing answers at http://127.0.0.1:9/chat/completions \(no connection\); start the endpoint, or correct",
    ):
        model.replies([ASKED], [0])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kind": "http", "url": "http://h", "template": {"a": "no slot"}}, r"lacks its slot \{prompt\}"),
        ({"kind": "http", "url": "http://h", "template": {}}, "template"),
        ({"kind": "openai", "url": "ftp://h", "model": "x"}, "'model.url' must match the"),
        ({"kind": "openai", "url": "http://h:port", "model": "x"}, "is no address"),
        (
            {"kind": "openai", "url": "http://h", "model": "x", "key_env": "NO_SUCH_KEY"},
            "NO_SUCH_KEY is not set; put the key there",
        ),
        ({"kind": "openai", "url": "http://h"}, "option 'model.model' is missing"),
        ({"kind": "openai", "url": "http://", "model": "x"}, "'model.url' must match the"),
        ({"kind": "http", "url": "http://h", "template": {"a": "{prompt}", "t": float("nan")}}, "a number that is not finite"),
        ({"kind": "http", "url": "http://h", "template": "{prompt}"}, "option 'model.template' must be"),
        ({"kind": "http", "url": "http://h", "template": {"a": "{prompt}"}, "headers": {"A": "é"}}, "header 'A' cannot be sent"),
        ({"kind": "http", "url": "http://h", "template": {"a": "{prompt}"}, "headers": {"A B": "e"}}, "header 'A B' cannot be"),
    ],
)
def test_wrong_options_of_endpoints_are_one_sentence(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        create_chat_model(options)


def test_a_key_that_cannot_be_sent_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "geheim-ü")
    with pytest.raises(ConfigError, match=r"header 'Authorization' cannot be sent.*'key_env' names \(SOME_KEY\)") as refused:
        create_chat_model({"kind": "openai", "url": "http://h", "model": "x", "key_env": "SOME_KEY"})
    assert "geheim" not in str(refused.value)


def test_a_file_that_is_no_gguf_is_one_sentence(tmp_path: Any) -> None:
    with pytest.raises(DataError, match="does not exist"):
        create_chat_model({"kind": "gguf", "file": str(tmp_path / "none.gguf")})
    (tmp_path / "other.gguf").write_bytes(b"not a model")
    with pytest.raises(DataError, match=r"other.gguf is no GGUF file; give one"):
        create_chat_model({"kind": "gguf", "file": str(tmp_path / "other.gguf")})
