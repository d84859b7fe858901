"""What was found, on a terminal and as pages: tables, sections, plots, and the leaderboard of finished runs.

Names are imported when they are first used, so that a table can be printed without torch.
"""

from reverie.lazy import lazy

_WHERE, __all__, __getattr__ = lazy(__name__, __file__)
