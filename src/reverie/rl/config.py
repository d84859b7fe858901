"""Options of value models: backbone, discount, target network, who acts, weights of the losses; readable without torch."""

from typing import Any, Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveInt, model_validator

from reverie.models.sequence_options import SequenceOptions
from reverie.models.shelf import MODELS
from reverie.objectives.config import NegativesConfig, Positive
from reverie.options import checked

BACKBONES = ("gru4rec", "caser", "sasrec", "nextitnet")
"""Registered models whose networks may turn histories into states."""


class ValueOptions(SequenceOptions):
    """Options of every model with a cross-entropy head and a Q head on one sequence backbone."""

    backbone: Literal["gru4rec", "caser", "sasrec", "nextitnet"] = "sasrec"
    """Registered model whose network turns histories into states."""
    backbone_options: dict[str, Any] = Field(default_factory=dict)
    """Its options beside those that stand here (`dim`, `history`, `dropout`, `objective`, `table`), e.g. ``{blocks: 2}``."""
    history: int = Field(default=50, ge=2, le=100_000)
    """How many of the most recent events are read; pieces of as many transitions are trained at once (10 in the family)."""
    gamma: float = Field(default=0.5, ge=0, lt=1)
    """Discount γ of future rewards (0.5 in the family of SQN)."""
    policy: Literal["ce", "q", "ce+q"] = "ce"
    """Who acts: the cross-entropy head, which imitates the log (as published for SQN); the Q head; or their weighted sum."""
    mix: NonNegativeFloat | None = None
    """Factor of Q in ``ce+q``, in logits per unit of reward; None tries `grid` on validation after training."""
    grid: tuple[NonNegativeFloat, ...] = Field(default=(0.3, 1.0, 3.0, 10.0, 30.0), min_length=1)
    """Factors of Q that are tried."""
    target: Literal["coin", "ema", "periodic"] = "ema"
    """Target network: `coin`, two complete networks of which a fair coin picks the trained one each step (as published for SQN,
    SNQN and SA2C); `ema`, a moving average of the trained one; `periodic`, a copy of it."""
    target_rate: float = Field(default=0.01, gt=0, le=1)
    """Share of the trained network in each step of `ema`."""
    target_steps: PositiveInt = 200
    """Steps between two copies of `periodic`."""
    maximum: Literal["auto", "full", "sampled"] = "auto"
    """Whether the greedy next action is the best of all items, or of drawn ones and the logged next item, which keeps values under
    those of the best policy, as its action may not be among them; `auto`: all where there are at most 2,048."""
    conservative: Literal["auto", "full", "sampled"] = "auto"
    """The same for the conservative loss of the models that have one; where sampled, it is unbiased inside its logarithm."""
    candidates: NegativesConfig = NegativesConfig(n=256, shared=True)
    """How items of `sampled` are drawn."""
    ce_weight: NonNegativeFloat = 1.0
    """Weight of the cross-entropy; 0 leaves it out, as it does every other loss."""

    @model_validator(mode="after")
    def _can_be_built(self) -> Self:
        if set(self.backbone_options) & set(SequenceOptions.model_fields):
            names = ", ".join(sorted(set(self.backbone_options) & set(SequenceOptions.model_fields)))
            raise ValueError(f"'{names}' of backbone_options stands beside it; write it there")
        if "ahead" in self.backbone_options:
            raise ValueError("'ahead' of backbone_options is not read here: an action is the next event; leave it out")
        self.backbone_config()
        return self

    @model_validator(mode="after")
    def _acts_by_what_it_learns(self) -> Self:
        taught = self.teaches()
        if not any(taught.values()):
            raise ValueError("every loss has weight 0, so nothing is learned; give one of them a weight")
        if self.policy != "ce" and not taught["q"]:
            raise ValueError(f"policy '{self.policy}' acts by Q, which these weights do not teach; use policy 'ce'")
        return self

    def teaches(self) -> dict[str, bool]:
        """Return whether a loss with a weight teaches each head, ``ce`` and ``q``; `q_weight` is an option of most models."""
        return {"ce": self.ce_weight > 0, "q": getattr(self, "q_weight", 0.0) > 0}

    def backbone_config(self) -> Any:
        """Return the options of the backbone.

        Returns
        -------
        SequenceOptions
            Those of the registered model.
        """
        shared = {name: getattr(self, name) for name in SequenceOptions.model_fields}
        shared["history"] += 1  # the state after the last action of a piece is read too, as a next state
        where = f"backbone_options of '{self.backbone}'"
        return checked(MODELS.config(self.backbone), self.backbone_options | shared, where)


