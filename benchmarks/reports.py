"""Present the results of the comparison: as a Markdown table and as a chart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from measure import shown_seconds, table
from peers import LIBRARIES

Result = dict[str, Any]


def shown(value: float, unit: str) -> str:
    """Return a figure with its unit."""
    return shown_seconds(value) if unit == "s" else f"{value / 1e6:.3g} MB"


def shown_target(target: dict[str, Any], unit: str) -> str:
    """Return a target and the figure reached, in bold if the target was missed."""
    if target["reached"] is None:
        return f"{target['side']}: not measured"
    if target["kind"] == "times":
        name = "share of the bound" if target["side"] == "bound" else target["side"]
        text = f"{name} {target['reached']:.2f} (at least {target['value']:g})"
    else:
        beyond = f" beyond {target['side']}" if target["kind"] == "beyond" else ""
        limit = shown(target["value"], unit)
        text = f"{shown_signed(target['reached'], unit)}{beyond} (at most {limit})"
    return text if target["met"] else f"**{text}**"


def shown_signed(value: float, unit: str) -> str:
    """Return a figure that may be negative."""
    return f"-{shown(-value, unit)}" if value < 0 else shown(value, unit)


def markdown(results: Sequence[Result]) -> str:
    """Return the results as a table: figures, in brackets multiples of foxnn's, and targets."""
    measured = [result for result in results if result["medians"]]
    peers = [
        name
        for name in LIBRARIES
        if name != "foxnn" and any(name in result["medians"] for result in measured)
    ]
    rows = []
    for result in measured:
        own, unit = result["medians"]["foxnn"], result["unit"]
        cells = [result["title"], str(result["threads"] or ""), shown(own, unit)]
        for name in peers:
            value = result["medians"].get(name)
            cells.append("" if value is None else f"{shown(value, unit)} ({value / own:.1f})")
        targets = [shown_target(target, unit) for target in result["targets"]]
        rows.append([*cells, "; ".join(targets)])
    return table(["work", "threads", "foxnn", *peers, "targets"], rows)


def notes(results: Sequence[Result]) -> list[str]:
    """Return the notes about the rows, each note once."""
    rows_by_note: dict[str, list[str]] = {}
    for result in results:
        for note in result["notes"]:
            rows_by_note.setdefault(note, []).append(result["name"])
    return [f"{', '.join(names)}: {note}" for note, names in rows_by_note.items()]


def chart(results: Sequence[Result], footer: str, path: Path) -> None:
    """Write a PNG: for each row, the other libraries' figures as multiples of foxnn's."""
    from matplotlib.figure import Figure  # imported late: only needed for a chart

    drawn = [result for result in results if set(result["medians"]) & set(LIBRARIES) - {"foxnn"}]
    height = 1.5 + sum(0.4 + 0.28 * len(_bars(result)) for result in drawn)
    figure = Figure(figsize=(10, height), layout="constrained")
    axes = figure.add_subplot()
    colours = {name: f"C{i}" for i, name in enumerate(LIBRARIES)}
    position, ticks = 0.0, []
    for result in drawn:
        bars = _bars(result)
        ticks.append((position + (len(bars) - 1) / 2, result["name"]))
        for name, ratio in bars.items():
            axes.barh(position, ratio, color=colours[name], label=name)
            axes.annotate(
                f" {ratio:.3g}", (ratio, position), va="center", fontsize=8, annotation_clip=False
            )
            position += 1
        position += 1.4
    axes.set_xscale("log")
    axes.axvline(1, color=colours["foxnn"], label="foxnn")
    axes.set_yticks([y for y, _ in ticks], [name for _, name in ticks])
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.set_xlabel("multiple of foxnn's (medians; longer is slower; logarithmic)")
    handles, labels = axes.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    figure.legend(once.values(), once.keys(), loc="outside upper center", ncols=len(once))
    figure.supxlabel(footer, fontsize=8)
    figure.savefig(path, dpi=120)


def _bars(result: Result) -> dict[str, float]:
    own = result["medians"]["foxnn"]
    found = result["medians"]
    return {name: found[name] / own for name in LIBRARIES if name != "foxnn" and name in found}
