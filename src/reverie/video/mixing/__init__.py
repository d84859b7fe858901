"""Mixing of clips for training: ``mix(clips, labels, features, generator) -> Mixed``; methods by name, on any device.

Names are imported lazily; `create_mixer` makes a method by its name. All of them mix a whole batch at once.
"""

from reverie.lazy import lazy

_WHERE, __all__, __getattr__ = lazy(__name__, __file__)
