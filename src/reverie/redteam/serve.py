"""Any target behind ``/v1/chat/completions`` on loopback, so that other tools can attack it."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import json
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reverie.errors import ConfigError, DataError, ReverieError, RunError
from reverie.redteam.attempts import Response, Try
from reverie.redteam.goals import Goal
from reverie.redteam.messages import Message
from reverie.redteam.roles import Target

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse

HOST, PORT = "127.0.0.1", 8765
LARGEST = 1 << 20
"""Bytes of a request."""
ROLES = ("system", "developer", "user", "assistant")
MOST = 16
"""Answers to one request."""


def create_app(target: Target, goal: Goal) -> Starlette:
    """Return a web application that asks a target.

    Parameters
    ----------
    target : Target
        What answers; one call at a time.
    goal : Goal
        Whose system prompt, item and scene stand behind each answer. System messages of a request are left out, as an assistant's
        operator, not its user, writes them.

    Returns
    -------
    Starlette
        With ``POST /v1/chat/completions`` and ``GET /v1/models``, as OpenAI's servers answer them; no streaming. A request by
        another host's name is refused, and so is one with an ``Origin``, as web pages send it, so that none reaches it. Of the
        options of a request, ``n`` and ``seed`` are heeded, and sampling is the target's own. Without a seed it is a digest of the
        messages, so that the same question has the same answer; the answers of one request take consecutive seeds.

    Raises
    ------
    ConfigError
        If the packages are missing.
    """
    _require()
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    turn = asyncio.Lock()

    async def complete(request: Request) -> JSONResponse:
        from starlette.concurrency import run_in_threadpool
        from starlette.requests import ClientDisconnect

        if "origin" in request.headers:
            return JSONResponse(_error("web pages are not answered", "invalid_request_error"), 403)
        try:
            asked = read_request(await _body(request), goal)
        except DataError as error:
            return JSONResponse(_error(str(error), "invalid_request_error"), 400)
        except ClientDisconnect:  # nobody is there to read an answer
            return JSONResponse(_error("the request was broken off", "invalid_request_error"), 400)
        try:
            async with turn:
                responses = await run_in_threadpool(target.respond, asked)
        except ReverieError as error:
            return JSONResponse(_error(str(error), "target_error"), 502)
        failed = next((response.failure for response in responses if response.failure and not response.text), "")
        if failed:
            return JSONResponse(_error(f"the target gave no answer ({failed})", "target_error"), 502)
        return JSONResponse(completion(target.name, asked, responses))

    async def models(request: Request) -> JSONResponse:
        one = {"id": target.name, "object": "model", "created": 0, "owned_by": "reverie"}
        return JSONResponse({"object": "list", "data": [one]})

    routes = [Route("/v1/chat/completions", complete, methods=["POST"]), Route("/v1/models", models, methods=["GET"])]
    return Starlette(routes=routes, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])])


async def _body(request: Request) -> bytes:
    """Return what was sent, up to a largest size."""
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > LARGEST:
            raise DataError(f"the request has more than {LARGEST:,} bytes; send fewer messages")
    return bytes(data)


def read_request(data: bytes, goal: Goal) -> list[Try]:
    """Return the tries that a request asks for, one for each answer."""
    from pydantic_core import from_json

    try:
        found = from_json(data, allow_inf_nan=False)
    except (ValueError, RecursionError) as error:
        raise DataError(f"the request is not valid JSON ({error}); send JSON") from error
    messages = found.get("messages") if isinstance(found, dict) else None
    if not isinstance(messages, list) or not all(map(_is_message, messages)):
        raise DataError("'messages' must be a list of messages with a 'role' and a text as 'content'; send such a list")
    if found.get("stream"):
        raise DataError("answers are not streamed; leave 'stream' out")
    turns = tuple(Message(one["role"], _text(one["content"])) for one in messages if one["role"] in ("user", "assistant"))
    if not turns or turns[-1].role != "user":
        raise DataError("the last message must be of the role 'user'; add it")
    count, seed = 1 if found.get("n") is None else found["n"], found.get("seed")
    if not _is_number(count) or not 1 <= count <= MOST:
        raise DataError(f"'n' must be a whole number from 1 to {MOST}; ask for fewer answers")
    if not _is_number(seed):
        seed = int(hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()[:8], 16)
    return [Try(goal, turns, "served", seed=seed + at) for at in range(count)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_message(one: Any) -> bool:
    if not isinstance(one, dict) or one.get("role") not in ROLES:
        return False
    content = one.get("content")
    parts = content if isinstance(content, list) else [{"text": content}]
    return all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in parts)


def _text(content: Any) -> str:
    """Return a content that is a text, or a list of parts with texts."""
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def completion(name: str, asked: Sequence[Try], responses: Sequence[Response]) -> dict[str, Any]:
    """Return answers as OpenAI's servers write them; the id is a digest of what was asked, and no time is told."""
    told = json.dumps([[turn.role, turn.text] for turn in asked[0].turns] + [asked[0].seed])
    choices = [
        {"index": at, "message": {"role": "assistant", "content": _said(response)}, "finish_reason": "stop"}
        for at, response in enumerate(responses)
    ]
    tokens = sum(response.n_tokens for response in responses)
    return {
        "id": f"chatcmpl-{hashlib.sha256(told.encode()).hexdigest()[:24]}", "object": "chat.completion", "created": 0,
        "model": name, "choices": choices, "usage": {"prompt_tokens": 0, "completion_tokens": tokens, "total_tokens": tokens},
    }  # fmt: skip


def _said(response: Response) -> str:
    """Return the words of a response, or its ranking as a list where it has no words."""
    return response.text or "\n".join(f"{place}. {item}" for place, item in enumerate(response.ranking, start=1))


def _error(said: str, kind: str) -> dict[str, Any]:
    return {"error": {"message": said, "type": kind}}


def serve(target: Target, goal: Goal, port: int = PORT) -> None:
    """Answer on loopback until the process is stopped.

    Parameters
    ----------
    target : Target
    goal : Goal
        As `create_app` takes it.
    port : int
        0 takes a free one.

    Raises
    ------
    RunError
        If the port is taken.
    """
    _require()
    import uvicorn

    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listening.close()
        raise RunError(
            f"cannot listen on {HOST}:{port} ({getattr(error, 'strerror', None) or error}); choose another port"
        ) from error
    print(f"{target.name} answers at http://{HOST}:{listening.getsockname()[1]}/v1 (Ctrl-C ends it)", flush=True)
    uvicorn.Server(uvicorn.Config(create_app(target, goal), log_level="warning")).run(sockets=[listening])


def _require() -> None:
    missing = next((name for name in ("starlette", "uvicorn") if importlib.util.find_spec(name) is None), None)
    if missing is not None:
        raise ConfigError(f"serving needs the package {missing}; run: pip install 'reverie[redteam]'")
