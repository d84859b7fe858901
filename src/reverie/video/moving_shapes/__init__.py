"""Generated clips of moving shapes and digits, whose class is the motion alone."""

from reverie.lazy import lazy

_where, __all__, __getattr__ = lazy(
    __name__, {"config": "MOTIONS MovingShapesConfig", "generate": "MovingClips generate_moving_shapes"}
)
