"""Recipes of the studies of long-term value: rows that are trained on one log, and a world in which they act."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import AfterValidator, Field, FiniteFloat, NonNegativeInt, PositiveInt, model_validator

from reverie.data.splits.config import ByUser, SplitConfig
from reverie.errors import nearest
from reverie.models.shelf import MODELS
from reverie.options import Few, Options, checked
from reverie.settings import Settings, put
from reverie.study.recipe import BaseRecipe, Grid, Name, RecipeShelf, check_tuning_seeds
from reverie.training.config import TrainingConfig
from reverie.training.recipe import DatasetRecipe

BACKBONE = "backbone"
"""In a row's `model`: the backbone itself, trained as a plain recommender."""
Backbone = Literal["gru4rec", "caser", "sasrec", "nextitnet"]
Policy = Literal["ce", "q", "ce+q"]
Checkpoint = Literal["best", "last"]
RANKED = ("recall", "ndcg")
"""Metrics of rankings at each cut-off."""
REWARD = "cumulative_reward"
"""Rewards of the targets among the first k, per query."""
IN_WORLD = ("return", "regret", "length")
"""Metrics of roll-outs."""
TOLD = ("q_over", "q_over_best", "q_minus_logged", "reward_error", "transition_error")
"""Measured once for each actor, without a value for each session."""
OF_Q = TOLD[:3]
"""Those of the values of a Q head that acts."""
KIND = "kind:"
"""Begins the name of a slice of the targets of one kind of event."""
ORACLE = "oracle"
"""Name of a world's best policy."""
T = TypeVar("T")


def _once(values: tuple[T, ...]) -> tuple[T, ...]:
    """Refuse a value that is there twice, whose rows would be, too."""
    for at, one in enumerate(values):
        if one in values[:at]:
            raise ValueError(f"{one!r} is there twice; write it once")
    return values


Once = AfterValidator(_once)
Policies = Annotated[tuple[Policy, ...], Field(min_length=1), Once]
Backbones = Annotated[tuple[Backbone, ...], Once]


class RLRow(Options):
    """One row of the table: a model, and what makes it this row."""

    model: str
    """Registered name, or ``backbone``."""
    description: str = ""
    """What the row stands for."""
    set: Settings = Field(default_factory=dict)
    """Settings by dotted key, ``model.…`` or ``training.…``."""
    grid: Grid = ()
    """Settings from which validation, or `tuning`, chooses; a mapping of keys to lists of values means all combinations."""
    setting_of: Name | None = None
    """Row whose chosen setting this one takes on the same backbone, as a control does that differs in one thing, which its `set`
    says and which is kept; it has no grid."""
    backbones: Backbones | None = None
    """Backbones that it is run on; None takes the first one of the recipe, and ``[]`` means that it needs none."""
    policies: Policies | None = None
    """Who acts; None takes those of the recipe."""


class RLClaim(Options):
    """A comparison that a sentence rests on; sides are ``row``, ``row/policy`` or ``row/policy/backbone``."""

    first: str
    """What is said to be better."""
    other: str
    """Than what."""
    why: str
    """The question that it answers."""
    metrics: Annotated[tuple[str, ...], Field(min_length=1), Once] = ("ndcg@10", "cumulative_reward@10")
    """What is compared, ``metric`` or ``slice/metric``, e.g. ``kind:buy/ndcg@10``."""
    checkpoint: Checkpoint = "best"
    """Weights of either side."""

    @property
    def kinds(self) -> list[str]:
        """Kinds of events that metrics are of."""
        return [part.removeprefix(KIND) for part, _, _ in (one.rpartition("/") for one in self.metrics) if part.startswith(KIND)]


