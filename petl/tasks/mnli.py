"""MNLI: does the premise entail the hypothesis (Williams et al. 2018). Embedded: pairs made by rules."""

from petl.tasks.spec import Hub, TaskSpec

TASK = TaskSpec(
    name="mnli",
    kind="classification",
    source="premise",
    pair="hypothesis",
    target="label",
    labels=("entailment", "neutral", "contradiction"),
    metrics=("accuracy",),
    # GLUE hides the labels of its test sets: like the paper, dev is what is reported.
    hub=Hub(
        "nyu-mll/glue",
        config="mnli",
        dev="validation_matched",
        test="validation_matched",
        further=(("test_mismatched", "validation_mismatched"),),
    ),
)
