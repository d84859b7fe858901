"""CQL: conservative Q-learning for discrete actions (Kumar et al. 2020)."""

from torch import Tensor

from reverie.objectives.full import full_softmax
from reverie.rl.config import CQLConfig
from reverie.rl.losses import sampled_conservative
from reverie.rl.steps import Transitions, score_draws
from reverie.rl.value_model import Terms, ValueModel


def conservative_loss(step: Transitions, full: bool) -> Tensor:
    """Return the mean of ``log Σ_a e^{Q(s, a)} - Q(s, a_t)`` over all items a, in full or estimated from the step's draws.

    Parameters
    ----------
    step : Transitions
        M transitions.
    full : bool
        Whether all items are looked at, one chunk of the catalogue at a time.

    Returns
    -------
    Tensor
        A scalar.
    """
    if full:
        return full_softmax(step.states, step.actions, step.q_head).mean()
    drawn = score_draws(step.q_head, step.states, step.drawn, step.actions)
    return sampled_conservative(step.q_taken, drawn, step.drawn.log_expected()).mean()


class CQL(ValueModel[CQLConfig]):
    """Cross-entropy, double Q-learning and the conservative loss of CQL(H) over the catalogue.

    .. [1] Kumar et al., Conservative Q-learning for offline reinforcement learning, NeurIPS 2020, arXiv 2006.04779. The states and
       the cross-entropy head beside it are those of SQN.
    """

    def terms(self) -> Terms:
        """Return cross-entropy, temporal difference and the conservative loss."""
        config = self.config
        conservative = config.q_weight * config.alpha, lambda step: conservative_loss(step, self.full_conservative)
        return super().terms() | {"td": (config.q_weight, self.td_loss), "conservative": conservative}
