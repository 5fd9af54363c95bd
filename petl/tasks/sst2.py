"""SST-2: is a sentence of a film review positive (Socher et al. 2013). Embedded: film-review sentences with a score."""

from petl.tasks.spec import Hub, TaskSpec

TASK = TaskSpec(
    name="sst2",
    kind="classification",
    source="sentence",
    target="label",
    labels=("negative", "positive"),
    metrics=("accuracy",),
    # GLUE hides the labels of its test sets: like the paper, dev is what is reported.
    hub=Hub("nyu-mll/glue", config="sst2", test="validation"),
)
