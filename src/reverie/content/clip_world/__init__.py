"""A synthetic world whose clicks are decided by how a clip moves and what is heard on it."""

from reverie.lazy import lazy

_NAMES = {
    "config": "ClipWorldConfig", "generate": "ClipWorld generate_clip_world", "files": "open_world", "oracle": "Oracle",
    "sounds": "SOUNDS",
}  # fmt: skip
_where, __all__, __getattr__ = lazy(__name__, _NAMES)
