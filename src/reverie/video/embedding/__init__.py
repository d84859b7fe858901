"""One vector for each clip of a set: by frozen frames, by a network of one's own, or by one of others; kept in a file by ids."""

from reverie.lazy import lazy

_NAMES = {"encoders": "ClipEncoder find_encoder", "files": "read_vectors", "run": "EmbedOptions Embedded embed_set"}
_WHERE, __all__, __getattr__ = lazy(__name__, _NAMES)
