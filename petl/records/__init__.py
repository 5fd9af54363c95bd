"""One JSON per run: what it is called, how it is written and read, how it is shown. Imports no torch."""

from petl.records.naming import SCHEMA, canonical, identity, record_path, run_dir
from petl.records.record import Record, code_sha256, code_version, find, package_versions, read, write
from petl.records.show import summary
from petl.records.sources import backbone_files, data_files

__all__ = [
    "SCHEMA",
    "Record",
    "backbone_files",
    "canonical",
    "code_sha256",
    "code_version",
    "data_files",
    "find",
    "identity",
    "package_versions",
    "read",
    "record_path",
    "run_dir",
    "summary",
    "write",
]
