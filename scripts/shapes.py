"""Every run of the paper's tables at the paper's shapes, with random weights and three steps; no hub, no GPU needed.

python scripts/shapes.py                    all of them, one after the other; the same again goes on where it stopped
python scripts/shapes.py --only mnli        those whose words or rows contain it; several times: all of these
python scripts/shapes.py --list             what there is
python scripts/shapes.py --measure          steps and tokens a second, memory: MAM, full fine-tuning, the frozen floor

A line for each, in outputs/shapes/log.jsonl; the sum of it in results/shapes/<device>.json. Exit code 1 if one failed.
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], help="text of the words or rows, as `method=mam`")
    parser.add_argument("--list", action="store_true", help="name the runs and do nothing")
    parser.add_argument("--again", action="store_true", help="also what is in the log already")
    parser.add_argument("--work", type=Path, default=ROOT / "outputs" / "shapes", help="log and temporary folders")
    parser.add_argument("--results", type=Path, default=ROOT / "results" / "shapes", help="where the sum is written")
    parser.add_argument("--measure", action="store_true", help="measure speed and memory on this device")
    parser.add_argument("--scale", default="paper", help="of a measurement: paper or mini")
    parser.add_argument("--steps", type=int, default=20, help="of a measurement, after five to warm up")
    given = parser.parse_args()
    if given.measure:
        return measured(given)

    from petl.shapes import cells

    chosen = [
        cell for cell in cells.distinct() if all(any(o in t for t in (cell.name, *cell.rows)) for o in given.only)
    ]
    if not chosen:
        print(
            f"error: no run whose words or rows contain {' and '.join(given.only)}; --list names them.", file=sys.stderr
        )
        return 2
    if given.list:
        print("\n".join(f"{cell.name}  ({', '.join(cell.rows)})" for cell in chosen))
        return 0
    return proved(chosen, given)


def proved(chosen: list, given: argparse.Namespace) -> int:
    from transformers.utils.logging import disable_progress_bar

    from petl.shapes import cells

    disable_progress_bar()  # of writing the backbones
    given.work.mkdir(parents=True, exist_ok=True)
    log = given.work / "log.jsonl"
    done = {} if given.again else {row["words"]: row for row in read(log) if "failed" not in row}
    for number, cell in enumerate(chosen, 1):
        head = f"[{number}/{len(chosen)}] {cell.name}"
        if cell.name in done:
            continue
        if (lack := cells.lack(cell)) > 0:
            print(f"{head}  not now: {lack / 1e9:.1f} GB of memory more is needed", flush=True)
            continue
        row = {"words": cell.name, "rows": cell.rows, **cells.prove(cell, given.work)}
        with log.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(f"{head}  {row.get('failed', 'done')}  {row['seconds']:.0f} s", flush=True)
        done[cell.name] = row
        summed(chosen, done, given)
    told, path = summed(chosen, done, given)
    failed = len(told["failed"])
    print(f"{told['done']} of {told['runs']} done, {failed} failed, {told['seconds'] / 3600:.1f} h: {path}")
    return int(told["done"] < told["runs"])


def summed(chosen: list, done: dict, given: argparse.Namespace) -> tuple[dict, Path]:
    from petl import records
    from petl.shapes.cells import REAL

    rows = [done[cell.name] for cell in chosen if cell.name in done]
    bad = [row["words"] for row in rows if "failed" in row]
    device = next((row["device"] for row in rows if "device" in row), "none")
    told = {
        "device": device,
        "what": REAL,
        "packages": records.package_versions(),
        "runs": len(chosen),
        "done": len(rows) - len(bad),
        "failed": bad,
        "seconds": round(sum(row["seconds"] for row in rows)),
        "rows": rows,
    }
    path = given.results / f"{device.replace(' ', '-')}.json"
    written(told, path)
    return told, path


def measured(given: argparse.Namespace) -> int:
    from petl.command import read as config_of
    from petl.shapes.measure import SYSTEMS, measure

    rows = []
    for task in ("xsum", "en_ro", "mnli"):
        for system, method in SYSTEMS.items():
            if all(any(o in text for text in (system, method, f"task={task}")) for o in given.only):
                rows.append(measure(system, config_of([method, f"task={task}", f"scale={given.scale}"]), given.steps))
                print(json.dumps(rows[-1]), flush=True)
    device = next((row["device"] for row in rows if "device" in row), "none")
    path = given.results / f"{given.scale}-{device.replace(' ', '-')}-speed.json"
    written({"device": device, "rows": rows}, path)
    print(path)
    return int(any("failed" in row for row in rows))


def read(log: Path) -> list[dict]:
    """The lines of the log; a torn last one is as if it were not there."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def written(told: dict, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
