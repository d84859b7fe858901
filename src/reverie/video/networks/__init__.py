"""Networks that classify clips and show their last feature map: convolutional, transformers, frozen frames, and those of others."""

from reverie.lazy import lazy

_NAMES = {
    "config": "PUBLISHED",
    "create": "NETWORKS create_network",
    "features": "HookedNetwork",
    "network": "ClipNetwork",
    "saved": "load_network read_saved save_network",
}
_WHERE, __all__, __getattr__ = lazy(__name__, _NAMES)
