"""What a language model thinks of target tokens: the loss, and the log-likelihood of whole answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional as F

from reverie.llm.batches import NO_LABEL

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.llm.backbone import Backbone
    from reverie.llm.batches import MixedBatch


def token_losses(backbone: Backbone, batch: MixedBatch, vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Return minus the log-probability of each target token.

    The vocabulary is scored at the columns that precede a target, and nowhere else: pad on the left, and these are few.

    Parameters
    ----------
    backbone : Backbone
        Read only; gradients flow into `vectors` (and into a LoRA).
    batch : MixedBatch
        With targets.
    vectors : Tensor, shape [S, D]
        Its soft tokens.

    Returns
    -------
    losses : Tensor, shape [B, K], float32
        0 where there is no target.
    is_target : Tensor, shape [B, K], bool
        Where there is one.
    """
    wanted = batch.labels != NO_LABEL
    first = int(wanted.any(0).int().argmax())
    if first == 0:
        raise ValueError("batch: a target needs a prompt before it")
    keep = batch.ids.shape[1] - first + 1
    logits = backbone.model(
        inputs_embeds=batch.embeds(backbone, vectors),
        attention_mask=batch.mask,
        position_ids=batch.positions,
        logits_to_keep=keep,
        use_cache=False,
    ).logits[:, :-1]
    labels = batch.labels[:, first:]
    flat = F.cross_entropy(
        logits.float().reshape(-1, logits.shape[-1]), labels.reshape(-1), ignore_index=NO_LABEL, reduction="none"
    )
    return flat.view(labels.shape), labels != NO_LABEL


def target_loss(backbone: Backbone, batch: MixedBatch, vectors: Tensor) -> Tensor:
    """Return the cross-entropy of target tokens, their mean.

    Parameters
    ----------
    backbone, batch, vectors
        As in `token_losses`.

    Returns
    -------
    Tensor, scalar
        In nats per target token.
    """
    losses, is_target = token_losses(backbone, batch, vectors)
    return losses.sum() / is_target.sum()


def answer_log_likelihood(backbone: Backbone, batch: MixedBatch, vectors: Tensor) -> Tensor:
    """Return the log-probability of each row's whole target.

    Parameters
    ----------
    backbone, batch, vectors
        As in `token_losses`.

    Returns
    -------
    Tensor, shape [B]
        In nats.
    """
    losses, _ = token_losses(backbone, batch, vectors)
    return -losses.sum(1)
