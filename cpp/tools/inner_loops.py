"""Count the instructions in the inner loops of the products, in the kernels compiled for NEON.

    python cpp/tools/inner_loops.py \
        build/aarch64/cpp/CMakeFiles/foxnn_engine.dir/src/kernels/kernels_neon.cpp.o

Of each kernel the stretch without branches is taken that has the most fused multiply-adds: some
steps of the loop over the products. A core with four vector pipes needs a quarter of a cycle for
each of these, and for each other instruction that takes the same pipes: moves, sums, and loads that
broadcast. It needs a third for each load, and an eighth for each instruction. The longest of the
three is the least time of the stretch, and the share of it that multiply-adds take in the pipes is
printed. `stack` counts loads and stores of sums that did not stay in registers.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections import Counter

KERNELS = (
    "multiply_tile",
    "multiply_listed_tile",
    "multiply_transposed_tile",
    "multiply_row_tile",
    "multiply_stretches_tile",
    "multiply_half_tile",
    "add_products_tile",
    "multiply_lanes_tile",
    "add_lane_products_tile",
    "multiply_taps_rows",
    "add_taps_tile",
)
# Of Apple's M1 and Neoverse V1 and V2: vector pipes, loads and instructions in a cycle.
PIPES, LOADS, WIDTH = 4, 3, 8

FUNCTION = re.compile(r"^[0-9a-f]+ <(?:void )?foxnn::\(anonymous namespace\)::(\w+<[^()]*>)\(")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\t(\S+)\s*(.*)$")
GOAL = re.compile(r"\b([0-9a-f]+) <")


def functions(text: str) -> dict[str, list[tuple[int, str, str]]]:
    """Return the instructions of each function: address, name, operands."""
    found: dict[str, list[tuple[int, str, str]]] = {}
    current: list[tuple[int, str, str]] = []
    for line in text.splitlines():
        if line.endswith(">:"):
            begins = FUNCTION.match(line)
            current = found.setdefault(begins[1], []) if begins else []
        elif instruction := INSTRUCTION.match(line):
            current.append((int(instruction[1], 16), instruction[2], instruction[3]))
    return found


def kind(name: str, operands: str) -> str:
    """Return what an instruction takes."""
    if name in ("fmla", "fmls"):
        return "fma"
    if name.startswith(("ld", "st")) and "[sp" in operands:
        return "stack"
    if name.startswith("ld"):
        return "broadcast" if name == "ld1r" else "load"
    if name.startswith("st"):
        return "store"
    return "vector" if re.match(r"[vqsd]\d+\b", operands) else "other"


def stretch(code: list[tuple[int, str, str]]) -> Counter[str]:
    """Count by kind in the stretch without branches that has the most multiply-adds."""
    goals = {int(goal[1], 16) for _, _, operands in code if (goal := GOAL.search(operands))}
    best: Counter[str] = Counter()
    current: Counter[str] = Counter()
    for address, name, operands in code:
        if address in goals:
            current = Counter()
        current[kind(name, operands)] += 1
        if current["fma"] > best["fma"]:
            best = current
        if GOAL.search(operands):
            current = Counter()
    return best


def share(counts: Counter[str]) -> float:
    """Return the greatest share of the vector pipes' slots that multiply-adds can take."""
    cycles = max(
        (counts["fma"] + counts["vector"] + counts["broadcast"]) / PIPES,
        (counts["load"] + counts["broadcast"] + counts["stack"]) / LOADS,
        counts.total() / WIDTH,
    )
    return counts["fma"] / PIPES / cycles


def main() -> int:
    """Print a line for the largest tile of each kernel, or for all tiles."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("object", help="kernels_neon.cpp.o")
    parser.add_argument("--objdump", default="aarch64-linux-gnu-objdump")
    parser.add_argument("--all", action="store_true", help="all tiles of each kernel")
    args = parser.parse_args()
    text = subprocess.run(
        [args.objdump, "-dC", "--no-show-raw-insn", args.object],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    tiles: dict[str, list[tuple[str, Counter[str]]]] = {}
    for name, code in functions(text).items():
        kernel, numbers = name.split("<", 1)
        if kernel in KERNELS and (counts := stretch(code))["fma"]:
            tiles.setdefault(f"{kernel}, {numbers.split(',')[0]}", []).append((name, counts))
    for found in tiles.values():
        for name, counts in found if args.all else [max(found, key=lambda tile: tile[1]["fma"])]:
            told = ", ".join(f"{count} {what}" for what, count in counts.most_common())
            print(f"{share(counts):5.0%}  {name:45}  {told}")
    return 0 if tiles else 1


if __name__ == "__main__":
    sys.exit(main())
