"""Any target behind ``/v1/chat/completions`` on loopback, so that other tools can attack it."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import json
import socket
from typing import TYPE_CHECKING, Any

from reverie.errors import ConfigError, DataError, RunError
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
ROLES = ("system", "user", "assistant")


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
        With ``POST /v1/chat/completions`` and ``GET /v1/models``, as OpenAI's servers answer them; no streaming. Without a
        ``seed`` in the request, the seed is a digest of its messages, so that the same question has the same answer.

    Raises
    ------
    ConfigError
        If the packages are missing.
    """
    _require()
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    turn = asyncio.Lock()

    async def complete(request: Request) -> JSONResponse:
        from starlette.concurrency import run_in_threadpool

        try:
            asked = read_request(await _body(request), goal)
        except DataError as error:
            return JSONResponse(_error(str(error), "invalid_request_error"), 400)
        async with turn:
            (response,) = await run_in_threadpool(target.respond, [asked])
        if response.failure and not response.text:
            return JSONResponse(_error(f"the target gave no answer ({response.failure})", "target_error"), 502)
        return JSONResponse(completion(target.name, asked, response))

    async def models(request: Request) -> JSONResponse:
        one = {"id": target.name, "object": "model", "created": 0, "owned_by": "reverie"}
        return JSONResponse({"object": "list", "data": [one]})

    routes = [Route("/v1/chat/completions", complete, methods=["POST"]), Route("/v1/models", models, methods=["GET"])]
    return Starlette(routes=routes)


async def _body(request: Request) -> bytes:
    """Return what was sent, up to a largest size."""
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > LARGEST:
            raise DataError(f"the request has more than {LARGEST:,} bytes; send fewer messages")
    return bytes(data)


def read_request(data: bytes, goal: Goal) -> Try:
    """Return the try that a request asks for."""
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
    turns = tuple(Message(one["role"], one["content"]) for one in messages if one["role"] != "system")
    if not turns or turns[-1].role != "user":
        raise DataError("the last message must be of the role 'user'; add it")
    seed = found.get("seed")
    if not isinstance(seed, int) or isinstance(seed, bool):
        seed = int(hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()[:8], 16)
    return Try(goal, turns, "served", seed=seed)


def _is_message(one: Any) -> bool:
    return isinstance(one, dict) and one.get("role") in ROLES and isinstance(one.get("content"), str)


def completion(name: str, asked: Try, response: Response) -> dict[str, Any]:
    """Return an answer as OpenAI's servers write it; the id is a digest of what was asked, and no time is told."""
    text = response.text or "\n".join(f"{place}. {item}" for place, item in enumerate(response.ranking, start=1))
    told = json.dumps([[turn.role, turn.text] for turn in asked.turns] + [asked.seed])
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {
        "id": f"chatcmpl-{hashlib.sha256(told.encode()).hexdigest()[:24]}", "object": "chat.completion", "created": 0,
        "model": name, "choices": [choice],
        "usage": {"prompt_tokens": 0, "completion_tokens": response.n_tokens, "total_tokens": response.n_tokens},
    }  # fmt: skip


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
