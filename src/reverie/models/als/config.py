"""Options of implicit alternating least squares."""

from typing import Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from reverie.options import Few, Searched


class ALSConfig(Searched):
    """What is factorised, how it is regularised, how it is solved, and how long to search for better options."""

    searched = ("unobserved", "regularisation")

    dim: PositiveInt = 128
    """Width of user and item vectors; wider ones rank better on validation of Beauty and MovieLens-100K, as in arXiv 2110.14037."""
    iterations: Few = 16
    """Passes over users and items; 16 as in arXiv 2110.14037."""
    unobserved: PositiveFloat = 0.1
    """Weight α₀ of each pair of a user and an item, which should score 0, against a mean of 1 for pairs that occurred (> 0;
    1 / α of Hu, Koren and Volinsky). 0.1 as for MovieLens-20M in arXiv 2110.14037, 0.02 there for the Million Song Data."""
    regularisation: PositiveFloat = 0.003
    """λ, per unit of weight at exponent 1 (> 0; 0.003 and 0.002 there)."""
    exponent: float = Field(default=1.0, ge=0, le=2)
    """ν: a user's vector is regularised by ``λ (Σ c + α₀ N) ** ν`` with Σ c the weight of its pairs, an item's alike by the number
    of users. 0 regularises all alike, as published first; 1 is best in arXiv 2110.14037."""
    confidence: Literal["binary", "counts", "ratings", "weights"] = "binary"
    """Weight c of a pair that occurred: 1, the number of its events, or the sum of their ratings or of the column ``weight``, each
    divided by the mean over all pairs. A history that is scored has events only: 1 each there, or with `counts` their number."""
    damping: Literal["none", "log"] = "none"
    """c as it is, or log(1 + c) before it is divided by the mean (Hu, Koren and Volinsky, equation 6)."""
    solver: Literal["exact", "block"] = "exact"
    """Each vector solved for, or improved by a Newton step in one block of dimensions after the other (iALS++, arXiv 2110.14044),
    which is cheaper for wide vectors and long histories. Histories that are scored are always solved for."""
    block: PositiveInt = 32
    """Width of those blocks; 32 to 128 in arXiv 2110.14044."""
    precision: Literal["float32", "float64"] = "float32"
    """Arithmetic of the solver; vectors are kept in float32."""
    start: Literal["svd", "random"] = "svd"
    """First item vectors: from a randomised decomposition of the normalised matrix, which saves passes, or normal as in
    arXiv 2110.14037."""
    scale: NonNegativeFloat = 0.1
    """Root mean square of the first item vectors' entries, times √dim; 0.1 as in arXiv 2110.14037."""
    trials: int = Field(default=8, ge=0, le=10_000)
    """How many settings to try where there is validation to choose on; the first is this configuration, the others are drawn at
    random (0 or 1 tries nothing else). Each costs a fit."""
