from reverie.rl.ope.coverage import usual_case as usual_case
from reverie.rl.ope.estimate import evaluate_policy as evaluate_policy
from reverie.rl.ope.exchange import read_exchange as read_exchange, write_exchange as write_exchange
from reverie.rl.ope.log import LoggedRounds as LoggedRounds, from_dataset as from_dataset, from_frame as from_frame
from reverie.rl.ope.policy import (
    PolicyOnLog as PolicyOnLog,
    from_table as from_table,
    read_policy as read_policy,
    run_policy as run_policy,
)
from reverie.rl.ope.propensities import with_estimated_propensities as with_estimated_propensities
from reverie.rl.ope.reading import read_log as read_log
from reverie.rl.ope.settings import ESTIMATORS as ESTIMATORS, Estimate as Estimate, Settings as Settings
