"""Reverie: generative, explainable and attack-tested recommendation.

One event log goes in; out come recommenders and an honest comparison of them. Names are imported when they are first used,
so that ``import reverie`` stays fast.
"""

from reverie.lazy import lazy

__version__ = "0.1.0"

_NAMES = {
    "data.dataset": "Dataset", "data.sequences": "Sequences", "data.queries": "Queries", "data.split": "Split",
    "data.vocabulary": "Vocabulary", "errors": "ReverieError", "data.sources": "load_dataset list_datasets",
    "data.readers": "read_events", "data.splits": "leave_one_out temporal rolling by_user user_folds by_sequence given own_split",
    "models": "adopt create_model list_models load_model register_model save_model", "models.rerank.model": "rerank",
    "training": "blend cross_validate fit TrainingConfig", "evaluation": "evaluate Evaluation metric recommend",
    "robustness.trained": "attack",
}  # fmt: skip
_WHERE, _LISTED, __getattr__ = lazy(__name__, _NAMES)
__all__ = ["__version__", *_LISTED]


def __dir__() -> list[str]:
    return __all__
