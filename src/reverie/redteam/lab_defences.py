"""Defences at work in a lab: guards put around a target, and what learns taught."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from reverie.errors import ConfigError
from reverie.redteam.attempts import Attempt, Try
from reverie.redteam.benign import benign_prompts, benign_tries, prompts_for
from reverie.redteam.cells import HardenCell
from reverie.redteam.defence_rows import DefenceRow, FilterConfig
from reverie.redteam.defences.config import ConsistencyConfig, HardeningConfig
from reverie.redteam.defences.examples import benign_examples, clean_examples, mixed, refusal_examples
from reverie.redteam.detectors.lookup import detect
from reverie.redteam.detectors.refusal import is_refusal
from reverie.redteam.goals import Goal
from reverie.redteam.lab import Taught
from reverie.redteam.lab_targets import MODEL
from reverie.redteam.messages import Conversation, Reply
from reverie.redteam.models.config import LocalModel
from reverie.redteam.roles import Target
from reverie.redteam.targets.chat_recommender import read_reply
from reverie.redteam.targets.config import ChatRecommenderTarget, ChatTarget, CoLLMTarget, TargetConfig
from reverie.seeds import numpy_generator

FILTER = "filter.json"
"""What an input filter learned."""


def guarded(target: Target, row: DefenceRow, learned: Path | None, seed: int = 0) -> Target:
    """Return a target behind a guard, at a seed of the study; a defence that changes weights is already in the target."""
    from reverie.redteam.defences import guards, output_guards

    match row.name:
        case "always-refuse":
            return guards.AlwaysRefuse(target)
        case "structured-prompt":
            return guards.StructuredPrompt(target, seed)
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
    from reverie.redteam.defences.suspicion import FOLDS, Suspicion, filter_quality, fit_suspicion, minilm

    goal_of = {one.tried.text: one.tried.goal.id for some in lessons for one in some if one.tried.technique != "null"}
    left = set(list(dict.fromkeys(goal_of.values()))[::4])  # a quarter of the goals, to measure on
    attacks = {part: [text for text, goal in goal_of.items() if (goal in left) == part] for part in (False, True)}
    benign = [[prompt.text for prompt in benign_prompts("train")][at::4] for at in range(4)]
    if len(attacks[False]) < FOLDS:
        return Taught(0, {})
    embed, shown = minilm(config.encoder), [text for some in benign[1:] for text in some]

    def fitted(texts: Sequence[str], harmless: Sequence[str]) -> Suspicion:
        return fit_suspicion(texts, harmless, embed, seed=cell.seed, ridge=config.ridge, false_alarms=config.false_alarms)

    measured = fitted(attacks[False], shown)
    quality = filter_quality(measured, attacks[True], benign[0], [goal_of[text] for text in attacks[True]])
    fitted([*goal_of], [*shown, *benign[0]]).save(folder / FILTER)
    return Taught(len(goal_of), {"auc": quality.auc, "auc_low": quality.low, "auc_high": quality.high})


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
    broken, render = learned_from(config, lessons), reader(target)
    if not broken:
        return Taught(0, {})
    chat = LocalChat.load(model)  # as it was before any round: what it says to benign requests is kept
    told = [one for one in broken if one.tried.goal.kind not in RANKED]
    ranked = [one for one in broken if one.tried.goal.kind in RANKED]
    answers = refusal_examples(told, config.refusals, config.seed, render) + (
        clean_examples(ranked, chat, config.seed, render) if ranked else []
    )
    if not answers:
        return Taught(0, {})
    wanted = 2 * round(len(answers) * config.benign_share / (1 - config.benign_share))  # half of the answers may be of no use
    prompts = prompts_for(frozenset(goal.kind for goal in goals), "train")
    order = numpy_generator(cell.seed, "benign requests of a lesson", cell.round).permutation(len(prompts))[:wanted]
    tries = benign_tries([prompts[at] for at in order], [goal for goal in goals if goal.part == "build"], cell.seed)
    benign = benign_examples(tries, chat, is_clean, render) if wanted else []
    examples = mixed(answers, benign, config.benign_share, config.seed)
    del chat
    backbone = load_local(model)
    notes = teach(backbone if previous is None else with_adapter(backbone, previous), examples, config, cell.round, folder)
    n_updates = config.updates(len(examples))
    return Taught(len(answers), {
        "benign_share": 1 - len(answers) / len(examples), "updates": float(n_updates),
        "warmup_steps": float(config.warmup_steps(len(examples))), "loss": float(notes["losses"][-1]),
    })  # fmt: skip


def learned_from(config: HardeningConfig, lessons: Sequence[Sequence[Attempt]]) -> list[Attempt]:
    """Return the attempts that a round learns from, by the attempts of all rounds so far; none where too little got through."""
    chosen = lessons[:1] if not config.regenerate else lessons if config.keep_earlier else lessons[-1:]
    through = [[one for one in some if one.finding.success] for some in chosen]
    enough = len({one.tried.text for one in through[-1]}) > config.fewest
    return [one for some in through for one in some] if enough else []


def teach_consistency(
    config: ConsistencyConfig,
    target: CoLLMTarget,
    lessons: Sequence[Sequence[Attempt]],
    cell: HardenCell,
    previous: Path | None,
    folder: Path,
    offline: bool,
) -> Taught:
    """Teach a CoLLM that text planted in a title must not move its score, going on from the round before."""
    from reverie.llm.collm.steps import labelled
    from reverie.llm.collm.study import open_study
    from reverie.models import save_model
    from reverie.redteam.defences.consistency import Plant, make_consistent
    from reverie.redteam.targets.collm import CoLLMRecommender

    through = [one.tried for some in lessons for one in some if one.finding.success]
    plants = list(dict.fromkeys(Plant(one.text, one.goal.item[1] if one.goal.item else "") for one in through))
    if not any(one.finding.success for one in lessons[-1]):
        return Taught(0, {})
    split = open_study(Path(target.run), offline).split
    hardened = target if previous is None else target.model_copy(update={"run": str(previous / MODEL)})
    model = CoLLMRecommender.load(hardened).model
    losses = make_consistent(model, labelled(split), plants, config.model_copy(update={"seed": cell.seed}), folder / "training")
    save_model(model, folder / MODEL)
    shutil.rmtree(folder / "training", ignore_errors=True)
    return Taught(len(plants), {"loss": losses[-1]})


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


def is_clean(tried: Try, reply: Reply) -> bool:
    """Return whether a reply to a benign request neither does what the goal wants, in its list or its words, nor refuses."""
    return not is_refusal(reply.text) and not detect(tried, read_reply(tried.goal, reply)).success
