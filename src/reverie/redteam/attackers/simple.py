"""Controls without a loop: the bare request, and hand-written cases; and attempts of before, said again."""

from __future__ import annotations

from collections.abc import Generator
from itertools import cycle, islice

from reverie.errors import ConfigError
from reverie.redteam.attackers.campaign import Campaign, Pursuit, attack_each
from reverie.redteam.attackers.config import NullConfig, ReplayConfig, SeedsOnlyConfig
from reverie.redteam.attempts import Attempt
from reverie.redteam.cases import render_case
from reverie.redteam.messages import Conversation
from reverie.redteam.roles import Answers, Brief, Step, Tally


def null(config: NullConfig, brief: Brief) -> Generator[Step, Answers, Tally]:
    """Say the benign base request of each goal, with no attack text, as often as there are calls."""

    def pursue(campaign: Campaign) -> Pursuit:
        yield [campaign.attempt(campaign.goal.request, "null") for _ in range(campaign.left)]

    return attack_each(brief, pursue)


def seeds_only(config: SeedsOnlyConfig, brief: Brief) -> Generator[Step, Answers, Tally]:
    """Say the hand-written cases in a drawn order, again from the first where there are more calls than cases."""

    def pursue(campaign: Campaign) -> Pursuit:
        cases = campaign.shuffled_cases("seeds-only")
        if cases:
            yield [
                campaign.attempt(render_case(case, campaign.goal), "seeds-only", (case.id,), case.explanation)
                for case in islice(cycle(cases), campaign.left)
            ]

    return attack_each(brief, pursue)


def replay(config: ReplayConfig, brief: Brief) -> Generator[Step, Answers, Tally]:
    """Say attempts of an archive again, each `generations` times with seeds of their own, as far as the calls reach.

    Each text is said once, those that got through most often first, so that where the calls are few the strongest are said. An
    attempt keeps its technique and names the one that it repeats as its parent, so that success can be compared by technique.
    """
    if not brief.archive:
        raise ConfigError("the attacker 'replay' says attempts of before again, and none are given; give it an attack set")

    def pursue(campaign: Campaign) -> Pursuit:
        same: dict[Conversation, list[Attempt]] = {}
        for attempt in brief.archive:
            if attempt.tried.goal.id == campaign.goal.id:
                same.setdefault(attempt.tried.turns, []).append(attempt)
        ranked = sorted(same.values(), key=lambda some: -sum(one.finding.success for one in some))
        said = [some[0] for some in ranked for _ in range(config.generations)][: campaign.left]
        if said:
            yield [campaign.attempt(one.tried.turns, one.tried.technique, (one.id,), one.tried.explanation) for one in said]

    return attack_each(brief, pursue)
