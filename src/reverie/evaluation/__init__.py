"""Evaluation of recommenders: ranks with ties, metrics with intervals, paired tests, slices and recommendations."""

from reverie.evaluation.across import across, joined
from reverie.evaluation.effects import Effect, holm
from reverie.evaluation.evaluate import evaluate
from reverie.evaluation.intervals import cluster_bootstrap
from reverie.evaluation.judge import judge, read_truth
from reverie.evaluation.metrics import Metric, parse
from reverie.evaluation.paired_queries import paired_test, paired_tests, smallest_detectable_difference
from reverie.evaluation.recommend import recommend, recommend_all
from reverie.evaluation.recommendations import read_recommendations
from reverie.evaluation.result import Evaluation, measure, pooled
from reverie.evaluation.shown import Shown, metric
from reverie.evaluation.slices import by_kind, slice_masks, sliced, with_history
from reverie.evaluation.submitted import audit, submit, targets_in_history
from reverie.evaluation.values import Values

__all__ = [
    "Effect", "Evaluation", "Metric", "Shown", "Values", "across", "audit", "by_kind", "cluster_bootstrap", "evaluate",
    "holm", "joined", "judge", "measure", "metric", "paired_test", "paired_tests", "parse", "pooled", "read_recommendations",
    "read_truth", "recommend", "recommend_all", "slice_masks", "sliced", "smallest_detectable_difference", "submit",
    "targets_in_history", "with_history",
]  # fmt: skip
