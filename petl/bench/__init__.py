"""What things cost, side by side: `make bench` -> results/bench/<device>.json, and a table beside it.

shapes.py    the models and batches that are measured, on a CPU and on a GPU
systems.py   a model with a training step, and beam search: the floor, and what all systems share
ours.py      our methods, as training and evaluation run them
peers.py     other libraries', which live in an environment of their own
worker.py    the process that holds the systems of one environment, and times what it is told to
rounds.py    all systems in turn, round after round; where the workers are driven from
around.py    what is around the steps: start-up, tokenising, sweeps, padding
rows.py      from times to rows with a floor, a ratio and a bar; the table
"""
