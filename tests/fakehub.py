"""A small Hub on loopback: what huggingface_hub, transformers and datasets request, and faults on demand.

    root/models/<owner>/<name>/...      root/datasets/<owner>/<name>/...

A repository's newest commit is a digest of its files, its one branch `main`; older ones are those that were pushed
to. Large files (see LARGE) are
redirected to another origin, as the real Hub's are to its CDN: on one origin the client would follow the
redirect within its HEAD and miss the commit's header.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import socket
import struct
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

LARGE = (".safetensors", ".parquet", ".bin")
KINDS = {"": "models", "datasets/": "datasets"}
API = re.compile(r"/api/(models|datasets)/(?P<id>[^/]+(?:/[^/]+)?)")
REVISION = re.compile(API.pattern + r"/revision/(?P<revision>.+)")
TREE = re.compile(API.pattern + r"/tree/(?P<revision>[^/]+)(?:/(?P<path>.+))?")
PATHS = re.compile(API.pattern + r"/paths-info/(?P<revision>[^/]+)")
RESOLVE = re.compile(r"/(datasets/)?(?P<id>[^/]+(?:/[^/]+)?)/resolve/(?P<revision>[^/]+)/(?P<path>.+)")
CDN = re.compile(r"/_cdn/(models|datasets|older)/(?P<path>.+)")

Kind = Literal["status", "drop", "reset", "mute", "flip", "short", "stall", "refuse"]


@dataclass(kw_only=True)
class Fault:
    """The fault of the next `times` requests whose "METHOD /path" holds `part`."""

    part: str
    kind: Kind
    at: int
    times: int


@dataclass
class FakeHub:
    """`with FakeHub(root) as hub:` and HF_ENDPOINT=hub.url in a subprocess (it is read at import).

    requests   what was asked, in order: "HEAD /org/tiny/resolve/main/config.json"
    older      the folders of commits that were pushed to
    """

    root: Path
    requests: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    gated: set[str] = field(default_factory=set)
    older: dict[str, Path] = field(default_factory=dict)

    def __enter__(self) -> FakeHub:
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def cdn(self) -> str:
        return f"http://localhost:{self.server.server_port}"

    def fault(self, part: str, kind: Kind, at: int = 0, times: int = 1) -> None:
        """Let requests that hold `part` fail, `times` of them; faults asked for first come first.

        status   answer HTTP `at`             drop    send `at` bytes of the body, then drop the line
        flip     the byte at `at` is wrong    reset   the same, by a reset
        short    `at` bytes are the file      mute    send `at` bytes, and no more for as long as it takes
        refuse   drop the line unanswered     stall   accept, and say nothing for `at` seconds
        """
        self.faults.append(Fault(part=part, kind=kind, at=at, times=times))

    def clear(self) -> None:
        """Forget faults and requests."""
        self.faults.clear()
        self.requests.clear()

    def take(self, request: str) -> Fault | None:
        """Note a request; the fault it meets, if any."""
        with self.lock:
            self.requests.append(request)
            for fault in self.faults:
                if fault.times and fault.part in request:
                    fault.times -= 1
                    return fault
        return None

    def push(self, kind: str, name: str, path: str, content: bytes) -> None:
        """One more commit, with other bytes in one file."""
        commit = self.commit(kind, name)
        self.older[commit] = self.root / "older" / commit
        shutil.copytree(self.root / kind / name, self.older[commit])
        (self.root / kind / name / path).write_bytes(content)

    def repository(self, kind: str, name: str, revision: str = "main") -> dict[str, Path] | None:
        """Path -> file of a repository; None if there is none."""
        folder = self.older.get(revision, self.root / kind / name)
        if not folder.is_dir():
            return None
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path for path in files}

    def commit(self, kind: str, name: str) -> str:
        """The repository's newest commit."""
        files = self.repository(kind, name) or {}
        tree = json.dumps({path: etag(file) for path, file in files.items()})
        return hashlib.sha1(f"{kind}/{name} {tree}".encode()).hexdigest()


