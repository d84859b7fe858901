"""SQN: self-supervised Q-learning (Xin et al. 2020)."""

from reverie.rl.config import SQNConfig
from reverie.rl.value_model import Terms, ValueModel


class SQN(ValueModel[SQNConfig]):
    """Cross-entropy plus double Q-learning on shared states; the cross-entropy head ranks by default.

    .. [1] Xin et al., Self-supervised reinforcement learning for recommender systems, SIGIR 2020, arXiv 2006.05779. Deviations:
       all transitions of a piece of history in one causal pass instead of one padded state a row; the first event of a row is no
       action; sampled softmax by default; where there are many items the greedy next action is the best of drawn ones.
    """

    def terms(self) -> Terms:
        """Return cross-entropy and temporal difference."""
        return super().terms() | {"td": (self.config.q_weight, self.td_loss)}
