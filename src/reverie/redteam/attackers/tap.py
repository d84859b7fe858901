"""TAP: a tree of revised messages, pruned before and after they are tried (arXiv 2312.02119)."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence

from reverie.redteam.attackers.campaign import Campaign, Pursuit, attack_each
from reverie.redteam.attackers.config import TapConfig
from reverie.redteam.attackers.pair import Line, ask_to_revise
from reverie.redteam.attackers.writing import Written, aim, attempts_of, replies_of, say_again, take_written
from reverie.redteam.attempts import Attempt
from reverie.redteam.goals import Goal
from reverie.redteam.roles import Answers, Brief, Step, Tally

_SHORT = 4
"""Letters of the shortest content word."""


def tap(config: TapConfig, brief: Brief) -> Generator[Step, Answers, Tally]:
    """Grow a tree: revise each leaf several times, prune what left the goal, try the rest, and keep the leaves of highest score.

    As published: branching, pruning off the goal before a call is spent, pruning to the width by score after it, depth. Ours: a
    message is on its goal if it holds a share of the content words of request and aim (a model judges it in the paper); the score
    is the detector's; after a success, at full depth or where nothing is left, a new tree begins until the calls are spent; smaller
    trees by default.
    """

    def pursue(campaign: Campaign) -> Pursuit:
        leaves, said = [Line()], list[Attempt]()
        while campaign.left and campaign.writings < config.writings * campaign.calls:
            tried = yield from _branch(config, campaign, leaves)
            said += [line.before[-1] for line in tried]
            best = sorted(tried, key=lambda line: -line.before[-1].finding.score)[: config.width]
            over = not best or best[0].before[-1].finding.success or len(best[0].before) >= config.depth
            leaves = [Line()] if over else best
        yield from say_again(campaign, said)

    return attack_each(brief, pursue)


def _branch(config: TapConfig, campaign: Campaign, leaves: Sequence[Line]) -> Generator[Step, Answers, list[Line]]:
    """Return the leaves of the next depth, as far as they were tried."""
    room = config.writings * campaign.calls - campaign.writings
    grown = [leaf for leaf in leaves for _ in range(config.branching)][:room]
    asked = [campaign.write(*ask_to_revise(campaign.goal, leaf.before[-config.memory :], config.form)) for leaf in grown]
    replies = replies_of((yield asked))
    found = [(leaf, take_written(campaign, reply, config.form)) for leaf, reply in zip(grown, replies, strict=True)]
    kept: list[tuple[Line, Written]] = []
    for leaf, written in found:
        if written is None:
            continue
        if share_of_goal(written.text, campaign.goal) < config.on_goal:
            campaign.unusable["off goal"] += 1
        elif written.text not in [other.text for _, other in kept]:
            kept.append((leaf, written))
        else:
            campaign.unusable["duplicate"] += 1
    kept = kept[: campaign.left]
    if not kept:
        return []
    wishes = [campaign.attempt(written.text, "tap", leaf.parents, written.explanation) for leaf, written in kept]
    attempts = attempts_of((yield wishes))
    return [Line((*leaf.before, attempt)) for (leaf, _), attempt in zip(kept, attempts, strict=True)]


def share_of_goal(text: str, goal: Goal) -> float:
    """Return the share of the content words of a goal's request and aim that a text holds."""
    wanted = content_words(f"{goal.request} {aim(goal)}")
    return len(wanted & content_words(text)) / len(wanted) if wanted else 1.0


def content_words(text: str) -> set[str]:
    """Return the words of a text that are not short, in lower case."""
    return {word for word in re.findall(r"\w+", text.casefold()) if len(word) >= _SHORT}
