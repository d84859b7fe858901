"""Recommendation for long-term value: worlds, policies, value models and off-policy evaluation."""

import sys

if sys.modules.get("gymnasium"):  # so that gymnasium.make("reverie.rl:reverie/Session-v0") works, and nothing else pays for it
    from reverie.rl.worlds import environments  # noqa: F401
