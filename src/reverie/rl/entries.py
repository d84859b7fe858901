"""Value models as registered models: what the entry points of the package name; imports neither torch nor a model."""

from reverie.registry import Entry

_TAGS = frozenset({"learns", "cold-users", "needs-reward"})


def _entry(module: str, name: str, paper: str, summary: str, config: str = "config") -> Entry:
    return Entry(f"reverie.rl.{module}:{name}", f"reverie.rl.{config}:{name}Config", summary, paper, _TAGS)


SQN = _entry("sqn", "SQN", "xin2020sqn", "next item and double Q-learning on the same states")
CQL = _entry("cql", "CQL", "kumar2020cql", "the same with conservative Q values")
IQL = _entry("iql", "IQL", "kostrikov2022iql", "implicit Q-learning: values by expectile, imitation by advantage")
BCQ = _entry("bcq", "BCQ", "fujimoto2019bcq", "Q-learning among the items that the log makes likely")
MCRL = _entry("mcrl", "MCRL", "li2023mcrl", "conservative Q-learning with contrastive reward and transition models")
SAC = _entry("sac", "SAC", "xin2020sqn", "the same, cross-entropy weighted by Q after a warm-up", "actor_critic_config")
SNQN = _entry("snqn", "SNQN", "xin2022sa2c", "sqn with values of drawn items", "actor_critic_config")
SA2C = _entry("sa2c", "SA2C", "xin2022sa2c", "snqn, then cross-entropy weighted by the advantage", "actor_critic_config")
DECISION_TRANSFORMER = _entry(
    "decision_transformer",
    "DecisionTransformer",
    "chen2021decision",
    "causal transformer that is asked for the return to come",
    "decision_transformer_config",
)
