"""TAP: a tree of revised messages, pruned before and after they are tried (arXiv 2312.02119)."""

from __future__ import annotations

from collections.abc import Generator

from reverie.redteam.attackers.campaign import Campaign, Pursuit, attack_each
from reverie.redteam.attackers.config import TapConfig
from reverie.redteam.attackers.pair import Line, first_messages, is_over, propose
from reverie.redteam.attackers.writing import attempts_of, say_again
from reverie.redteam.attempts import Attempt
from reverie.redteam.roles import Answers, Brief, Step, Tally


def tap(config: TapConfig, brief: Brief) -> Generator[Step, Answers, Tally]:
    """Grow a tree: revise each leaf several times, prune what left the goal, try the rest, and keep the leaves of highest score.

    As published: branching, pruning off the goal before a call is spent, pruning to the width by score after it, depth. Ours: a
    message is on its goal if it holds a share of the content words of request and aim (a model judges it in the paper); the score
    is the detector's; after a success, at full depth or where nothing is left, a new tree begins until the calls are spent; smaller
    trees by default; a tree may begin with hand-written cases.
    """

    def pursue(campaign: Campaign) -> Pursuit:
        leaves, said, first = [Line()], list[Attempt](), first_messages(config, campaign, "tap")
        while campaign.left and (room := config.writings * campaign.calls - campaign.writings) > 0:
            grown = [leaf for leaf in leaves for _ in range(config.branching)][:room]
            proposed = yield from propose(config, campaign, grown, first, config.on_goal)
            kept = list(proposed.items())[: campaign.left]
            wishes = [grown[at].wish(campaign, written, "tap") for at, written in kept]
            answers = attempts_of((yield wishes)) if wishes else []
            said += answers
            tried = [Line((*grown[at].before, answer)) for (at, _), answer in zip(kept, answers, strict=True)]
            best = sorted(tried, key=lambda line: -line.before[-1].finding.score)[: config.width]
            leaves = [Line()] if not best or any(is_over(line, config.depth) for line in best) else best
        yield from say_again(campaign, said)

    return attack_each(brief, pursue)
