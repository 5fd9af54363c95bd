import pytest

from petl.mini.packages import Package


@pytest.fixture
def package():
    """A package out of a dict of file names and texts."""

    def make(files: dict[str, str | bytes], name: str = "fake") -> Package:
        data = {file: text if isinstance(text, bytes) else text.encode() for file, text in files.items()}
        return Package(name, "1.0", "MIT", sorted(data), data.__getitem__)

    return make
