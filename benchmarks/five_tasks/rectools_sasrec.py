"""The five tasks in RecTools: SASRec with two blocks and a full softmax, stopped by validation."""

import sys

# five tasks
import pandas as pd
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from rectools import Columns
from rectools.dataset import Dataset
from rectools.metrics import NDCG, Recall, calc_metrics
from rectools.model_selection import LastNSplitter
from rectools.models import SASRecModel, load_model
from rectools.models.nn.transformers.utils import leave_one_out_mask

events = pd.read_csv(sys.argv[1]).rename(columns={"user": Columns.User, "item": Columns.Item, "timestamp": Columns.Datetime})
events[Columns.Datetime], events[Columns.Weight] = pd.to_datetime(events[Columns.Datetime], unit="s"), 1.0
splitter = LastNSplitter(1, filter_cold_items=False, filter_already_seen=False)
train_rows, test_rows, _ = next(splitter.split(Dataset.construct(events).interactions))
train, test = events.iloc[train_rows], events.iloc[test_rows]
best = ModelCheckpoint(sys.argv[2], monitor=SASRecModel.val_loss_name)
stop = EarlyStopping(SASRecModel.val_loss_name, patience=10)


def trainer() -> Trainer:
    """Make what trains the model: at most 100 epochs, the best one kept."""
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    return Trainer(max_epochs=100, accelerator="cpu", devices=1, callbacks=[best, stop], **quiet)


size = {"n_factors": 64, "session_max_len": 50, "n_blocks": 2, "n_heads": 2}
model = SASRecModel(**size, loss="softmax", get_trainer_func=trainer, get_val_mask_func=leave_one_out_mask)
dataset = Dataset.construct(train)
model.fit(dataset)
model.load_weights_from_checkpoint(model.fit_trainer.checkpoint_callback.best_model_path)
lists = model.recommend(test[Columns.User].unique(), dataset, k=10, filter_viewed=True)
print(calc_metrics({"recall": Recall(10), "ndcg": NDCG(10, divide_by_achievable=True)}, lists, test))
model.save(f"{sys.argv[2]}/model")
new = pd.DataFrame({Columns.User: [-1] * 3 + [-2] * 3, Columns.Item: [50, 181, 172, 1, 95, 71], Columns.Weight: 1.0})
new[Columns.Datetime] = pd.to_datetime(new.index, unit="s")
print(load_model(f"{sys.argv[2]}/model").recommend([-1, -2], Dataset.construct(new), k=10, filter_viewed=True))
# end

lists.rename(columns={"user_id": "user", "item_id": "item"})[["user", "item", "rank"]].to_csv(sys.argv[3], index=False)
