"""LoRA fine-tuning of a chat model on given answers, with the prompt masked from the loss or not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import Parameter

from reverie.llm.backbone import Backbone, add_lora
from reverie.llm.generate import target_loss
from reverie.llm.prompts import MixedBatch, collate
from reverie.redteam.defences.adapter_files import lora_tensors, save_adapter
from reverie.redteam.defences.config import HardeningConfig
from reverie.redteam.defences.examples import Example
from reverie.redteam.models.chat_tokens import chat_tokens
from reverie.seeds import numpy_generator, seed_torch
from reverie.study.progress import progress
from reverie.training.config import TrainingConfig
from reverie.training.loop import Trainer


@dataclass(frozen=True)
class OnDevice:
    """A batch that lies where the language model does."""

    rows: MixedBatch

    def to(self, device: torch.device) -> OnDevice:
        """Return itself: `collate` has put it there."""
        return self


class Answers:
    """Batches of conversations with the answers to learn, as a `BatchSource`."""

    def __init__(self, backbone: Backbone, examples: Sequence[Example], mask_prompt: bool, longest: int) -> None:
        self.backbone = backbone
        room = min(longest, backbone.context)
        self.rows = [self._row(example, mask_prompt, room) for example in examples]

    def _row(self, example: Example, mask_prompt: bool, room: int) -> tuple[list[int], list[int]]:
        """Return what is read and what is learned; unmasked, everything behind the first token is learned."""
        words = self.backbone.tokens(example.answer)
        whole = example.ends and len(words) <= room // 2
        answer = [*words[: room // 2], *([self.backbone.end] if whole else [])]
        prompt = chat_tokens(self.backbone, example.conversation)
        if len(prompt) + len(answer) > room:
            kept = room - len(answer)
            prompt = [*prompt[: kept // 2], *prompt[-(kept - kept // 2) :]]
        return (prompt, answer) if mask_prompt else (prompt[:1], [*prompt[1:], *answer])

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, index: NDArray[np.int64]) -> OnDevice:
        """Gather examples by number; index [B]."""
        prompts, answers = zip(*(self.rows[at] for at in index), strict=True)
        return OnDevice(collate(self.backbone, prompts, answers))


class Tuned(nn.Module):
    """A language model with a LoRA, as what the trainer trains; its state is the LoRA alone."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone, self.language = backbone, backbone.model
        self.no_soft_tokens = torch.zeros(0, backbone.width, device=backbone.device)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Return the parameters that are trained."""
        yield from (value for value in super().parameters(recurse) if value.requires_grad)

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:  # type: ignore[override]
        """Return the LoRA."""
        return lora_tensors(self.backbone)

    def load_state_dict(self, state_dict: Any, strict: bool = True, assign: bool = False) -> Any:
        """Take the LoRA back."""
        return self.language.load_state_dict(state_dict, strict=False, assign=assign)

    def loss(self, batch: OnDevice) -> dict[str, Tensor]:
        """Return the cross-entropy of the answers, the mean over their tokens."""
        return {"answers": target_loss(self.backbone, batch.rows, self.no_soft_tokens)}


def tune(
    backbone: Backbone, source: Answers, training: TrainingConfig, folder: Path | None = None, show: bool = False
) -> list[float]:
    """Train the LoRA of a backbone on answers.

    Parameters
    ----------
    backbone : Backbone
        With a LoRA, which is trained in place and frozen again.
    source : Answers
        The examples, in tokens.
    training : TrainingConfig
        How; there is no validation, so all epochs are run.
    folder : Path, optional
        Keeps the state of a training that may be cut, under ``state``.
    show : bool
        Whether to show progress.

    Returns
    -------
    list of float
        Mean loss of each epoch, in nats per token.
    """
    for name, value in backbone.model.named_parameters():
        value.requires_grad_("lora_" in name)
    trainer = Trainer(Tuned(backbone), source, training, None, folder, backbone.device)
    with progress(training.epochs, f"hardening {backbone.name}", show) as shown, torch.enable_grad():
        log = trainer.run(shown)
    backbone.model.requires_grad_(False)
    return [float(row["loss"]) for row in log.rows]


def teach(
    backbone: Backbone, examples: Sequence[Example], config: HardeningConfig, number: int, folder: Path, show: bool = False
) -> dict[str, Any]:
    """Teach a language model one round of answers and write its adapter.

    Parameters
    ----------
    backbone : Backbone
        As the round before left it, or without a LoRA, which then begins afresh.
    examples : sequence of Example
        What to answer.
    config : HardeningConfig
        How.
    number : int
        Of the round, which gives the order of examples and dropout.
    folder : Path
        Where the adapter is written, and where a training that was cut goes on.
    show : bool
        Whether to show progress.

    Returns
    -------
    dict
        ``losses`` of the epochs, and ``sha256`` of the adapter.
    """
    if not lora_tensors(backbone):
        with torch.random.fork_rng(devices=[]):
            seed_torch(config.seed, "weights of the adapter")
            backbone = add_lora(backbone, config.lora)
    seed = int(numpy_generator(config.seed, "round", number).integers(2**31))
    source = Answers(backbone, examples, config.mask_prompt, config.longest)
    losses = tune(backbone, source, config.training(len(examples), seed), folder / "training", show)
    digest = save_adapter(backbone, folder)
    shutil.rmtree(folder / "training", ignore_errors=True)
    return {"losses": losses, "sha256": digest}
