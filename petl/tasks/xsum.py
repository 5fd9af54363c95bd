"""XSum: a news article to one sentence (Narayan et al. 2018). Embedded: a docstring to its summary line."""

from petl.tasks.spec import Hub, TaskSpec

TASK = TaskSpec(
    name="xsum",
    kind="generation",
    source="document",
    target="summary",
    metrics=("rouge",),
    hub=Hub("EdinburghNLP/xsum"),
)