def etag(file: Path) -> str:
    """SHA-256 of a large file, git's SHA-1 of a small one."""
    content = file.read_bytes()
    if file.suffix in LARGE:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self.serve()

    def do_GET(self) -> None:
        self.serve()

    def do_POST(self) -> None:
        self.asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.serve()

    def serve(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.met = self.hub.take(f"{self.command} {path}")
        kind = self.met.kind if self.met else None
        if kind == "stall" and self.met:
            self.hub.closing.wait(self.met.at)
        if kind in ("stall", "refuse"):
            self.close_connection = True
        elif kind == "status" and self.met:
            self.reply(self.met.at, b"")
        else:
            self.route(path)

    def route(self, path: str) -> None:
        if found := CDN.fullmatch(path):
            self.content(self.hub.root / found[1] / found["path"])
        elif found := RESOLVE.fullmatch(path):
            self.file(KINDS[found[1] or ""], found["id"], found["revision"], found["path"])
        elif found := TREE.fullmatch(path):
            self.listing(found[1], found["id"], found["revision"], found["path"] or "")
        elif found := PATHS.fullmatch(path):
            self.entries(found[1], found["id"], found["revision"])
        elif found := REVISION.fullmatch(path) or API.fullmatch(path):
            self.card(found[1], found["id"], found.groupdict().get("revision") or "main")
        else:
            self.reply(404, b"{}")

    def known(self, kind: str, name: str, revision: str) -> dict[str, Path] | None:
        """The files at a revision; otherwise None, and the error is sent."""
        files = self.hub.repository(kind, name, revision)
        if files is None:
            self.refuse(401, "RepoNotFound")
        elif name in self.hub.gated:
            self.refuse(403, "GatedRepo")
        elif revision not in ("main", self.hub.commit(kind, name), *self.hub.older):
            self.refuse(404, "RevisionNotFound")
        else:
            return files
        return None

    def card(self, kind: str, name: str, revision: str) -> None:
        files = self.known(kind, name, revision)
        if files is not None:
            siblings = [{"rfilename": path} for path in files]
            card = {"_id": "0", "id": name, "sha": self.sha(kind, name, revision), "siblings": siblings}
            self.json({**card, "private": False, "gated": False, "disabled": False, "tags": []})

    def sha(self, kind: str, name: str, revision: str) -> str:
        return revision if revision in self.hub.older else self.hub.commit(kind, name)

    def listing(self, kind: str, name: str, revision: str, below: str) -> None:
        files = self.known(kind, name, revision)
        if files is None:
            return
        prefix = f"{below}/" if below else ""
        within = {path: file for path, file in files.items() if path.startswith(prefix)}
        if not within:
            self.refuse(404, "EntryNotFound")
            return
        if "recursive=true" in urlsplit(self.path).query.lower():
            self.json([entry(path, file) for path, file in within.items()])
            return
        here = [entry(path, file) for path, file in within.items() if "/" not in path.removeprefix(prefix)]
        folders = {path.removeprefix(prefix).split("/")[0] for path in within if "/" in path.removeprefix(prefix)}
        self.json([*here, *(folder_entry(prefix + folder) for folder in sorted(folders))])

    def entries(self, kind: str, name: str, revision: str) -> None:
        files = self.known(kind, name, revision)
        if files is not None:
            wanted = json.loads(self.asked)["paths"]
            found = [entry(path, files[path]) for path in wanted if path in files]
            folders = [path for path in wanted if any(file.startswith(f"{path}/") for file in files)]
            self.json([*found, *map(folder_entry, folders)])

    def file(self, kind: str, name: str, revision: str, path: str) -> None:
        files = self.known(kind, name, revision)
        if files is None:
            return
        commit = {"X-Repo-Commit": self.sha(kind, name, revision)}
        if path not in files:
            self.refuse(404, "EntryNotFound", commit)
            return
        file = files[path]
        if file.suffix not in LARGE:
            self.content(file, {**commit, "ETag": f'"{etag(file)}"'})
            return
        linked = {"X-Linked-Size": str(file.stat().st_size), "X-Linked-Etag": f'"{etag(file)}"'}
        place = {"Location": f"{self.hub.cdn}/_cdn/{file.relative_to(self.hub.root).as_posix()}"}
        self.reply(302, b"", {**commit, **linked, **place})

    def content(self, file: Path, headers: dict[str, str] | None = None) -> None:
        body = file.read_bytes()
        if self.met and self.met.kind == "flip":
            at = min(self.met.at, len(body) - 1)
            body = body[:at] + bytes([body[at] ^ 0xFF]) + body[at + 1 :]
        if self.met and self.met.kind == "short":
            body = body[: self.met.at]
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not asked:
            self.reply(200, body, headers)
            return
        first, last = int(asked[1]), int(asked[2] or len(body) - 1)
        span = {"Content-Range": f"bytes {first}-{last}/{len(body)}"}
        self.reply(206, body[first : last + 1], {**(headers or {}), **span})

    def refuse(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        self.reply(status, json.dumps({"error": code}).encode(), {**(headers or {}), "X-Error-Code": code})

    def json(self, value: Any) -> None:
        self.reply(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        kind = self.met.kind if self.met else None
        if self.met and kind in ("drop", "reset", "mute"):
            body, self.close_connection = body[: self.met.at], True
        self.wfile.write(body)
        self.wfile.flush()
        if kind == "reset":  # a socket that is closed without lingering sends one
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        if kind == "mute":
            self.hub.closing.wait()


def entry(path: str, file: Path) -> dict[str, Any]:
    """A file's line in a tree."""
    size = file.stat().st_size
    large = {"lfs": {"oid": etag(file), "size": size, "pointerSize": 134}} if file.suffix in LARGE else {}
    return {"type": "file", "path": path, "size": size, "oid": etag(file)[:40], **large}


def folder_entry(path: str) -> dict[str, Any]:
    """A folder's line in a tree."""
    return {"type": "directory", "path": path, "size": 0, "oid": hashlib.sha1(path.encode()).hexdigest()}
