"""The five tasks in LensKit: EASE with a ridge of 300."""

import pickle  # noqa: TID251  # how LensKit stores pipelines
import sys

# five tasks
import pandas as pd
from lenskit import batch, recommend, topn_pipeline
from lenskit.data import ItemList, RecQuery, from_interactions_df
from lenskit.knn import EASEScorer
from lenskit.metrics import NDCG, Recall, RunAnalysis
from lenskit.splitting import LastN, crossfold_users

events = pd.read_csv(sys.argv[1]).rename(columns={"user": "user_id", "item": "item_id"})
split = next(crossfold_users(from_interactions_df(events), 1, LastN(1)))
model = topn_pipeline(EASEScorer(regularization=300.0), n=10)
model.train(split.train)
lists = batch.recommend(model, split.test.keys(), 10, n_jobs=1)
analysis = RunAnalysis()
analysis.add_metric(Recall(10))
analysis.add_metric(NDCG(10))
print(analysis.measure(lists, split.test).list_summary())
with open(sys.argv[2], "wb") as file:
    pickle.dump(model, file)
with open(sys.argv[2], "rb") as file:
    loaded = pickle.load(file)  # noqa: S301
for history in ([50, 181, 172], [1, 95, 71]):
    print(recommend(loaded, RecQuery(history_items=ItemList(item_ids=history)), 10).ids())
# end

table = lists.to_df().rename(columns={"user_id": "user", "item_id": "item"})
table[["user", "item", "rank"]].to_csv(sys.argv[3], index=False)
