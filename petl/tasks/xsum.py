"""XSum: a news article to one sentence (Narayan et al. 2018).

Embedded: a docstring to its summary sentence, which stands somewhere in the document's body and never first: the task
is to find it and to write it out.
"""

from petl.tasks.spec import Hub, TaskSpec

TASK = TaskSpec(
    name="xsum",
    kind="generation",
    source="document",
    target="summary",
    metrics=("rouge",),
    hub=Hub("EdinburghNLP/xsum"),
)
