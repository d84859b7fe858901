"""The five tasks in Reverie: EASE with a ridge of 300."""

import sys

# five tasks
import reverie as rv

split = rv.leave_one_out(rv.read_events(sys.argv[1]))
model = rv.create_model("ease", split, regularisation=300.0, grid=())
rv.fit(model, split, show=False)
metrics = rv.evaluate(model, split.test)
print(metrics.value("recall@10"), metrics.value("ndcg@10"))
rv.save_model(model, sys.argv[2])
print(rv.recommend(rv.load_model(sys.argv[2]), histories=[[50, 181, 172], [1, 95, 71]], k=10))
# end

rv.recommend_all(model, split.test, k=10, exclude_seen=True).select("user", "item", "rank").write_csv(sys.argv[3])
