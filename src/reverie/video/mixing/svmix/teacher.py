"""The teacher: a copy of the network that passes gradient through, and takes none."""

from __future__ import annotations

from torch import Tensor, nn
from torch.func import functional_call

_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


def prepare_teacher(teacher: nn.Module) -> nn.Module:
    """Set a teacher's state for training, in place: no gradient, dropout and drop-path off, batch statistics in BatchNorm.

    Its BatchNorm buffers are then its own, moved by its forward passes, as published.
    """
    teacher.requires_grad_(False).eval()
    for module in teacher.modules():
        if isinstance(module, _BATCH_NORMS):
            module.train()
    return teacher


def teacher_logits(teacher: nn.Module, clips: Tensor) -> Tensor:
    """Return logits [B, K] whose gradient reaches the clips and none of the teacher's parameters, whatever they require."""
    if not any(parameter.requires_grad for parameter in teacher.parameters()):
        return teacher(clips)  # type: ignore[no-any-return]
    fixed = {name: parameter.detach() for name, parameter in teacher.named_parameters()}
    return functional_call(teacher, fixed, (clips,))  # type: ignore[no-any-return]
