"""GGUF files through the Python bindings of llama.cpp: the package cyllama or llama-cpp-python."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reverie.documents import regular
from reverie.errors import ConfigError, DataError
from reverie.redteam.messages import Conversation, Reply
from reverie.redteam.models.config import GgufModel
from reverie.redteam.models.openai import plain_messages, read_completion

MAGIC = b"GGUF"


class GgufChat:
    """See `GgufModel`. Conversations are answered one by one; a reply depends on its own seed alone."""

    def __init__(self, config: GgufModel) -> None:
        path = regular(Path(config.file).expanduser())
        with path.open("rb") as handle:
            if handle.read(len(MAGIC)) != MAGIC:
                raise DataError(f"{path} is no GGUF file; give one")
        self.config, self.name = config, path.stem
        made = next((make for name, make in _BINDINGS.items() if importlib.util.find_spec(name) is not None), None)
        if made is None:
            raise ConfigError("models of kind 'gguf' need bindings of llama.cpp; run: pip install --no-deps cyllama")
        try:
            self.bindings = made(config, str(path))
        except (RuntimeError, ValueError, OSError) as error:
            reason = str(error).partition("\n")[0].rstrip(".")
            raise DataError(f"{path} cannot be loaded ({reason}); give another GGUF file") from error

    def replies(self, conversations: Sequence[Conversation], seeds: Sequence[int], until: str = "") -> list[Reply]:
        """Answer each conversation with its own seed."""
        return [self._reply(conversation, seed) for conversation, seed in zip(conversations, seeds, strict=True)]

    def _reply(self, conversation: Conversation, seed: int) -> Reply:
        try:
            reply: Reply = self.bindings.reply(plain_messages(conversation), seed % 2**31)
        except (RuntimeError, ValueError) as error:  # a prompt beyond the context, or one that the template refuses
            return Reply("", failure=f"llama.cpp: {str(error).partition(chr(10))[0][:80]}")
        return reply


class Cyllama:
    """The package cyllama, which brings llama.cpp built."""

    def __init__(self, config: GgufModel, path: str) -> None:
        from cyllama import LLM, GenerationConfig

        self.options = dict(
            temperature=config.temperature, top_p=config.top_p, top_k=0, min_p=0.0, repeat_penalty=1.0,
            max_tokens=config.max_tokens, n_ctx=config.context, n_gpu_layers=0, add_bos=False,
        )  # fmt: skip
        self.make = GenerationConfig
        self.model = LLM(path, config=self.make(**self.options))

    def reply(self, messages: list[dict[str, str]], seed: int) -> Reply:
        """Answer one conversation."""
        said = self.model.chat(messages, config=self.make(**self.options, seed=seed))
        tokens = int(getattr(said.stats, "generated_tokens", 0) or 0)
        return Reply(str(said).strip(), tokens, cut=tokens >= self.options["max_tokens"])


class LlamaCpp:
    """The package llama-cpp-python, which builds llama.cpp when it is installed."""

    def __init__(self, config: GgufModel, path: str) -> None:
        from llama_cpp import Llama

        self.sampling = dict(
            temperature=config.temperature, top_p=config.top_p, top_k=0, min_p=0.0, repeat_penalty=1.0,
            max_tokens=config.max_tokens,
        )  # fmt: skip
        self.model = Llama(model_path=path, n_ctx=config.context, n_threads=config.threads, verbose=False)

    def reply(self, messages: list[dict[str, str]], seed: int) -> Reply:
        """Answer one conversation."""
        return read_completion(self.model.create_chat_completion(messages=messages, seed=seed, **self.sampling))


_BINDINGS: dict[str, Any] = {"cyllama": Cyllama, "llama_cpp": LlamaCpp}
