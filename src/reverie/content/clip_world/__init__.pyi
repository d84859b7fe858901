from reverie.content.clip_world.config import ClipWorldConfig as ClipWorldConfig
from reverie.content.clip_world.files import open_world as open_world
from reverie.content.clip_world.generate import ClipWorld as ClipWorld, generate_clip_world as generate_clip_world
from reverie.content.clip_world.oracle import Oracle as Oracle
from reverie.content.clip_world.sounds import SOUNDS as SOUNDS
