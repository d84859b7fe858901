"""Low-rank updates of a frozen language model, through peft; saved as safetensors."""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import ConfigError, RunError
from reverie.files import atomic_path, read_json, write_json
from reverie.llm.config import LoraConfig
from reverie.options import checked

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.llm.backbone import Backbone

WEIGHTS, OPTIONS = "lora.safetensors", "lora.json"


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
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=list(config.targets),
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)  # peft asks by an old name
        model = peft.get_peft_model(backbone.model, made)
    model.eval()
    return replace(backbone, model=model)


def lora_tensors(backbone: Backbone) -> dict[str, Tensor]:
    """Return the trained tensors of a LoRA."""
    from peft import get_peft_model_state_dict

    found = get_peft_model_state_dict(backbone.model, save_embedding_layers=False)
    return {name: value.detach().cpu().clone().contiguous() for name, value in found.items()}


def load_lora_tensors(backbone: Backbone, tensors: dict[str, Tensor], where: str) -> None:
    """Put trained tensors back into a LoRA."""
    from peft import set_peft_model_state_dict

    own = lora_tensors(backbone)
    wrong = [n for n in sorted(set(own) | set(tensors)) if n not in own or n not in tensors or own[n].shape != tensors[n].shape]
    if wrong:
        raise RunError(f"{where} holds a LoRA of another language model or other options ('{wrong[0]}' does not fit)")
    set_peft_model_state_dict(backbone.model, tensors)


def save_lora(backbone: Backbone, config: LoraConfig, folder: str | Path) -> None:
    """Write a LoRA as safetensors and JSON."""
    from safetensors.torch import save_file

    folder = Path(folder)
    with atomic_path(folder / WEIGHTS) as temporary:
        save_file(lora_tensors(backbone), temporary)
    write_json(folder / OPTIONS, config.model_dump(mode="json"))


def load_lora(backbone: Backbone, folder: str | Path) -> Backbone:
    """Return a backbone with the LoRA of a folder."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    folder = Path(folder)
    if not (folder / OPTIONS).is_file():
        raise RunError(f"{folder} holds no LoRA (no {OPTIONS}); give a folder written by save_lora")
    config = checked(LoraConfig, read_json(folder / OPTIONS), str(folder / OPTIONS))
    try:
        tensors = load_file(folder / WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise RunError(f"{folder / WEIGHTS} cannot be read ({error}); train it again") from error
    loaded = add_lora(backbone, config)
    load_lora_tensors(loaded, tensors, str(folder))
    return loaded
