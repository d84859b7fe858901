"""Light and the colours that it leaves of a palette."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.imagery.renderers.collage.colour import mix
from reverie.imagery.renderers.collage.reading import Palette


@dataclass(frozen=True)
class Light:
    """Where things stand between the darkest (0) and the lightest tone (1), and how the light falls.

    Parameters
    ----------
    top, low, far, near : float
        Tone of the sky above, of the sky at the horizon, of far and of near ground.
    height : float
        Of the sun over the horizon, from 0 to 1.
    glow, shadow, edge : float
        Strength of the glow around the sun, of cast shadows, and of the darkening towards the edges.
    night : bool
    """

    top: float
    low: float
    far: float
    near: float
    height: float
    glow: float
    shadow: float
    edge: float
    night: bool = False


LIGHTS = {
    "dawn": Light(0.70, 0.98, 0.80, 0.42, 0.20, 0.8, 0.30, 0.10),
    "golden": Light(0.52, 0.95, 0.66, 0.24, 0.28, 1.0, 0.42, 0.22),
    "noon": Light(0.70, 0.98, 0.72, 0.42, 0.75, 0.5, 0.34, 0.06),
    "overcast": Light(0.78, 0.93, 0.74, 0.46, 0.60, 0.3, 0.22, 0.10),
    "moon": Light(0.06, 0.46, 0.36, 0.10, 0.62, 0.7, 0.40, 0.35, night=True),
    "candle": Light(0.02, 0.36, 0.30, 0.10, 0.45, 1.0, 0.55, 0.55, night=True),
    "rays": Light(0.42, 0.92, 0.60, 0.22, 0.70, 1.0, 0.36, 0.28),
    "back": Light(0.46, 0.98, 0.58, 0.14, 0.34, 1.0, 0.48, 0.26),
}


@dataclass(frozen=True)
class Scheme:
    """A palette under a light: what painters of parts ask for colours."""

    palette: Palette
    light: Light
    sun_left: bool

    def tone(self, share: float) -> str:
        """Return the tone at a share of the way from the darkest to the lightest."""
        tones = self.palette.tones
        place = min(max(share, 0.0), 1.0) * (len(tones) - 1)
        first = min(int(place), len(tones) - 2)
        return mix(tones[first], tones[first + 1], place - first)

    @property
    def sky_top(self) -> str:
        """Colour of the sky above."""
        return self.tone(self.light.top)

    @property
    def sky_low(self) -> str:
        """Colour of the sky at the horizon, and of haze."""
        return mix(self.tone(self.light.low), self.palette.glow, 0.35 * self.light.glow * (not self.light.night))

    def ground(self, near: float) -> str:
        """Return the colour of ground from far (0) to near (1)."""
        return self.tone(self.light.far + (self.light.near - self.light.far) * near)

    @property
    def side(self) -> int:
        """Direction in which shadows fall: 1 to the right."""
        return 1 if self.sun_left else -1
