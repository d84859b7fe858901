"""Which icons show a thing: by the part of the set that they belong to, and by their names."""

from __future__ import annotations

import re

_GROUPS = {
    "Activities", "Animals Nature", "Food Drink", "Objects", "People Body", "Smileys Emotion", "Travel Places", "Extras Openmoji",
}  # fmt: skip
_HOURS = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_NOT_THINGS = re.compile(
    r"skin tone|\b(medium )?(light|dark)$|\bmedium$|\bflag\b|\bbutton\b|\barrow\b|\bkeycap\b|\bhexagon\b|\bstencil\b|\bsymbol\b"
    rf"|oclock|^({_HOURS}) thirty|^swipe|\bface\b|stick figure|^(woman|man|men|women|person|people|couple|kiss|family|deaf) "
    r"|\bmonkey$|^(backhand|leftwards|rightwards|index) |middle finger|facing fist|(un)?smiling |^pregnant|zzz|pile of poo"
    r"|^(cat with|weary|pouting|crying|grinning|kissing) "
)
_LEFT_OUT = """
add-contact adilette agender android apple arduino aroace aromantic artstation asexual assembly-group assembly-point
augmented-reality bdsm-rights bigender bisexual bluesky browncoat-flag c captain-jack chats chrome chrome-canary chromium
close code-editor comment compose contacts copy cplusplus crocs csharp cursor darth-vader delete demiboy demigender demigirl
demisexual details discord dotnet double-tap download drop-cover-hold duplicate ecosia-browser edge edit element evacuate
evacuate-downstairs evacuate-fire evacuate-to-shelter evacuate-vertical exit facebook facetime filter firefox
firefox-developer firefox-nightly forward gay genderfluid genderqueer github gitlab golang greta-thunberg greysexual
guy-fawkes-mask hacker-cat hal-9000 hamburger-menu hfg-hochschule-fur-gestaltung-schwabisch-gmund hold home-button ibeacon
inaturalist inbox input instagram internet-explorer intersex intricate javascript jellyfin kehrwoche kotlin lesbian link
linkedin location-indicator location-indicator-red mark markdown mastodon mobile-info mobile-message more-information move
musicbrainz netscape-navigator no-handshaking nonbinary north openfoodfact openstreetmap opera outlet output overview
page-move pansexual peertube pinterest pixelfed polyamory polysexual pride qr-code raspberry-pi reddit return ruby safari
save schwabisch-gmund-forum-gold-und-silber schwabisch-gmund-funfknopfturm schwabisch-gmund-ratshaus scroll share signal
simple sort svg switch tap tardis three-finger-operation titanic toggle-button toggle-button-state-b transmission true-south
trump twitter typescript ubuntu upload ventilator warning-fire warning-strip warning-strip-right warning-tsunami
warning-volcano web-syndication webassembly wikidata windows winrar wireframes youtube
"""
"""Logos, gestures and parts of screens among the extras of OpenMoji."""
_NAMES = frozenset(_LEFT_OUT.split())


def is_drawable(label: str, group: str) -> bool:
    """Whether an icon of a group shows a thing, by its name."""
    return group in _GROUPS and label.replace(" ", "-") not in _NAMES and _NOT_THINGS.search(label) is None
