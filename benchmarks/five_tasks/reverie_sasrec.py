"""The five tasks in Reverie: SASRec with two blocks and a full softmax, stopped by validation."""

import sys

# five tasks
import reverie as rv

split = rv.leave_one_out(rv.read_events(sys.argv[1]))
options = {"dim": 64, "history": 50, "blocks": 2, "heads": 2, "objective": {"kind": "full_softmax"}}
model = rv.create_model("sasrec", split, **options)
rv.fit(model, split, epochs=100, patience=10, show=False)
metrics = rv.evaluate(model, split.test)
print(metrics.value("recall@10"), metrics.value("ndcg@10"))
rv.save_model(model, sys.argv[2])
print(rv.recommend(rv.load_model(sys.argv[2]), histories=[[50, 181, 172], [1, 95, 71]], k=10))
# end

rv.recommend_all(model, split.test, k=10, exclude_seen=True).select("user", "item", "rank").write_csv(sys.argv[3])
