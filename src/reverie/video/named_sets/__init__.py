"""Sets of clips by name: generated, found among the user's data, or any folder that was prepared."""

from reverie.lazy import lazy

_where, __all__, __getattr__ = lazy(__name__, {"facts": "NAMED SetFacts", "opening": "OpenedSet open_clip_set open_named_set"})
