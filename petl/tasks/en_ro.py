"""WMT16 English to Romanian. Embedded: the messages of Romanian gettext catalogues."""

from petl.tasks.spec import Hub, TaskSpec

TASK = TaskSpec(
    name="en_ro",
    kind="generation",
    source="en",
    target="ro",
    nested="translation",
    languages=("en_XX", "ro_RO"),
    metrics=("bleu", "bleu_moses"),
    hub=Hub("wmt/wmt16", config="ro-en"),
)
