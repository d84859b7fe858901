"""The goals of a target: of chat models, or scenes of the log that a recommender was made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import ConfigError
from reverie.redteam.goal_files import read_goals
from reverie.redteam.goal_sets import chat_goals
from reverie.redteam.goals import Goal
from reverie.redteam.models.config import HttpModel
from reverie.redteam.recipe import GoalsRecipe
from reverie.redteam.targets.config import TargetConfig
from reverie.redteam.targets.possible import POSSIBLE

if TYPE_CHECKING:
    from reverie.data.dataset import Dataset


def goals_for(config: TargetConfig, wanted: GoalsRecipe, offline: bool, where: str) -> tuple[Goal, ...]:
    """Return the goals of a recipe that a target can meet.

    Of chat models, goals of other kinds than those wanted are left out after a draw that is large enough.

    Raises
    ------
    ConfigError
        If the target can meet none of the kinds that are wanted, is never told the goals' system prompts, or a recommender has no
        dataset.
    """
    check_told(config, wanted, where)
    possible = POSSIBLE[config.kind]
    kinds = [kind for kind in wanted.kinds if kind in possible] if wanted.kinds else sorted(possible)
    if not kinds:
        asked, known = ", ".join(wanted.kinds), ", ".join(sorted(possible))
        raise ConfigError(f"targets.{where}: a target of kind '{config.kind}' cannot be measured on {asked}; it takes {known}")
    if wanted.file is not None:
        own = tuple(goal for goal in read_goals(wanted.file) if goal.kind in kinds)
        if not own:
            raise ConfigError(f"{wanted.file} has no goal that '{where}' can be measured on; it takes {', '.join(kinds)}")
        return own
    if config.kind in ("chat", "control"):
        return _drawn(lambda n: chat_goals(n, wanted.seed), kinds, wanted.n)
    from reverie.redteam import recommender_goals as made

    dataset = dataset_for(config, wanted, offline, where)
    match config.kind:
        case "collm":
            return _drawn(lambda n: made.collm_goals(dataset, n, wanted.seed), kinds, wanted.n)
        case "recinterpreter":
            return _drawn(lambda n: made.interpreter_goals(dataset, n, wanted.seed), kinds, wanted.n)
    chosen = [kind for kind in made.RECOMMENDER if kind in kinds]
    return made.recommender_goals(dataset, wanted.n, wanted.seed, kinds=chosen)


def check_told(config: TargetConfig, wanted: GoalsRecipe, where: str) -> None:
    """Refuse an endpoint that is not sent the system prompts of drawn goals: what it was never told it could not leak."""
    model = getattr(config, "model", None)
    fixed = config.kind == "chat" and wanted.file is not None  # its operator may have written the prompts of the file into it
    if isinstance(model, HttpModel) and not model.tells_system and not fixed:
        raise ConfigError(
            f"targets.{where}: the template sends no system prompt, so nothing could leak; put {{system}} or {{messages}} in it, "
            "or name goals of your own with goals.file"
        )


def check_kinds(wanted: GoalsRecipe, targets: Mapping[str, TargetConfig]) -> None:
    """Raise where a wanted kind of goal can be met by none of the targets."""
    for kind in wanted.kinds:
        if not any(kind in POSSIBLE[config.kind] for config in targets.values()):
            known = ", ".join(sorted({one for config in targets.values() for one in POSSIBLE[config.kind]}))
            raise ConfigError(f"goals.kinds: no target can be measured on '{kind}'; leave it out, there are {known}")


def _drawn(draw: Callable[[int], tuple[Goal, ...]], kinds: Sequence[str], n: int) -> tuple[Goal, ...]:
    """Draw ever more goals until there are enough of the kinds that are wanted."""
    size = n
    while True:
        found = [goal for goal in draw(size) if goal.kind in kinds]
        if len(found) >= n:
            return tuple(found[:n])
        size += max(1, n - len(found))


def dataset_for(config: TargetConfig, wanted: GoalsRecipe, offline: bool, where: str) -> Dataset:
    """Return the log of a recipe, or that of the run which the target is."""
    from reverie.data.sources.load import load_dataset
    from reverie.training.event_log import open_recipe_dataset

    if wanted.dataset is not None:
        return load_dataset(wanted.dataset, offline=offline)
    if config.kind == "collm":
        from reverie.llm.collm.recipe import COLLM

        return open_recipe_dataset(COLLM.load(str(Path(config.run) / COLLM.file)).dataset, offline)
    if config.kind == "recinterpreter":
        from reverie.llm.interpreter.recipe import INTERPRETER

        return open_recipe_dataset(INTERPRETER.load(str(Path(config.run) / INTERPRETER.file)).training_recipe().dataset, offline)
    raise ConfigError(f"targets.{where}: a recommender needs scenes of a real log; name one with --set goals.dataset=ml-100k")
