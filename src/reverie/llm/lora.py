"""Low-rank updates of a frozen language model, through peft (LoRA, arXiv 2106.09685)."""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

from reverie.errors import ConfigError
from reverie.llm.config import LoraConfig

if TYPE_CHECKING:
    from reverie.llm.backbone import Backbone


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
