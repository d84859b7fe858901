"""Options of every attack, and of the surrogate and the loss of gradient attacks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from reverie.options import Few, Options


class SurrogateConfig(Options):
    """Weighted matrix factorisation, fitted by alternating least squares (Hu, Koren and Volinsky, ICDM 2008)."""

    dim: PositiveInt = 16
    """Width of user and item vectors."""
    background: PositiveFloat = 0.1
    """Weight of every cell of the matrix at the value 0, against 1 for a like at the value 1."""
    ridge: PositiveFloat = 0.01
    """Regularisation of a vector, per unit of weight in its row or column."""
    sweeps: PositiveInt = 10
    """Sweeps of the fit without fake users; one sweep solves all users, then all items."""
    retrained: PositiveInt = 3
    """Sweeps after fake users were added, starting from the clean fit."""


class AimConfig(Options):
    """What a gradient attack minimises on the surrogate's scores."""

    promote: Literal["rank", "hit"] = "rank"
    """How a promotion is measured: by the softmax over what stands above the target, which moves all users, or by a smooth count
    of users who see it in their top 10, which moves those who nearly do."""
    temperature: PositiveFloat = 0.1
    """Scores are divided by this before the softmax; a like should score 1."""
    audience: PositiveInt = 2048
    """Users drawn for the loss at each step, at most."""


class NoOptions(Options):
    """Nothing to choose."""


NullConfig = NoOptions
TargetOnlyConfig = NoOptions
RandomConfig = NoOptions
AverageConfig = NoOptions
LoveHateConfig = NoOptions


class OnSurrogateConfig(Options):
    """Options of attacks by the gradient of a loss on a surrogate."""

    surrogate: SurrogateConfig = SurrogateConfig()
    """What the gradient is computed on."""
    aim: AimConfig = AimConfig()
    """What is minimised."""


class BandwagonConfig(Options):
    """Options of the bandwagon attack."""

    selected: PositiveInt = 11
    """Number of popular items rated highest; at most the size of a profile less one."""


class ReverseBandwagonConfig(Options):
    """Options of the reverse bandwagon attack."""

    selected: PositiveInt = 11
    """Number of unpopular items rated lowest; at most the size of a profile less one."""


class SegmentConfig(Options):
    """Options of the segment attack."""

    selected: PositiveInt = 11
    """Number of items of the target's segment rated highest; at most the size of a profile less one."""


class AushConfig(Options):
    """Options of AUSH."""

    selected: PositiveInt = 11
    """Items rated by the generator; at most half of a profile."""
    pool: PositiveInt = 4
    """Where data have no ratings: the generator chooses the selected items among this many times as many."""
    hidden: PositiveInt = 128
    """Width of the generator."""
    judge: PositiveInt = 150
    """Width of the discriminator's two layers."""
    steps: NonNegativeInt = 200
    """Steps of generator and discriminator; 0 leaves the generator as it was drawn, the attack without learning."""
    batch_size: PositiveInt = 64
    """Templates of one step."""
    generator_rate: PositiveFloat = 0.01
    """Learning rate of Adam for the generator; that of the paper's code."""
    judge_rate: PositiveFloat = 0.001
    """Learning rate of Adam for the discriminator."""
    zeros: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Share of unrated selected items that count as zeros in the reconstruction."""


class AiaConfig(OnSurrogateConfig):
    """Options of AIA."""

    steps: NonNegativeInt = 40
    """Adam steps; 0 leaves the ratings of the templates as they are, the attack without learning."""
    rate: PositiveFloat = 0.2
    """Learning rate of Adam, in steps of the scale of ratings."""
    unrolled: PositiveInt = 1
    """How many of the last sweeps of the surrogate's fit the gradient passes through."""


class LegupConfig(OnSurrogateConfig):
    """Options of Leg-UP."""

    hidden: PositiveInt = 125
    """Width of the generator."""
    judge: tuple[PositiveInt, PositiveInt] = (512, 128)
    """Widths of the discriminator's layers."""
    pretraining: NonNegativeInt = 60
    """Steps that teach the generator real ratings, and then the discriminator, before they meet."""
    epochs: NonNegativeInt = 10
    """Rounds of discriminator, generator against it, and generator against the surrogate."""
    judge_steps: PositiveInt = 5
    """Steps of the discriminator in a round."""
    attack_steps: PositiveInt = 4
    """Steps of the generator against the surrogate in a round."""
    batch_size: PositiveInt = 64
    """Templates of one step of pre-training and discriminator."""
    generator_rate: PositiveFloat = 0.01
    """Learning rate of Adam for the generator."""
    judge_rate: PositiveFloat = 0.001
    """Learning rate of Adam for the discriminator."""
    unrolled: PositiveInt = 1
    """How many of the last sweeps of the surrogate's fit the gradient passes through."""


class PgaConfig(OnSurrogateConfig):
    """Options of projected gradient ascent."""

    steps: PositiveInt = 30
    """Gradient steps."""
    rate: PositiveFloat = 0.3
    """Step, in units of the largest entry of a fake user's gradient."""


class RevadvConfig(PgaConfig):
    """Options of RevAdv."""

    unrolled: PositiveInt | None = None
    """How many of the last sweeps of the surrogate's fit the gradient passes through; None for all of them."""


class PoisonrecConfig(Options):
    """Options of PoisonRec."""

    dim: PositiveInt = 32
    """Width of the policy."""
    head: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of items, the most popular ones, in the first of the two branches at the root of the tree."""
    trials: PositiveInt = 40
    """Rewards asked for, at most what the threat model allows."""
    episodes: PositiveInt = 4
    """Trials between two updates of the policy."""
    passes: PositiveInt = 3
    """Gradient steps of one update."""
    clip: PositiveFloat = 0.2
    """How far the ratio of new to old probability may go from 1 before its gradient is cut."""
    rate: PositiveFloat = 0.01
    """Learning rate of Adam."""


class UbaConfig(Options):
    """Options of UBA."""

    estimate: Literal["surrogate", "paths"] = "surrogate"
    """How the chance to win a user over by some copies is estimated: on a surrogate, or by counting paths of three hops."""
    generator: Literal["copy", "aush"] = "copy"
    """Who writes the fake users for a target user: their likes copied, or AUSH with them as template."""
    most: PositiveInt = 6
    """Most fake users for one target user."""
    candidates: PositiveInt = 1000
    """Target users drawn from those without the target, at most."""
    repeats: PositiveInt = 3
    """Estimates that are averaged."""
    temperature: PositiveFloat = 0.05
    """Distance of the target's score from the tenth highest, on the surrogate, that makes odds of e to 1."""
    surrogate: SurrogateConfig = SurrogateConfig()
    """What is estimated on."""
    aush: AushConfig = AushConfig()
    """Options of that generator."""


class InjectedSessionsConfig(Options):
    """Options of injected sessions."""

    context: PositiveInt | None = None
    """Events before the target, at most; None is the size of a profile less one."""


class ProfilePollutionConfig(Options):
    """Options of profile pollution."""

    events: Few = 2
    """Events appended to each history."""
    pool: PositiveInt = 20
    """Items tried for each of them: those liked most with the target, and as many of the most popular."""


class GuidedSessionsConfig(Options):
    """Options of guided sessions."""

    context: PositiveInt | None = None
    """Events before the target, at most; None is the size of a profile less one."""
    push: PositiveFloat = 1.0
    """How far all fake users together are assumed to move a user, in units of the median distance to the top 10."""
    softness: PositiveFloat = 0.25
    """Width of the border of the top 10, in units of the deviation of that distance."""
