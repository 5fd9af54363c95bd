"""Loaded by Python itself at the start of every process of a case: tells what it writes, moves, makes and removes."""

import os
import sys

LOG = os.environ.get("PETL_WATCH")
PATH = {"os.rename": 1, "os.link": 1, "os.symlink": 1} | dict.fromkeys(
    ("os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod"), 0
)


def told(event, given):
    if event == "open":
        path, mode, flags = given
        writes = (flags or 0) & (os.O_WRONLY | os.O_RDWR) if mode is None else set(mode) & set("wax+")
        path = path if writes else None
    else:
        path = given[PATH[event]] if event in PATH else None
    if isinstance(path, str | bytes | os.PathLike):
        place = "" if event in ("open", "os.truncate") else _folder(given[-1])
        path = os.path.join(place, os.fsdecode(path))
        os.write(HANDLE, f"{event} {os.path.abspath(path)}\n".encode(errors="backslashreplace"))


def _folder(handle):
    """What a relative path is relative to, where a call names the folder by its handle."""
    return os.readlink(f"/proc/self/fd/{handle}") if handle >= 0 else ""


if LOG:
    HANDLE = os.open(LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    sys.addaudithook(told)
