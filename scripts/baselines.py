"""What the embedded tasks are worth: what needs no backbone, and whether test rows have been seen before.

python scripts/baselines.py      results/baselines.json; a minute or two. README.md shows it (`make readme`)
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))
from petl.config import UserError  # noqa: E402
from petl.mini import baselines, corpora, overlaps  # noqa: E402
from petl.mini.objective import KINDS  # noqa: E402
from petl.refusals import screen  # noqa: E402

BACKBONES = {
    "xsum": "bart",
    "en_ro": "mbart",
    "mnli": "roberta",
    "sst2": "roberta",
}  # who must not have read them


def main() -> int:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    told = {}
    try:
        manifest = corpora.manifest()
        for task, backbone in BACKBONES.items():
            scores = {name: _rounded(values) for name, values in baselines.measured(task).items()}
            seen = overlaps.measured(task, KINDS[backbone].texts)
            sha = manifest["sha256"][task]
            told[task] = {"sha256": sha, "rows": manifest["rows"][task], "baselines": scores, "overlaps": seen}
            print(task, json.dumps({"baselines": scores, "overlaps": seen}), flush=True)
    except UserError as error:
        print(f"error: {screen(str(error))}", file=sys.stderr)
        return error.exit_code
    (ROOT / "results" / "baselines.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return 0


def _rounded(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 2) for name, value in scores.items()}


if __name__ == "__main__":
    sys.exit(main())
