"""Mask of trained users, and which users of a batch are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.data.sequences import Sequences


def mark_trained(trained: Tensor, train: Sequences) -> None:
    """Set, in place, whose rows have training events; trained [U]."""
    trained.zero_()
    trained[torch.from_numpy(train.users[train.lengths > 0]).to(trained.device)] = True


def known_users(users: Tensor, trained: Tensor) -> Tensor:
    """Return which users have a code and were trained; users [B], trained [U] → [B]."""
    inside = (users >= 0) & (users < len(trained))
    return inside & trained[users.masked_fill(~inside, 0)] if len(trained) else inside
