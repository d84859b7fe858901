"""The five tasks in RecTools: EASE with a ridge of 300."""

import pathlib
import sys

# five tasks
import pandas as pd
from rectools import Columns
from rectools.dataset import Dataset
from rectools.metrics import NDCG, Recall, calc_metrics
from rectools.model_selection import LastNSplitter
from rectools.models import EASEModel, load_model

events = pd.read_csv(sys.argv[1]).rename(columns={"user": Columns.User, "item": Columns.Item, "timestamp": Columns.Datetime})
events[Columns.Datetime], events[Columns.Weight] = pd.to_datetime(events[Columns.Datetime], unit="s"), 1.0
splitter = LastNSplitter(1, filter_cold_items=False, filter_already_seen=False)
train_rows, test_rows, _ = next(splitter.split(Dataset.construct(events).interactions))
train, test = events.iloc[train_rows], events.iloc[test_rows]
dataset = Dataset.construct(train)
model = EASEModel(regularization=300.0, recommend_n_threads=1)
model.fit(dataset)
lists = model.recommend(test[Columns.User].unique(), dataset, k=10, filter_viewed=True)
print(calc_metrics({"recall": Recall(10), "ndcg": NDCG(10, divide_by_achievable=True)}, lists, test))
model.save(pathlib.Path(sys.argv[2]))
new = pd.DataFrame({Columns.User: [-1] * 3 + [-2] * 3, Columns.Item: [50, 181, 172, 1, 95, 71], Columns.Weight: 1.0})
new[Columns.Datetime] = pd.to_datetime(new.index, unit="s")
known = Dataset.construct(pd.concat([train, new]))  # old items first, so that their inner numbers stay
print(load_model(sys.argv[2]).recommend([-1, -2], known, k=10, filter_viewed=True))
# end

lists.rename(columns={"user_id": "user", "item_id": "item"})[["user", "item", "rank"]].to_csv(sys.argv[3], index=False)
