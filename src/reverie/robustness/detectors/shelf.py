"""The registry of detectors by name; listing it imports neither torch nor any detector."""

from __future__ import annotations

from reverie.registry import Entry, Registry

_FAMILY = "reverie.robustness.detectors"


def _entry(target: str, config: str, summary: str, paper: str = "", *, supervised: bool = False) -> Entry:
    tags = frozenset({"supervised"}) if supervised else frozenset[str]()
    return Entry(f"{_FAMILY}.{target}", f"{_FAMILY}.config:{config}", summary, paper, tags)


DETECTORS = Registry(
    "detector",
    {
        "one-number": _entry("one_number:build", "OneNumberConfig", "one number of a profile, or a draw: what others must beat"),
        "pca": _entry(
            "pca:build", "PCAConfig", "users that vary least along the first principal components", "mehta2009unsupervised"
        ),
        "user-pca": _entry(
            "user_pca:build",
            "UserPCAConfig",
            "users that hardly take part in the principal components of users",
            "mehta2009unsupervised",
        ),
        "sequence-likelihood": _entry(
            "sequence_likelihood:build", "SequenceLikelihoodConfig", "sequences far from the usual likelihood under a Markov chain"
        ),
        "fraudar": _entry("fraudar:build", "FraudarConfig", "users in the densest part of the rating graph", "hooi2016fraudar"),
        "graph-autoencoder": _entry(
            "graph_autoencoder:build",
            "GraphAutoencoderConfig",
            "users a linear graph autoencoder cannot rebuild",
            "salha2020linear",
        ),
        "degree-sad": _entry(
            "degree_sad:build", "DegreeSADConfig", "a tree on the popularity of chosen items", "li2016degreesad", supervised=True
        ),
        "co-detector": _entry(
            "co_detector:build",
            "CoDetectorConfig",
            "a tree on vectors of ratings and co-occurrence",
            "dou2017codetector",
            supervised=True,
        ),
        "bayes-detector": _entry(
            "bayes_detector:BayesDetector",
            "BayesDetectorConfig",
            "a tree on vectors ranked by labels",
            "yang2018bayes",
            supervised=True,
        ),
        "semi-sad": _entry(
            "semi_sad:build", "SemiSADConfig", "naive Bayes on a few labels and everybody else", "cao2013semisad", supervised=True
        ),
        "fap": _entry(
            "fap:build", "FAPConfig", "fraud flows from known fakes over the rating graph", "zhang2015fap", supervised=True
        ),
        "profile-features": _entry(
            "features:ProfileFeatures",
            "ProfileFeaturesConfig",
            "boosted trees on profile features",
            "williams2007",
            supervised=True,
        ),
    },
    group="reverie.detectors",
)
"""All detectors by name; those tagged ``supervised`` must be given labels of some users."""
