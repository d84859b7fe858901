"""Low-rank adapters of local models, in the folders that peft writes."""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import replace
from pathlib import Path

from reverie.documents import read_json, regular
from reverie.errors import ConfigError, DataError
from reverie.files import sha256
from reverie.llm.backbone import Backbone

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"


def adapter_digest(folder: Path) -> str:
    """Return the SHA-256 of an adapter's weights."""
    return sha256(_checked(folder))


def _checked(folder: Path) -> Path:
    """Return the weights of an adapter that can be read."""
    if not folder.is_dir():
        raise DataError(f"option 'adapter': there is no folder {folder}; give one that holds {WEIGHTS}")
    for name in (WEIGHTS, CONFIG):
        if not (folder / name).is_file():
            raise DataError(f"{folder} holds no adapter (no {name}); give a folder that peft wrote")
    return regular(folder / WEIGHTS)


def with_adapter(backbone: Backbone, folder: Path) -> Backbone:
    """Return a backbone with a trained low-rank update; its own layers are changed in place."""
    _checked(folder)
    if importlib.util.find_spec("peft") is None:
        raise ConfigError("an adapter needs the package peft; run: pip install 'reverie[llm]'")
    if read_json(folder / CONFIG).get("peft_type") != "LORA":
        raise DataError(f"{folder / CONFIG} is no LoRA; give the folder of a LoRA")
    import peft
    from safetensors import SafetensorError

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)
            warnings.filterwarnings("error", message=".*missing adapter keys")
            model = peft.PeftModel.from_pretrained(backbone.model, str(folder), local_files_only=True)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, UserWarning, SafetensorError) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise DataError(f"the adapter {folder} does not fit {backbone.name} ({reason}); take its own model") from error
    model.requires_grad_(False)
    return replace(backbone, model=model.eval())
