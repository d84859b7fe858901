"""The shelf of defences; listing it imports neither torch nor any defence."""

from __future__ import annotations

from reverie.registry import Entry, Registry

_ROOM = "reverie.robustness.defences"


def _trained(name: str, summary: str, paper: str) -> Entry:
    config = "".join(word.capitalize() for word in name.split("_"))
    return Entry(f"{_ROOM}.training:build_{name}", f"{_ROOM}.training_config:{config}Config", summary, paper)


DEFENCES = Registry(
    "defence",
    {
        "none": Entry(f"{_ROOM}.none:build", f"{_ROOM}.none:NoneConfig", "the victim as it is"),
        "remove": Entry(
            f"{_ROOM}.remove:build", f"{_ROOM}.remove_config:RemoveConfig", "the most suspicious users lose their training events"
        ),
        "oracle": Entry(
            f"{_ROOM}.remove:build_oracle",
            f"{_ROOM}.remove_config:OracleConfig",
            "exactly the fake users are removed: the upper bound, no defence",
        ),
        "random-removal": Entry(
            f"{_ROOM}.remove:build_random_removal",
            f"{_ROOM}.remove_config:RandomRemovalConfig",
            "as many users as are fake are removed at random: the lower bound",
        ),
        "reweight": Entry(
            f"{_ROOM}.reweight:build",
            f"{_ROOM}.reweight_config:ReweightConfig",
            "users weigh less the worse the model of the others explains them",
            "zhang2020graphrfi",
        ),
        "apr": _trained("apr", "training under perturbation of user and item vectors", "he2018apr"),
        "vat": _trained("vat", "the same, farther for users that are fitted well", "zhang2024vat"),
        "truncated-loss": _trained("truncated_loss", "events of high loss are dropped, or weigh less", "wang2021denoising"),
        "robust-loss": _trained("robust_loss", "a contrastive loss on cosines that bears noise", "wu2023bsl"),
    },
    group="reverie.defences",
)
