"""What a fit costs: one model of time and memory, its constants measured by ``benchmarks/costs.py``."""

from reverie.training.costs.model import Cost, expected_cost, speed
from reverie.training.costs.shape import Shape, shape_of

__all__ = ["Cost", "Shape", "expected_cost", "shape_of", "speed"]
