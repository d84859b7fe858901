"""Mixing of clips for training: ``mix(clips, labels, features, generator) -> Mixed``; methods by name, on any device.

Names are imported lazily; `create_mixer` makes a method by its name. All of them mix a whole batch at once.
"""

from reverie.lazy import lazy

_NAMES = {
    "audio": "mix_log_mel",
    "blend": "blend",
    "create": "MIXERS create_mixer",
    "labels": "blend_labels one_hot smooth soft_cross_entropy",
    "mixer": "PairMixer Pairs",
    "statistics": "MaskStatistics mask_statistics",
    "svmix.selector": "Selector",
    "svmix.step": "SvMix",
}
_WHERE, __all__, __getattr__ = lazy(__name__, _NAMES)
