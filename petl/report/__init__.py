"""The paper's numbers beside ours. Pure functions of results/paper.json and of counts and records; imports no torch.

published.py    results/paper.json: every published number, its errata, and the words that name a row to train.py
cells.py        a row on a task, and the records that are of it (composed.py: what its words compose to)
rates.py        the learning rate of each method, tuned on dev, and the cells at it
survey.py       the sweep of the miniature: what is there, what is missing, how long it takes
statistics.py   means, tests, intervals, power; examples.py: the bootstrap over test rows
results.py      the numbers of a table of results; comparisons.py: each row against the one the paper compares it with
tables.py       Tables 1 to 12, laid out (grid.py, setups.py, phrases.py, layout.py) and rendered (render.py, latex.py)
claims.py       the paper's claims, judged
figures.py      Figures 2, 4 and 5 (points.py), learning curves and cost (figures_of_runs.py), drawn in one style.py
beside.py       runs side by side, for scripts/compare.py
page.py         all of it on one page (page_runs.py, template/page.*)
parameters.py   the parameter tables: which rule gives a printed percentage
pretraining.py  does tuning beat doing nothing, and does pre-training matter
readme.py       the generated parts of the README
"""
