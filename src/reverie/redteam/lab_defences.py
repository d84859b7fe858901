"""Defences at work in a lab: guards put around a target, and what learns taught."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from reverie.errors import ConfigError
from reverie.redteam.attempts import Attempt, Response, Try
from reverie.redteam.benign import benign_prompts, benign_tries, prompts_for
from reverie.redteam.cells import HardenCell
from reverie.redteam.defence_rows import DefenceRow, FilterConfig
from reverie.redteam.defences.config import HardeningConfig
from reverie.redteam.defences.examples import benign_examples, clean_examples, mixed, refusal_examples
from reverie.redteam.detectors.lookup import detect
from reverie.redteam.detectors.refusal import is_refusal
from reverie.redteam.goals import Goal
from reverie.redteam.lab import Taught
from reverie.redteam.messages import Conversation
from reverie.redteam.models.config import LocalModel
from reverie.redteam.roles import Target
from reverie.redteam.targets.config import ChatRecommenderTarget, ChatTarget, TargetConfig

FILTER = "filter.json"
"""What an input filter learned."""


def guarded(target: Target, row: DefenceRow, learned: Path | None) -> Target:
    """Return a target behind a guard; a defence that changes weights is already in the target."""
    from reverie.redteam.defences import guards, output_guards

    match row.name:
        case "always-refuse":
            return guards.AlwaysRefuse(target)
        case "structured-prompt":
            return guards.StructuredPrompt(target)
        case "output-detector":
            return output_guards.OutputDetector(target)
        case "catalogue-constraint":
            return output_guards.CatalogueConstraint(target, getattr(row.config, "banned", ()))
    if isinstance(row.config, FilterConfig) and learned is not None:
        from reverie.redteam.defences.suspicion import load_suspicion, minilm

        suspicion = load_suspicion(learned / FILTER, minilm(row.config.encoder))
        return guards.InputFilter(target, suspicion, suspicion.threshold)
    return target


def teach_filter(config: FilterConfig, lessons: Sequence[Sequence[Attempt]], cell: HardenCell, folder: Path) -> Taught:
    """Teach an input filter to tell what was tried from benign requests, and measure it on goals that it was not taught with."""
    from reverie.redteam.defences.suspicion import filter_quality, fit_suspicion, minilm

    tried = [one.tried for some in lessons for one in some if one.tried.technique != "null"]
    goals = list(dict.fromkeys(one.goal.id for one in tried))
    left = set(goals[::4])  # a quarter of the goals, to measure on
    attacks = {part: list(dict.fromkeys(one.text for one in tried if (one.goal.id in left) == part)) for part in (False, True)}
    benign = [[prompt.text for prompt in benign_prompts("train")][at::4] for at in range(4)]
    if not attacks[False]:
        return Taught(0, {})
    embed = minilm(config.encoder)
    shown = [text for some in benign[1:] for text in some]
    options = {"seed": cell.seed, "ridge": config.ridge, "false_alarms": config.false_alarms}
    quality = filter_quality(fit_suspicion(attacks[False], shown, embed, **options), attacks[True], benign[0])  # type: ignore[arg-type]
    fit_suspicion([*attacks[False], *attacks[True]], [*shown, *benign[0]], embed, **options).save(folder / FILTER)  # type: ignore[arg-type]
    return Taught(len(attacks[False]) + len(attacks[True]), {"auc": quality.auc, "auc_low": quality.low, "auc_high": quality.high})


def teach_lora(
    config: HardeningConfig,
    target: ChatTarget | ChatRecommenderTarget,
    goals: Sequence[Goal],
    lessons: Sequence[Sequence[Attempt]],
    cell: HardenCell,
    previous: Path | None,
    folder: Path,
) -> Taught:
    """Teach a language model to withstand what got through, going on from the round before."""
    from reverie.redteam.defences.tuning import teach
    from reverie.redteam.models.adapters import with_adapter
    from reverie.redteam.models.local import LocalChat
    from reverie.redteam.models.packaged import load_local

    config, model = config.model_copy(update={"seed": cell.seed}), target.model
    if not isinstance(model, LocalModel):
        raise ConfigError(f"the weights of {cell.target} are not here, so they cannot be taught; take a local model")
    chosen = lessons if config.regenerate and config.keep_earlier else lessons[-1:] if config.regenerate else lessons[:1]
    new = [one for one in (lessons[-1] if config.regenerate else lessons[0]) if one.finding.success]
    if len({one.tried.text for one in new}) <= config.fewest:
        return Taught(0, {})
    broken = [one for some in chosen for one in some if one.finding.success]
    render = reader(target)
    chat = LocalChat.load(model)  # as it was before any round: what it says to benign requests is kept
    kinds = frozenset(goal.kind for goal in goals)
    tries = benign_tries(prompts_for(kinds, "train"), [goal for goal in goals if goal.part == "build"], cell.seed)
    benign = benign_examples(tries, chat, _is_clean, render)
    told = [one for one in broken if one.tried.goal.kind not in RANKED]
    ranked = [one for one in broken if one.tried.goal.kind in RANKED]
    answers = refusal_examples(told, config.refusals, config.seed, render) + (
        clean_examples(ranked, chat, config.seed, render) if ranked else []
    )
    if not answers:
        return Taught(0, {})
    examples = mixed(answers, benign, config.benign_share, config.seed)
    del chat
    backbone = load_local(model)
    notes = teach(backbone if previous is None else with_adapter(backbone, previous), examples, config, cell.round, folder)
    n_updates = config.updates(len(examples))
    return Taught(len(answers), {
        "benign_share": 1 - len(answers) / len(examples), "updates": float(n_updates),
        "warmup_steps": float(config.warmup_steps(len(examples))), "loss": float(notes["losses"][-1]),
    })  # fmt: skip


RANKED = frozenset({"promote", "demote", "off-catalogue"})
"""Goals of lists: what should be answered is the list to the plain request, as a refusal would be no service."""


def reader(config: TargetConfig) -> Callable[[Try], Conversation]:
    """Return what a target's language model reads of a try."""
    from reverie.redteam.targets.chat import under_system

    if isinstance(config, ChatRecommenderTarget):
        from reverie.redteam.targets.chat_recommender import recommender_prompt

        length = config.length
        return lambda tried: under_system(recommender_prompt(tried.goal, length), tried.turns)
    return lambda tried: under_system(tried.goal.system, tried.turns)


def _is_clean(tried: Try, answer: str) -> bool:
    """Return whether an answer to a benign request neither tells the secret nor refuses."""
    return not is_refusal(answer) and not detect(tried, Response(answer)).success