class SQNConfig(ValueOptions):
    """Options of `sqn` (arXiv 2006.05779)."""

    target: Literal["coin", "ema", "periodic"] = "coin"
    """Target network, see `ValueOptions`; `coin` as published."""
    q_weight: NonNegativeFloat = 1.0
    """Weight of the temporal-difference loss (1 as published)."""


class CQLConfig(ValueOptions):
    """Options of `cql` (arXiv 2006.04779, discrete)."""

    policy: Literal["ce", "q", "ce+q"] = "q"
    """Who acts; `q` is the published one."""
    q_weight: NonNegativeFloat = 1.0
    """Weight of the temporal-difference loss."""
    alpha: NonNegativeFloat = 1.0
    """Weight α of the conservative loss."""


class BCQConfig(ValueOptions):
    """Options of `bcq` (arXiv 1910.01708, discrete)."""

    policy: Literal["ce", "q", "ce+q"] = "q"
    """Who acts; `q` is the published one: the best value among the items that the log makes likely."""
    q_weight: NonNegativeFloat = 1.0
    """Weight of the temporal-difference loss."""
    threshold: float = Field(default=0.3, ge=0, lt=1)
    """Least probability of an allowed item under the cross-entropy head, as a share of the likeliest one's (0.3 as published)."""


class IQLConfig(ValueOptions):
    """Options of `iql` (arXiv 2110.06169, discrete)."""

    q_weight: NonNegativeFloat = 1.0
    """Weight of the losses of Q and V."""
    expectile: float = Field(default=0.7, gt=0, lt=1)
    """Expectile τ of Q that V learns (0.7 as published for locomotion)."""
    beta: NonNegativeFloat = 3.0
    """Inverse temperature β of the advantage weights (3 as published for locomotion)."""
    largest_weight: Positive = 100.0
    """Largest advantage weight (100 as published)."""


class MCRLConfig(ValueOptions):
    """Options of `mcrl`; every default is our reading: of the paper (arXiv 2310.16566) only the abstract is known to us."""

    policy: Literal["ce", "q", "ce+q"] = "ce+q"
    """Who acts; which head ranks in the paper is not known."""

    lambda_q: NonNegativeFloat = 1.0
    """Weight λq of conservative value learning: temporal difference + α conservative."""
    td_weight: NonNegativeFloat = 1.0
    """Weight of the temporal-difference loss within it."""
    alpha: NonNegativeFloat = 0.1
    """Weight α of the conservative loss within it."""
    lambda_r: NonNegativeFloat = 0.1
    """Weight λr of the reward model."""
    lambda_t: NonNegativeFloat = 0.1
    """Weight λt of the transition model."""
    reward_loss: Literal["contrastive", "regression"] = "contrastive"
    """InfoNCE weighted by the reward, or regression on the reward and a ranking of the observed item above drawn ones."""
    temperature: Positive = 1.0
    """τ of both InfoNCE losses."""
    negatives: NegativesConfig = NegativesConfig(n=64, shared=True)
    """How the items a⁻ of the contrastive models are drawn."""
    other_states: PositiveInt = 64
    """Next states of other transitions of the batch that the transition model is contrasted with."""
    shuffled_rewards: bool = False
    """Control: the reward model learns rewards of other transitions."""
    shuffled_next: bool = False
    """Control: the transition model learns next states of other transitions."""
    length_aux: bool = False
    """Control: the same parameters learn the length of the history instead, with the weight λq + λr + λt."""

    def teaches(self) -> dict[str, bool]:
        """Return whether a loss with a weight teaches ``ce``, ``q``, the models of reward and transition, or the length."""
        taught, models = super().teaches(), self.lambda_r + self.lambda_t > 0
        if self.length_aux:
            return taught | {"q": False, "length": self.lambda_q > 0 or models}
        return taught | {"q": self.lambda_q * (self.td_weight + self.alpha) > 0, "models": models}
