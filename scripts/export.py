"""What a run has trained, as a folder of its own.

python scripts/export.py RUN --out FOLDER              the tuned weights alone; LoRA as Hugging Face's peft keeps it
python scripts/export.py RUN --out FOLDER --merge      a plain transformers folder: LoRA, BitFit, full fine-tuning
python scripts/export.py RUN --out FOLDER --push REPO  and upload it to the hub

RUN is a run's folder, an exported folder, a record's file, or the first digits of an identity. petl.load(FOLDER) reads
what is written, whatever its layout.
"""

import argparse
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from petl.config import UserError  # noqa: E402
from petl.refusals import screen  # noqa: E402
from petl.tuned import push  # noqa: E402
from petl.tuned.find import find  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="a new folder")
    layout = parser.add_mutually_exclusive_group()
    layout.add_argument("--merge", action="store_const", dest="layout", const="merged", help="into the backbone")
    layout.add_argument("--peft", action="store_const", dest="layout", const="peft", help="peft's format or nothing")
    parser.add_argument("--push", metavar="REPO", help="upload to OWNER/NAME on the hub")
    parser.add_argument("--private", action="store_true", help="make a repository that is new a private one")
    parser.add_argument("--backbone", metavar="PATH", help="where the backbone is, if not where it was")
    asked = parser.parse_args(arguments)
    if asked.private and not asked.push:
        parser.error("--private has no effect without --push")
    try:
        export(asked)
    except UserError as error:
        print(f"error: {screen(str(error))}", file=sys.stderr)
        return UserError.exit_code
    return 0


def export(asked: argparse.Namespace) -> None:
    found = find(asked.run)
    if asked.push:
        push.check(asked.push)
    from petl.tuned.export import export as write
    from petl.tuned.restore import restore

    layout = write(restore(found, "cpu", asked.backbone), asked.out, asked.layout)
    size = sum(file.stat().st_size for file in asked.out.iterdir())
    print(f"{asked.out}: {size / 1e6:,.1f} MB, layout {layout}; petl.load({str(asked.out)!r}) reads it")
    if asked.push:
        print(push.push(asked.out, asked.push, asked.private))


if __name__ == "__main__":
    sys.exit(main())
