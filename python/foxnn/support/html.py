"""Tables in HTML, for notebooks."""

from __future__ import annotations

from collections.abc import Sequence


def escaped(text: str) -> str:
    """Return a text with HTML's special characters escaped."""
    import html  # late: few programs run in notebooks

    return html.escape(text)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int]) -> str:
    """Return a table; columns of numbers are aligned right, and leading blanks indent a cell."""
    lines = ["<table>", _row("th", header, numbers)]
    lines += [_row("td", row, numbers) for row in rows]
    return "\n".join([*lines, "</table>"])


def _row(tag: str, cells: Sequence[str], numbers: Sequence[int]) -> str:
    texts = []
    for i, cell in enumerate(cells):
        side = "right" if i in numbers else "left"
        words = cell.lstrip(" ")
        indent = "&nbsp;" * 2 * (len(cell) - len(words))
        texts.append(f'<{tag} style="text-align: {side}">{indent}{escaped(words)}</{tag}>')
    return f"<tr>{''.join(texts)}</tr>"
