"""Recommendation for long-term value: worlds, policies, value models and off-policy evaluation."""

try:
    import gymnasium
except ImportError:  # the extra `rl` brings it, and only worlds as environments need it
    pass
else:  # in whatever order people import: gymnasium.make("reverie.rl:reverie/Session-v0") looks no further once this is loaded
    for _name in ("Session", "Coat", "Log"):
        if f"reverie/{_name}-v0" not in gymnasium.registry:
            gymnasium.register(f"reverie/{_name}-v0", f"reverie.rl.worlds.environments:{_name.lower()}")
