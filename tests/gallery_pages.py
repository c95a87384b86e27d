"""The pages in `wiki/Gallery/pages` as `export_html` would write them now, without training again.

    python tests/gallery_pages.py

puts them in place, after a change of the files in `python/foxnn/web`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from foxnn.formats.html import export
from foxnn.formats.html.layers import functions_of
from foxnn.support import web

PAGES = sorted((Path(__file__).resolve().parents[1] / "wiki/Gallery/pages").glob("*.html"))

# What belongs to a network: the rest is the same on all pages.
_OWN = {
    "title": r"<title>(.*?)</title>",
    "about": r'<p class="hint">(.*?) <span id="self-test"',
    "description": r'id="description">(.*?)</script>',
    "weights": r'id="weights">(.*?)</script>',
}


def own_parts(page: str) -> dict[str, str]:
    """Return what a page says of its network."""
    found = {name: re.search(pattern, page, re.S) for name, pattern in _OWN.items()}
    return {name: match[1] for name, match in found.items() if match}


def made_anew(page: str) -> str:
    """Return the page of the same network with the skeleton, style and script of now."""
    own = own_parts(page)
    layers = json.loads(own["description"])["layers"]
    parts = {
        **own,
        "style": web.text_of("page.css"),
        "script": export._script(functions_of(_activations(layers))),
    }
    return "".join(export._filled(web.text_of("page.html"), {k: [v] for k, v in parts.items()}))


def _activations(layers: list[dict[str, Any]]) -> Iterator[str]:
    for layer in layers:
        if "activation" in layer["options"]:
            yield layer["options"]["activation"]
        for branch in layer["branches"]:
            yield from _activations(branch)


def main() -> None:
    """Put all pages in place that have changed."""
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        if (new := made_anew(text)) != text:
            path.write_text(new, encoding="utf-8")
            print(f"wrote {path}")


if __name__ == "__main__":
    main()
