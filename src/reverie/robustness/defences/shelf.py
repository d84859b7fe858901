"""The registry of defences by name; listing it imports neither torch nor any defence."""

from reverie.registry import Registry, family

_ROWS = {
    "none": ("defence:NoDefence", "the victim as it is", ""),
    "remove": ("defence:Remove", "the most suspicious users lose their training events", ""),
    "oracle": ("defence:Oracle", "exactly the fake users are removed: the upper bound, no defence", ""),
    "random-removal": ("defence:RandomRemoval", "as many users as are fake are removed at random: the lower bound", ""),
    "reweight": ("reweight:Reweight", "users weigh less the worse the model of the others explains them", "zhang2020graphrfi"),
    "apr": ("defence:build_adversarial", "training under perturbation of user and item vectors", "he2018apr"),
    "vat": ("defence:build_adversarial", "the same, farther for users that are fitted well", "zhang2024vat"),
    "truncated-loss": ("defence:build_truncated_loss", "events of high loss are dropped, or weigh less", "wang2021denoising"),
    "robust-loss": ("defence:build_robust_loss", "a contrastive loss on cosines that bears noise", "wu2023bsl"),
}
DEFENCES = Registry("defence", family("reverie.robustness.defences", _ROWS), group="reverie.defences")
