"""A headless Chromium, driven over pipes by its DevTools protocol: pages opened, looked at, and pictured."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps"),
    *("--disable-dev-shm-usage", "--remote-debugging-pipe"),
)
HIGH = 100
"""File descriptors from here on are ours: Chromium reads from 3 and writes to 4."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What happened while a page was opened: what the console said, and what was asked for besides the page."""

    console: list[str]
    requests: list[str]


class Browser:
    """Chromium with an empty profile and one page."""

    def __enter__(self) -> Self:
        self._profile = TemporaryDirectory(prefix="bertkit-chromium-", ignore_cleanup_errors=True)
        reads, self._to = os.pipe()
        self._from, writes = os.pipe()
        reads, writes = (fcntl.fcntl(one, fcntl.F_DUPFD, HIGH) for one in (reads, writes))

        def place() -> None:
            os.dup2(reads, 3)
            os.dup2(writes, 4)

        self._process = subprocess.Popen(
            [str(CHROMIUM), *FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"],
            preexec_fn=place, pass_fds=(3, 4), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(reads)
        os.close(writes)
        self._number, self._left, self._events = 0, b"", list[Any]()
        self._session: str | None = None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._to)
        os.close(self._from)
        self._profile.cleanup()

    def ask(self, method: str, **parameters: Any) -> Any:
        """The result of a command. Raises RuntimeError if it fails."""
        self._number += 1
        plain = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            plain["sessionId"] = self._session
        os.write(self._to, json.dumps(plain).encode() + b"\0")
        while True:
            said = self._next()
            if said.get("id") == self._number:
                if "error" in said:
                    raise RuntimeError(f"{method}: {said['error']}")
                return said["result"]
            self._events.append(said)

    def _next(self) -> Any:
        while b"\0" not in self._left:
            part = os.read(self._from, 1 << 20)
            if not part:
                raise RuntimeError("Chromium ended")
            self._left += part
        said, _, self._left = self._left.partition(b"\0")
        return json.loads(said)

    def open(self, path: Path, width: int, dark: bool = False) -> Opened:
        """Open a file in a window of this width."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.ask("Emulation.setEmulatedMedia", features=scheme)
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        self._events.clear()
        url = path.absolute().as_uri()
        self.ask("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self._events):
            self._events.append(self._next())
        self.run("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))")
        return Opened(console=[*self._said()], requests=[one for one in self._asked() if one not in (url, "data:,")])

    def _said(self) -> list[str]:
        consoles = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [json.dumps(event["params"]) for event in self._events if event.get("method") in consoles]

    def _asked(self) -> list[str]:
        sent = [event for event in self._events if event.get("method") == "Network.requestWillBeSent"]
        return [str(event["params"]["request"]["url"]) for event in sent]

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        done = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in done:
            raise RuntimeError(json.dumps(done["exceptionDetails"]))
        return done["result"].get("value")

    def picture(self, path: Path, height: int | None = None) -> None:
        """Write a PNG of the whole page, or of its first `height` pixels."""
        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": height or size["height"], "scale": 1}
        shot = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(b64decode(shot["data"]))
