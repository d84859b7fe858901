"""Random templates: sentences of our own around the request, drawn at random; nothing is learned from what came of them."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from reverie.plain_yaml import read_yaml
from reverie.redteam.attackers.campaign import Campaign, Pursuit, attack_each
from reverie.redteam.attackers.config import REQUEST, TemplateConfig
from reverie.redteam.roles import Answers, Brief, Step, Tally

PARTS = ("openings", "reasons", "asks", "endings")


@cache
def load_parts() -> Mapping[str, tuple[str, ...]]:
    """Return the sentences that templates are made of, by part."""
    values: dict[str, Any] = read_yaml(Path(__file__).with_name("templates.yaml"))
    return {name: tuple(values[name]) for name in PARTS}


def fill_template(number: int, request: str) -> str:
    """Return template `number` around a request; the numbers count through all combinations of the parts."""
    parts = load_parts()
    places = np.unravel_index(number, [len(parts[name]) for name in PARTS])
    chosen = [parts[name][int(place)] for name, place in zip(PARTS, places, strict=True)]
    return " ".join(part.replace(REQUEST, request) for part in chosen if part)


def count_templates() -> int:
    """Return the number of combinations."""
    return prod(len(parts) for parts in load_parts().values())


def template(config: TemplateConfig, brief: Brief) -> Generator[Step, Answers, Tally]:
    """Say the request in templates drawn without repetition."""

    def pursue(campaign: Campaign) -> Pursuit:
        request, own = campaign.goal.request, config.templates
        drawn = campaign.generator("templates").permutation(len(own) or count_templates())
        texts = {
            number: own[number].replace(REQUEST, request) if own else fill_template(number, request) for number in drawn.tolist()
        }
        numbers = np.resize(drawn, campaign.left).tolist()
        yield [campaign.attempt(texts[number], "template", (f"template-{number}",)) for number in numbers]

    return attack_each(brief, pursue)