class RLCheck(Options):
    """A bound that a number has to keep; it is kept where the interval over seeds lies within."""

    side: str
    """``row``, ``row/policy`` or ``row/policy/backbone``."""
    metric: Literal["share_of_oracle", "q_over"]
    """Return as a share of the oracle's in the same sessions, or the over-estimation of its own values."""
    at_least: FiniteFloat | None = None
    """Lower bound."""
    at_most: FiniteFloat | None = None
    """Upper bound."""
    checkpoint: Checkpoint = "last"
    """Weights."""

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError(f"the check of '{self.side}' has no bound; give at_least, at_most or both")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"at_least={self.at_least:g} of '{self.side}' is above at_most={self.at_most:g}; no number keeps both")
        return self


class OtherWorld(Options):
    """Another session world, on whose log settings are tried; the best mean return there is chosen, with the last weights.

    Q acts where it is taught and among the row's policies, else the logits. Validation on a log cannot tell what a policy would
    earn, and the world that rows are measured in may not be asked.
    """

    seed: int = 1
    """Of its items' interest and hazard; the world of the study has 0."""
    log_sessions: PositiveInt = Field(default=50_000, le=1_000_000)
    """Sessions of its log."""
    log_seed: int = 0
    """Of the log."""


class RLRecipe(BaseRecipe):
    """One study."""

    dataset: DatasetRecipe
    """The log."""
    split: SplitConfig = ByUser(protocol="by_user", targets="all")
    """Protocol; the rows of a log that is cut into sessions are sessions."""
    backbones: dict[Backbone, Settings] = Field(min_length=1)
    """Networks over the history, each with its own options; the first one carries every row."""
    rows: dict[Name, RLRow] = Field(min_length=1)
    """By name, in the order of the table."""
    set: Settings = Field(default_factory=dict)
    """Settings of every row that is trained by gradient steps."""
    values: Settings = Field(default_factory=dict)
    """Settings of the rows that learn values of actions on a backbone."""
    training: TrainingConfig = TrainingConfig()
    """How rows are fitted; the seed is that of the cell."""
    policies: Policies = ("ce", "q", "ce+q")
    """Who acts in the rows that have both heads."""
    checkpoints: Annotated[tuple[Checkpoint, ...], Field(min_length=1), Once] = ("best", "last")
    """Weights of the best validation and of the last epoch."""
    ks: Annotated[tuple[PositiveInt, ...], Field(min_length=1), Once] = (10, 20)
    """Cut-offs."""
    world: str | None = None
    """Where policies act after training: ``session``, ``coat``, or a log to imitate (the `name` of `dataset` imitates that log,
    with its rewards and sessions); None for a log alone."""
    sessions: PositiveInt = 2000
    """Sessions that a policy is watched for in the world."""
    seeds: Few = 5
    """Rows are measured at the seeds 0 … seeds - 1."""
    tuning_seeds: tuple[NonNegativeInt, ...] = Field(default=(100,), min_length=1)
    """Seeds at which settings are chosen; none of those that rows are measured at."""
    tuning: OtherWorld | None = None
    """Where settings are chosen by return, beside ``world: session``; None chooses them by the validation metric of the log."""
    claims: tuple[RLClaim, ...] = ()
    """Comparisons that sentences rest on."""
    checks: tuple[RLCheck, ...] = ()
    """Bounds that numbers of the world have to keep."""

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        sides = [side for one in self.claims for side in (one.first, one.other)] + [one.side for one in self.checks]
        for name in (side.partition("/")[0] for side in sides):
            if name not in self.rows:
                raise ValueError(f"unknown row '{name}'{nearest(name, self.rows)}; known: {', '.join(self.rows)}")
        check_tuning_seeds(self.tuning_seeds, self.seeds)
        if self.tuning is not None and self.world != "session":
            raise ValueError("'tuning' is another session world; it needs world: session")
        if self.world is not None and ORACLE in self.rows:
            raise ValueError(f"rows.{ORACLE}: the best policy of the world is called so; call the row otherwise")
        require_parts("set", self.set)
        require_parts("values", self.values, ("model",))
        for name, row in self.rows.items():
            for at, settings in ((f"rows.{name}.set", row.set), *((f"rows.{name}.grid", one) for one in row.grid)):
                require_parts(at, settings)
            self._require_backbone(name, row)
            self._require_source(name, row)
            for backbone in self.backbones_of(row):
                for setting in self.grid_of(name) or ({},):
                    model, values = self.model(row, backbone, setting)
                    checked(MODELS.config(model), values, f"rows.{name}: model '{model}'")
                    checked(TrainingConfig, self.training_values(row, setting), f"rows.{name}: training")
        for claim in self.claims:
            self._require_metrics(claim)
            for side in (claim.first, claim.other):
                self._require_side("claims", side, claim.metrics, claim.checkpoint)
        for check in self.checks:
            if self.world is None:
                raise ValueError(f"checks: '{check.metric}' is measured in a world, and the recipe has none; leave it out")
            self._require_side("checks", check.side, (check.metric,), check.checkpoint)
        return self

    def _require_backbone(self, name: str, row: RLRow) -> None:
        """Refuse a row without the backbone that it stands on, and one with a backbone that its model has no place for."""
        if row.model == BACKBONE or (
            "needs-reward" in MODELS[row.model].tags and "backbone" in MODELS.config(row.model).model_fields
        ):
            if row.backbones is not None and not set(row.backbones) & set(self.backbones):
                listed = ", ".join(self.backbones)
                raise ValueError(
                    f"rows.{name}: '{row.model}' stands on a backbone; name one of {listed} in its 'backbones', or leave them out"
                )
        elif row.backbones != ():
            todo = "write backbones: []" + (", or model: backbone" if row.model in get_args(Backbone) else "")
            raise ValueError(f"rows.{name}: '{row.model}' stands on no backbone of the recipe; {todo}")

    def _require_source(self, name: str, row: RLRow) -> None:
        """Refuse a setting that no row chooses."""
        if row.setting_of is None:
            return
        source = self.rows.get(row.setting_of)
        if source is None or not source.grid or row.grid or not set(self.backbones_of(row)) <= set(self.backbones_of(source)):
            raise ValueError(
                f"rows.{name}: 'setting_of' names a row with a grid on the same backbones, and the row itself has none"
            )

    def source_of(self, name: str) -> str:
        """Return the row that chooses the setting of a row: itself, or the one that it names."""
        return self.rows[name].setting_of or name

    def grid_of(self, name: str) -> Grid:
        """Return the settings that a row's is chosen from."""
        return self.rows[self.source_of(name)].grid

    def _require_metrics(self, claim: RLClaim) -> None:
        """Refuse a claim of metrics that no training of this recipe has."""
        ranked = [f"{name}@{k}" for k in self.ks for name in (*RANKED, REWARD)]
        known = [*ranked, *IN_WORLD, *TOLD]
        for metric in claim.metrics:
            part, _, name = metric.rpartition("/")
            if name not in known:
                raise ValueError(f"claims: unknown metric '{metric}'{nearest(metric, known)}; known: {', '.join(known)}")
            if part not in ("", "all") and not (part.startswith(KIND) and name in ranked):
                raise ValueError(
                    f"claims: '{metric}' is not measured; only metrics of rankings have slices, as {KIND}buy/{ranked[0]}"
                )
            if self.world is None and name in (*IN_WORLD, *TOLD) and name != "q_minus_logged":
                raise ValueError(f"claims: '{metric}' is measured in a world, and the recipe has none; leave it out")

    def _require_side(self, where: str, side: str, metrics: tuple[str, ...], checkpoint: Checkpoint) -> None:
        """Refuse a side of a claim or a check that no training of this recipe measures."""
        name, *more = side.split("/")
        row = self.rows[name]
        plain = row.model == BACKBONE or "needs-reward" not in MODELS[row.model].tags
        policies = {"ce"} if plain else {"ce", *(row.policies or self.policies)}
        allowed: list[Iterable[str]] = [policies, [one for one in self.backbones_of(row) if one is not None]]
        if len(more) > len(allowed):
            raise ValueError(f"{where}: '{side}' has too many parts; write row, row/policy or row/policy/backbone")
        policy = more[0] if more else next(one for one in (*(row.policies or self.policies), "ce") if one in policies)
        if policy != "q" and (of_q := sorted(set(metrics) & set(OF_Q))):
            raise ValueError(f"{where}: '{of_q[0]}' is measured where Q acts; write '{name}/q'")
        for what, value, values in zip(("policy", "backbone"), more, allowed, strict=False):
            if value not in values:
                listed = ", ".join(sorted(values)) or "none"
                raise ValueError(f"{where}: '{side}' names the {what} '{value}', which is not run; {name} has {listed}")
        if self.backbones_of(row) != (None,) and checkpoint not in self.checkpoints:
            raise ValueError(f"{where}: the checkpoint '{checkpoint}' of '{side}' is not among 'checkpoints'; add it there")

    def backbones_of(self, row: RLRow) -> tuple[Backbone | None, ...]:
        """Return the backbones that a row is run on, (None,) where it needs none."""
        if row.backbones is None:
            return (next(iter(self.backbones)),)
        return tuple(one for one in row.backbones if one in self.backbones) or (None,)

    def model(self, row: RLRow, backbone: Backbone | None, setting: Settings) -> tuple[str, dict[str, Any]]:
        """Return the registered name and the options of a row's model on a backbone."""
        plain = row.model == BACKBONE
        name = str(backbone) if plain else row.model
        learns = "learns" in MODELS[name].tags
        rewarded = "needs-reward" in MODELS[name].tags
        found: dict[str, Any] = {}
        if backbone is not None and not plain:
            found["backbone"] = backbone
        own = self.backbones.get(backbone, {}) if backbone is not None else {}
        inside = {f"model.{'' if plain else 'backbone_options.'}{key}": value for key, value in own.items()}
        for part in (
            self.set if learns else {},
            inside,
            self.values if rewarded and backbone is not None else {},
            *_in_order(row, setting),
        ):
            for key, value in part.items():
                if key.startswith("model."):
                    found = put(found, key.removeprefix("model."), value, f"rows, {key}")
        return name, found

    def training_values(self, row: RLRow, setting: Settings) -> dict[str, Any]:
        """Return how a row is fitted, as plain values."""
        found = self.training.model_dump(mode="json")
        for part in (self.set, *_in_order(row, setting)):
            for key, value in part.items():
                if key.startswith("training."):
                    found = put(found, key.removeprefix("training."), value, f"rows, {key}")
        return found


