from reverie.rl.worlds.coat import CoatWorld as CoatWorld, CoatWorldOptions as CoatWorldOptions
from reverie.rl.worlds.config import BehaviourOptions as BehaviourOptions, SessionWorldOptions as SessionWorldOptions
from reverie.rl.worlds.log import LogWorld as LogWorld, LogWorldOptions as LogWorldOptions
from reverie.rl.worlds.open import open_world as open_world
from reverie.rl.worlds.q_error import OverEstimation as OverEstimation, q_over as q_over
from reverie.rl.worlds.rollout import RollOut as RollOut, roll_out as roll_out
from reverie.rl.worlds.session import SessionWorld as SessionWorld
from reverie.rl.worlds.simulate import simulate as simulate, simulation_table as simulation_table
from reverie.rl.worlds.world import World as World
