"""One JSON per run: what it is called, how it is written and read, how it is shown. Imports no torch."""

from petl.records.folder import below, scores_below
from petl.records.life import underway
from petl.records.links import refuse_links
from petl.records.naming import SCHEMA, canonical, identity, plain, record_path, run_dir
from petl.records.parse import config_of
from petl.records.record import Record, agree, code_sha256, code_version, find, package_versions, read, same_run, write
from petl.records.shared import Shared
from petl.records.show import summary
from petl.records.sources import backbone_files, data_files

__all__ = [
    "SCHEMA",
    "Record",
    "Shared",
    "agree",
    "backbone_files",
    "below",
    "canonical",
    "code_sha256",
    "code_version",
    "config_of",
    "data_files",
    "find",
    "identity",
    "package_versions",
    "plain",
    "read",
    "record_path",
    "refuse_links",
    "run_dir",
    "same_run",
    "scores_below",
    "summary",
    "underway",
    "write",
]
