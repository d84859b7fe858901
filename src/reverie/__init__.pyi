from reverie.data.dataset import Dataset as Dataset
from reverie.data.queries import Queries as Queries
from reverie.data.readers import (
    read_events as read_events,
    read_features as read_features,
    with_features as with_features,
)
from reverie.data.sequences import Sequences as Sequences
from reverie.data.sources.load import list_datasets as list_datasets, load_dataset as load_dataset
from reverie.data.split import Split as Split
from reverie.data.splits import (
    by_sequence as by_sequence,
    by_user as by_user,
    cold_items as cold_items,
    given as given,
    leave_one_out as leave_one_out,
    own_split as own_split,
    rolling as rolling,
    temporal as temporal,
    user_folds as user_folds,
)
from reverie.data.vocabulary import Vocabulary as Vocabulary
from reverie.errors import ReverieError as ReverieError
from reverie.evaluation import (
    Evaluation as Evaluation,
    evaluate as evaluate,
    judge as judge,
    metric as metric,
    paired_test as paired_test,
    recommend as recommend,
    recommend_all as recommend_all,
)
from reverie.evaluation.vectors import item_vectors as item_vectors, similar as similar, user_vectors as user_vectors
from reverie.models import (
    adopt as adopt,
    create_model as create_model,
    list_models as list_models,
    load_model as load_model,
    register_model as register_model,
    save_model as save_model,
)
from reverie.models.rerank.model import rerank as rerank
from reverie.protocols import Recommender as Recommender, Scores as Scores
from reverie.report.board import Leaderboard as Leaderboard
from reverie.report.compare import compare as compare
from reverie.robustness.trained import attack as attack
from reverie.training.content import with_content as with_content
from reverie.training.run import Run as Run, load_run as load_run
from reverie.training import TrainingConfig as TrainingConfig, blend as blend, cross_validate as cross_validate, fit as fit

__version__: str
