"""A browser for tests of pages: Chromium, driven by Playwright, or the reason why there is none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

# Debian's name, and those of other systems.
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def browser() -> Iterator[Any]:
    """Start a browser; skip the tests where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"there is no browser: none of {', '.join(PROGRAMS)}")
    with api.sync_playwright() as playwright:
        # Root, as in containers, can use it without its sandbox only.
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        Opened._shared.pop(started, None)
        started.close()


# The size of a tab for which nothing else is wanted.
USUAL = {"width": 1280, "height": 720}


class Opened:
    """A page in a tab, and what it did: errors, messages, and what it asked for.

    Pages for which nothing is wanted share a tab, one after the other, since a new one takes twice
    as long as a page; all others have a tab of their own.
    """

    _shared: ClassVar[dict[Any, Any]] = {}  # by browser: a tab that waits for the next page

    def __init__(self, started: Any, place: Path | str, **options: Any) -> None:
        self._started, self._is_usual = started, not options
        self.tab = self._shared.pop(started, None) if self._is_usual else None
        if self.tab is None:
            self.tab = started.new_context(**options or {"viewport": USUAL}).new_page()
        self.context = self.tab.context
        self.said: list[str] = []
        self.asked: list[str] = []
        self._listeners = {
            "console": lambda message: self.said.append(message.text),
            "pageerror": lambda error: self.said.append(str(error)),
            "dialog": lambda dialog: (self.said.append("dialog"), dialog.dismiss()),
            "request": lambda request: self.asked.append(request.url),
        }
        for event, listener in self._listeners.items():
            self.tab.on(event, listener)
        self.tab.goto(place if isinstance(place, str) else place.as_uri())

    def settle(self) -> None:
        """Wait until what has changed is drawn: two frames."""
        self.tab.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def close(self) -> None:
        """Leave the page, or close its tab."""
        if not self._is_usual or self._started in self._shared:
            self.context.close()
            return
        for event, listener in self._listeners.items():
            self.tab.remove_listener(event, listener)
        self.tab.goto("about:blank")
        self.tab.mouse.move(0, 0)
        self.tab.set_viewport_size(USUAL)
        self.tab.emulate_media(color_scheme="null")
        self._shared[self._started] = self.tab
