"""Logits of the teacher, which passes gradient on to the clips and takes none."""

from __future__ import annotations

from torch import Tensor, nn
from torch.func import functional_call


def teacher_logits(teacher: nn.Module, clips: Tensor) -> Tensor:
    """Return logits [B, K] whose gradient reaches the clips and none of the teacher's parameters, whatever they require."""
    if not any(parameter.requires_grad for parameter in teacher.parameters()):
        return teacher(clips)  # type: ignore[no-any-return]
    fixed = {name: parameter.detach() for name, parameter in teacher.named_parameters()}
    return functional_call(teacher, fixed, (clips,))  # type: ignore[no-any-return]
