"""A hub on this machine: the few addresses that a download asks for, over HTTP. No network."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

Repositories = dict[
    str, dict[str, Path]
]  # "datasets/OWNER/NAME" or "models/OWNER/NAME" -> revision -> folder; {}: gated


@contextmanager
def serve(repositories: Repositories) -> Iterator[tuple[str, list[str]]]:
    """(its address, the paths asked for so far)."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            asked.append(self.path)
            self._answer(body=False)

        def do_GET(self) -> None:
            asked.append(self.path)
            self._answer(body=True)

        def log_message(self, format: str, *args: object) -> None:
            pass

        def _answer(self, body: bool) -> None:
            parts = [unquote(part) for part in urlsplit(self.path).path.split("/")[1:]]
            if parts[0] == "api":
                if len(parts) < 6:  # what the library asks besides
                    return self._send(404, {})
                kind, owner, name, what, revision = parts[1:6]
            else:
                kind = parts.pop(0) if parts[0] == "datasets" else "models"
                owner, name, what, revision = parts[:4]
            revisions = repositories.get(f"{kind}/{owner}/{name}")
            if revisions is None:
                return self._send(401, {"X-Error-Code": "RepoNotFound"})
            if not revisions:
                return self._send(403, {"X-Error-Code": "GatedRepo"})
            folder = {**revisions, **{commit(path): path for path in revisions.values()}}.get(revision)
            if folder is None:
                return self._send(404, {"X-Error-Code": "RevisionNotFound"})
            files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
            if what == "revision":
                return self._json({"id": f"{owner}/{name}", "sha": commit(folder), "siblings": [], "private": False})
            if what == "tree":
                tree = [
                    {"type": "file", "path": n, "size": p.stat().st_size, "oid": _sha1(p)} for n, p in files.items()
                ]
                return self._json(tree)
            path = files["/".join(parts[4:])]
            self._send(200, {"ETag": f'"{_sha1(path)}"', "X-Repo-Commit": commit(folder)}, path.read_bytes(), body)

        def _json(self, content: object) -> None:
            self._send(200, {"Content-Type": "application/json"}, json.dumps(content).encode())

        def _send(self, status: int, headers: dict[str, str], content: bytes = b"", body: bool = True) -> None:
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(key, value)
            self.end_headers()
            if body and self.command != "HEAD":
                self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def commit(folder: Path) -> str:
    """What stands for the commit of a folder: 40 hex digits that follow from its place."""
    return hashlib.sha1(str(folder).encode()).hexdigest()


def _sha1(path: Path) -> str:
    return hashlib.sha1(path.read_bytes()).hexdigest()
