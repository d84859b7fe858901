"""Random changes of clips in training, the same for all frames of a clip, and the crop at the test."""

from reverie.lazy import lazy

_where, __all__, __getattr__ = lazy(
    __name__,
    {"config": "AugmentConfig RandAugmentConfig", "augmenting": "augment_clips centre_crop", "operations": "rand_augment"},
)
