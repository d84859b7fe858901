"""Recommendation for long-term value: worlds, policies, value models and off-policy evaluation."""

import sys

if sys.modules.get("gymnasium"):  # gymnasium.make("reverie.rl:reverie/Session-v0") imports this; nothing else pays for it
    from reverie.rl.worlds import environments  # noqa: F401  # it registers them
