"""The registry of detectors by name; listing it imports neither torch nor any detector."""

from reverie.registry import Registry, family

_ROWS = {
    "one-number": ("baselines:OneNumberDetector", "one number of a profile, or a draw: what others must beat", ""),
    "pca": ("rating_graph:PCADetector", "users that vary least along the first principal components", "mehta2009unsupervised"),
    "user-pca": (
        "rating_graph:UserPCA",
        "users that hardly take part in the principal components of users",
        "mehta2009unsupervised",
    ),
    "sequence-likelihood": ("baselines:SequenceLikelihood", "sequences far from the usual likelihood under a Markov chain", ""),
    "fraudar": ("rating_graph:Fraudar", "users in the densest part of the rating graph", "hooi2016fraudar"),
    "graph-autoencoder": ("rating_graph:GraphAutoencoder", "users a linear graph autoencoder cannot rebuild", "salha2020linear"),
    "degree-sad": ("classifiers:DegreeSAD", "a tree on the popularity of chosen items", "li2016degreesad", "supervised"),
    "co-detector": ("user_vectors:CoDetector", "a tree on vectors of ratings and co-occurrence", "dou2017codetector", "supervised"),
    "bayes-detector": ("user_vectors:BayesDetector", "a tree on vectors ranked by labels", "yang2018bayes", "supervised"),
    "semi-sad": ("classifiers:SemiSAD", "naive Bayes on a few labels and everybody else", "cao2013semisad", "supervised"),
    "fap": ("rating_graph:FAP", "fraud flows from known fakes over the rating graph", "zhang2015fap", "supervised"),
    "profile-features": ("classifiers:ProfileFeatures", "boosted trees on profile features", "williams2007", "supervised"),
}
DETECTORS = Registry("detector", family("reverie.robustness.detectors", _ROWS), group="reverie.detectors")
"""All detectors by name; those tagged ``supervised`` must be given labels of some users."""