def _in_order(row: RLRow, setting: Settings) -> tuple[Settings, Settings]:
    """Return a row's own settings and the chosen ones, of which the last wins: its own where another row chooses."""
    return (row.set, setting) if row.setting_of is None else (setting, row.set)


def require_parts(where: str, settings: Settings, parts: tuple[str, ...] = ("model", "training")) -> None:
    """Refuse settings of anything but these parts of a row."""
    for key in settings:
        part, dot, option = key.partition(".")
        if part not in parts or not dot or not option:
            raise ValueError(f"{where}: '{key}' is no setting of a row; write {' or '.join(f'{one}.<option>' for one in parts)}")
        if key == "model.backbone":
            raise ValueError(f"{where}: '{key}' would change what a row is called by; name backbones in the 'backbones' of rows")


def _columns(recipe: RLRecipe) -> dict[str, str]:
    counts = {"rows": str(len(recipe.rows)), "backbones": str(len(recipe.backbones)), "seeds": str(recipe.seeds)}
    named = {"recipe": recipe.name, "data": recipe.dataset.name, "world": recipe.world or "–"}
    return named | counts | {"description": recipe.description}


LONG_TERM = RecipeShelf(
    "a recipe of long-term value",
    RLRecipe,
    "reverie.rl",
    "reverie rl --list",
    "seeds=3",
    columns=_columns,
)
"""Recipes of `reverie rl`."""
