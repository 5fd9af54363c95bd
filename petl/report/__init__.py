"""The paper's numbers beside ours. Pure functions of results/paper.json and of counts and records; imports no torch.

published.py    results/paper.json: every published number, its errata, and the words that name a row to train.py
parameters.py   the parameter tables: which rule gives a printed percentage
pretraining.py  does tuning beat doing nothing, and does pre-training matter
readme.py       the generated part of the README
"""
