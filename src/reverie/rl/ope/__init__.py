"""Off-policy evaluation: what a policy would have earned, from a log of another policy."""

from reverie.lazy import lazy

_where, __all__, __getattr__ = lazy(
    "reverie.rl.ope",
    {
        "coverage": "usual_case",
        "estimate": "evaluate_policy",
        "exchange": "read_exchange write_exchange",
        "log": "LoggedRounds from_dataset from_frame",
        "policy": "PolicyOnLog from_table read_policy run_policy",
        "propensities": "with_estimated_propensities",
        "reading": "read_log",
        "settings": "ESTIMATORS Estimate Settings",
    },
)
