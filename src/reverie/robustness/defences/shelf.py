"""The registry of defences by name; listing it imports neither torch nor any defence."""

from __future__ import annotations

from reverie.registry import Entry, Registry

_FAMILY = "reverie.robustness.defences"


def _trained(name: str, summary: str, paper: str) -> Entry:
    config = "".join(word.capitalize() for word in name.split("_"))
    return Entry(f"{_FAMILY}.training:build_{name}", f"{_FAMILY}.config:{config}Config", summary, paper)


DEFENCES = Registry(
    "defence",
    {
        "none": Entry(f"{_FAMILY}.defence:build", f"{_FAMILY}.config:NoneConfig", "the victim as it is"),
        "remove": Entry(
            f"{_FAMILY}.remove:Remove", f"{_FAMILY}.config:RemoveConfig", "the most suspicious users lose their training events"
        ),
        "oracle": Entry(
            f"{_FAMILY}.remove:build_oracle",
            f"{_FAMILY}.config:OracleConfig",
            "exactly the fake users are removed: the upper bound, no defence",
        ),
        "random-removal": Entry(
            f"{_FAMILY}.remove:build_random_removal",
            f"{_FAMILY}.config:RandomRemovalConfig",
            "as many users as are fake are removed at random: the lower bound",
        ),
        "reweight": Entry(
            f"{_FAMILY}.reweight:Reweight",
            f"{_FAMILY}.config:ReweightConfig",
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
