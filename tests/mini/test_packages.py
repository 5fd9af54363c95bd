import io
import tarfile
import zipfile

import pytest

from petl.config import UserError
from petl.mini import packages

METADATA = "Metadata-Version: 2.1\nName: fake\nVersion: 1.0\nLicense: MIT\n"


def _tar(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


@pytest.fixture
def no_pip(monkeypatch):
    monkeypatch.setattr(packages, "_download", lambda *_: pytest.fail("pip was asked"))


def test_a_wheel_at_hand_is_read_in_place(tmp_path, no_pip):
    with zipfile.ZipFile(tmp_path / "Fake_it-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("fake_it/a.py", "x = 1\n")
        wheel.writestr("fake_it/b.py", b"\xff\xfe not text")
        wheel.writestr("fake_it-1.0.dist-info/METADATA", METADATA)
    found = packages.downloaded("fake-it==1.0", tmp_path)
    assert found.licence == "MIT"
    assert list(found.texts(lambda name: name.endswith(".py"))) == [("fake_it/a.py", "x = 1\n")]


def test_an_archive_inside_a_source_archive_is_read_too(tmp_path, no_pip):
    inner = _tar({"data/rows.txt": b"row"})
    (tmp_path / "fake-1.0.tar.gz").write_bytes(
        _tar({"fake-1.0/PKG-INFO": METADATA.encode(), "fake-1.0/d.tar.gz": inner})
    )
    found = packages.downloaded("fake==1.0", tmp_path)
    assert found.read("fake-1.0/d.tar.gz/data/rows.txt") == b"row"


def test_pip_is_asked_once_a_kind_for_what_is_missing(tmp_path, monkeypatch):
    (tmp_path / "Have_it-1.0-py3-none-any.whl").touch()
    (tmp_path / "have.too-2.tar.gz").touch()
    asked = []
    monkeypatch.setattr(packages, "SOURCES", ("have-too==2", "src==1", "src-b==1"))
    monkeypatch.setattr(packages, "_download", lambda wanted, folder, *how: asked.append((wanted, how[0])))
    packages.fetch(["have.it==1.0", "have-too==2", "src==1", "one==1", "src-b==1", "two==2"], tmp_path)
    assert asked == [(["one==1", "two==2"], "--only-binary=:all:"), (["src==1", "src-b==1"], "--no-binary=:all:")]


def test_a_failed_download_is_told_without_a_traceback(tmp_path, monkeypatch):
    monkeypatch.setattr(packages.sys, "executable", "/bin/false")
    with pytest.raises(UserError, match="could not download fake==1.0"):
        packages.downloaded("fake==1.0", tmp_path)


def test_a_missing_installed_package_is_named():
    with pytest.raises(UserError, match="no-such-package"):
        packages.installed("no-such-package")


def test_installed_source_is_read_without_import():
    found = packages.installed("omegaconf")
    assert found.version and found.licence and any(name.endswith("omegaconf/dictconfig.py") for name in found.names)
