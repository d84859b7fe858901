"""LoRA adapters of hardened language models as peft's folders: safetensors, and the options of the update."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import ConfigError
from reverie.files import sha256
from reverie.llm.backbone import Backbone
from reverie.redteam.models.adapters import WEIGHTS

if TYPE_CHECKING:
    from torch import Tensor


def lora_tensors(backbone: Backbone) -> dict[str, Tensor]:
    """Return the tensors of a backbone's LoRA by name."""
    return {name: value for name, value in backbone.model.state_dict().items() if "lora_" in name}


def save_adapter(backbone: Backbone, folder: Path) -> str:
    """Write the LoRA of a backbone into a store's folder, which is whole once its piece is; return the SHA-256 of its tensors."""
    if not lora_tensors(backbone):
        raise ConfigError(f"{backbone.name} has no LoRA to save; harden it first")
    name = Path(backbone.name).name if Path(backbone.name).is_dir() else backbone.name  # not where the weights lie on this machine
    for options in backbone.model.peft_config.values():
        options.base_model_name_or_path = name
    backbone.model.save_pretrained(folder, save_embedding_layers=False)  # "auto" would ask a hub for the base model
    (folder / "README.md").unlink(missing_ok=True)  # an empty form of peft's
    return sha256(folder / WEIGHTS)
