"""Options of models that chat."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from reverie.llm.config import DEFAULT
from reverie.options import Few, Options

QWEN: Literal["qwen2.5-coder-0.5b"] = "qwen2.5-coder-0.5b"
"""A second language model that installs from the package index; a mirror by strangers, so it is never the default."""
Script = Literal["always-refuse", "always-pass", "blank", "repeat", "random-words"]


class Sampling(Options):
    """How answers are drawn."""

    temperature: Annotated[float, Field(ge=0, le=10)] = 0.7
    """Logits are divided by it; 0 takes the most likely token."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the probability that tokens are drawn from, the most likely ones first."""
    max_tokens: Annotated[int, Field(ge=1, le=4096)] = 64
    """Longest answer, in tokens."""


class LocalModel(Sampling):
    """A language model of transformers."""

    kind: Literal["hf"] = "hf"
    name: str = DEFAULT
    """``smollm2-135m``, ``qwen2.5-coder-0.5b``, a folder, a name on a model hub, or ``tiny``, a random model for tests."""
    adapter: str | None = None
    """Folder of a LoRA, as peft writes it (safetensors)."""
    batch: Few = 32
    """Most conversations that are answered side by side; on a CPU a step of 32 takes little longer than one of 16."""
    prefixes: NonNegativeInt = 32
    """System prompts, and first messages to a writer, whose keys and values are kept, so that each is read once; 0 reads them with
    every message."""
    remembered: NonNegativeInt = 50_000
    """Replies that are kept, for a batch of the same conversations with the same seeds; 0 answers anew."""
    device: str | None = None
    """Where it runs; None takes an accelerator where there is one."""
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Arithmetic of its weights."""
    seed: NonNegativeInt = 0
    """Of the random weights of ``tiny``."""


class GgufModel(Sampling):
    """A GGUF file, run by the Python bindings of llama.cpp."""

    kind: Literal["gguf"]
    file: str
    """Path of the file."""
    context: Annotated[int, Field(ge=128)] = 4096
    """Longest prompt with its answer, in tokens."""
    threads: Few = 1
    """Threads of the processor, where the bindings can be told."""


class Remote(Options):
    """What all endpoints share."""

    url: Annotated[str, Field(pattern=r"^https?://[^/?#\s]")]
    """Address of the endpoint; one of OpenAI's kind ends in ``/v1``."""
    key_env: str | None = None
    """Environment variable that holds the key; the key itself is never written down."""
    timeout: PositiveFloat = 60.0
    """Seconds for one answer."""
    retries: Annotated[int, Field(ge=0, le=20)] = 3
    """Times that a failed call is made again."""
    backoff: Annotated[float, Field(ge=0, le=60)] = 0.5
    """Seconds before the first of them; each later one waits twice as long, or as long as ``Retry-After`` says, up to `timeout`."""
    parallel: Few = 4
    """Calls at a time."""


class OpenAIModel(Sampling, Remote):
    """Anything that answers ``/chat/completions`` as OpenAI's servers do."""

    kind: Literal["openai"]
    model: str
    """Name of the model there."""


class HttpModel(Remote):
    """Any HTTP endpoint that takes and gives JSON."""

    kind: Literal["http"]
    template: Annotated[dict[str, Any] | list[Any], Field(min_length=1)]
    """The body. In its texts ``{prompt}`` stands for the last message and ``{system}`` for the system prompt; ``{seed}`` and
    ``{messages}`` must be whole values, and become a number and the list of messages."""
    answer: str = "text"
    """Where the answer stands in what comes back: keys and numbers with dots between them, such as ``choices.0.text``."""
    headers: dict[str, str] = Field(default_factory=dict)
    """More headers; ``{key}`` stands for the key."""

    @model_validator(mode="after")
    def _is_asked_something(self) -> Self:
        """Refuse a template that would send no prompt."""
        if not any("{prompt}" in text or text == "{messages}" for text in _texts(self.template)):
            raise ValueError("the template lacks its slot {prompt} (or {messages}); put it where the prompt should stand")
        if any(isinstance(value, float) and not math.isfinite(value) for value in _values(self.template)):
            raise ValueError("the template holds a number that is not finite, which JSON cannot say; write another")
        return self

    @property
    def tells_system(self) -> bool:
        """Whether the system prompt is sent."""
        return any("{system}" in text or text == "{messages}" for text in _texts(self.template))


def _values(value: Any) -> Iterator[Any]:
    """Yield the plain values of nested JSON."""
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _values(part)
    else:
        yield value


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts among them."""
    return (one for one in _values(value) if isinstance(one, str))


class ScriptedModel(Options):
    """A control that reads no meaning: it bounds what detectors get wrong."""

    kind: Literal["scripted"]
    script: Script
    """``always-refuse``; ``always-pass``, which says its whole system prompt; ``blank``; ``repeat``, which says what it was asked;
    ``random-words``, drawn from a list by the seed."""
    words: PositiveInt = 24
    """Length of random answers."""


ChatModelConfig = Annotated[LocalModel | GgufModel | OpenAIModel | HttpModel | ScriptedModel, Field(discriminator="kind")]


class ModelChoice(Options):
    """One model that chats."""

    model: ChatModelConfig
