"""A network that writes: characters of Python's own documentation, one after the other.

    python examples/characters.py [--pictures FOLDER] [--short]

A GRU reads the help texts that come with every Python and gives, after each character, the
probabilities of the next one. Beside it, counts of what follows one to five characters. Then it
writes at three temperatures, as a stream that reads what it has written.
"""

from __future__ import annotations

import math
import sys
import time
from collections import Counter, defaultdict
from pydoc_data.topics import topics
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

Codes = NDArray[np.uint8]
Floats = NDArray[np.float64]

STEPS, BATCH, EPOCHS, RATE, SEED = 128, 16, 12, 0.004, 1
EMBEDDED, UNITS, DROPPED = 32, 256, 0.2
SECTION, HELD_OUT = 20, 10  # of so many paragraphs; every tenth is held out
RARE = "?"  # stands for characters that occur fewer than so many times
FEWEST = 10
ORDERS = (0, 1, 2, 5)  # of the characters before that counts go by
TEMPERATURES, WRITTEN, PROMPT = (0.3, 0.7, 1.0), 300, "\n\nNote that "
SHORT_TEXT = 25_000
LOOKS = 12  # evaluations while it learns
WIDE = 72  # characters of a line that is drawn


class Text(NamedTuple):
    """What there is to learn and what is held out, as codes, and the characters they stand for."""

    learned: Codes
    held_out: Codes
    characters: str

    def written(self, codes: Any) -> str:
        """Return codes as text."""
        return "".join(self.characters[code] for code in codes)


def text(length: int | None = None) -> Text:
    """Return the help texts, each paragraph once; every tenth section is held out."""
    # Some paragraphs stand in several topics. A dict keeps the order.
    paragraphs = dict.fromkeys(
        one.strip("\n")
        for name in sorted(topics)
        for one in topics[name].split("\n\n")
        if one.strip()
    )
    parts: tuple[list[str], list[str]] = [], []
    for i, paragraph in enumerate(paragraphs):
        parts[i // SECTION % HELD_OUT == HELD_OUT - 1].append(paragraph)
    whole = ["\n\n".join(part) for part in parts]
    if length is not None:
        whole = [whole[0][:length], whole[1][: length // HELD_OUT]]
    counts = Counter(whole[0])
    frequent = sorted({RARE} | {one for one, count in counts.items() if count >= FEWEST})
    place = {one: code for code, one in enumerate(frequent)}
    codes = [np.array([place.get(one, place[RARE]) for one in part], np.uint8) for part in whole]
    return Text(codes[0], codes[1], "".join(frequent))


def pieces(codes: Codes, steps: int) -> tuple[Codes, Codes]:
    """Return the text in pieces of so many characters, and for each what follows it."""
    count = (len(codes) - 1) // steps
    ends = count * steps
    return codes[:ends].reshape(count, steps), codes[1 : ends + 1].reshape(count, steps)


def bits(nn: foxnn.neural_network, codes: Codes) -> float:
    """Return the bits that a character of a text costs, by the network's probabilities."""
    # Longer pieces than those of the training: few characters are without what precedes them.
    x, y = pieces(codes, min(8 * STEPS, len(codes) - 1))
    return nn.evaluate(x, y)["loss"] / math.log(2)


class Course:
    """A callback that evaluates a network on held-out text, the more rarely the longer it learns.

    `characters` has the characters read until each evaluation, and `bits` what one then costs.
    """

    def __init__(self, held_out: Codes, steps: int) -> None:
        self.held_out = held_out
        self.when = set(np.geomspace(min(10, steps), steps, LOOKS).astype(int).tolist())
        self.steps = 0
        self.characters: list[int] = []
        self.bits: list[float] = []

    def on_train_begin(self, network: foxnn.neural_network) -> None:
        """Store the network."""
        self.network = network

    def on_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        """Evaluate the network after some of the steps."""
        self.steps += 1
        if self.steps in self.when:
            self.characters.append(self.steps * BATCH * STEPS)
            self.bits.append(bits(self.network, self.held_out))


def learn(known: Text, epochs: int) -> tuple[foxnn.neural_network, Course, float]:
    """Return a trained network, how it went, and the seconds it took with the evaluations."""
    count = len(known.characters)
    nn = foxnn.neural_network(
        [(None,), foxnn.Embedding(count, EMBEDDED), foxnn.GRU(UNITS, return_sequences=True),
         foxnn.Dropout(DROPPED), foxnn.Dense(count)],
        output_activation="softmax", loss="cross_entropy", seed=SEED,
    )  # fmt: skip
    x, y = pieces(known.learned, STEPS)
    course = Course(known.held_out, epochs * -(-len(x) // BATCH))
    started = time.perf_counter()
    nn.fit(
        x, y, epochs, BATCH, "adam", RATE, schedule=foxnn.schedules.cosine(epochs),
        clip_norm=1.0, callbacks=course, progress=False,
    )  # fmt: skip
    return nn, course, time.perf_counter() - started


class Counts:
    """What followed the last characters in a text, mixed with what followed fewer of them.

    (Witten and Bell, "The zero-frequency problem", 1991: the more different characters followed,
    the more weight have the fewer.)
    """

    def __init__(self, codes: Codes, order: int, count: int) -> None:
        self.order, self.count = order, count
        learned = codes.tobytes()
        self.followed: list[dict[bytes, Counter[int]]] = []
        for length in range(order + 1):
            table: dict[bytes, Counter[int]] = defaultdict(Counter)
            for i in range(length, len(learned)):
                table[learned[i - length : i]][learned[i]] += 1
            self.followed.append(dict(table))

    def probability(self, before: bytes, code: int) -> float:
        """Return the probability of a character after others."""
        found = 1 / self.count
        for length, table in enumerate(self.followed):
            seen = table.get(before[len(before) - length :]) if length <= len(before) else None
            if seen is not None:
                kinds = len(seen)
                found = (seen[code] + kinds * found) / (seen.total() + kinds)
        return found

    def bits(self, codes: Codes) -> float:
        """Return the bits that a character of a text costs."""
        read = codes.tobytes()
        each = [
            -math.log2(self.probability(read[max(0, i - self.order) : i], read[i]))
            for i in range(1, len(read))
        ]
        return math.fsum(each) / len(each)


def write(
    nn: foxnn.neural_network, known: Text, temperature: float, count: int, seed: int
) -> tuple[str, float]:
    """Return what the network writes, and the microseconds of the stream for a character."""
    rng, stream = np.random.default_rng(seed), nn.stream()
    written = [known.characters.index(one) for one in PROMPT]
    answers: Any = stream(written)
    probabilities, spent = answers[-1], 0.0
    for _ in range(count):
        chances = (probabilities / probabilities.max()).astype(np.float64) ** (1 / temperature)
        code = int(rng.choice(len(chances), p=chances / chances.sum()))
        written.append(code)
        started = time.perf_counter()
        probabilities = stream(code)
        spent += time.perf_counter() - started
    return known.written(written), 1e6 * spent / count


def surprise(nn: foxnn.neural_network, codes: Codes) -> Floats:
    """Return the bits that each character of a text but the first costs."""
    found = nn.predict(codes[None, :-1])[0].astype(np.float64)
    costs: Floats = -np.log2(found[np.arange(len(codes) - 1), codes[1:]])
    return costs


def picture(course: Course, counted: dict[int, float], shown: str, costs: Floats) -> Any:
    """Draw the bits for a character over time, and those of each in a piece of held-out text."""
    figure, (left, ax) = plt.subplots(
        1, 2, figsize=(13, 4), layout="constrained", width_ratios=(4, 7)
    )
    left.plot(course.characters, course.bits, "o-", color="#1f77b4", label="GRU")
    greys = plt.get_cmap("Greys")(np.linspace(0.45, 0.95, len(counted)))
    for (order, found), colour in zip(counted.items(), greys, strict=True):
        left.axhline(found, color=colour, linestyle=":", label=f"counts, {order} before")
    left.set(xscale="log", xlabel="characters read", ylabel="bits for a character, held out")
    left.grid(alpha=0.3)
    left.legend(fontsize=8)
    row, column, cells = 0, 0, np.full((len(shown), WIDE), np.nan)
    for one, cost in zip(shown, costs, strict=True):
        if one == "\n" or column == WIDE:
            row, column = row + 1, 0
        if one != "\n":
            cells[row, column] = cost
            if one != " ":
                ax.text(
                    column + 0.5, row + 0.72, one, family="monospace", fontsize=8.5, ha="center",
                    va="baseline", color="white" if cost > 5 else "black",
                )  # fmt: skip
            column += 1
    drawn = ax.imshow(
        cells[: row + 1], cmap="YlOrRd", vmin=0, vmax=8, aspect="auto",
        extent=(0, WIDE, row + 1, 0), interpolation="nearest",
    )  # fmt: skip
    ax.set_title("held-out text: bits for each character")
    ax.set_axis_off()
    figure.colorbar(drawn, ax=ax, aspect=40, extend="max", pad=0.01)
    return figure


def main(argv: list[str] | None = None) -> int:
    """Learn the text, count it, write, and draw the bits for a character."""
    options = common.options(__doc__, argv)
    short = options.short
    known = text(SHORT_TEXT if short else None)
    nn, course, seconds = learn(known, 1 if short else EPOCHS)
    counted = {
        order: Counts(known.learned, order, len(known.characters)).bits(known.held_out)
        for order in ORDERS
    }
    samples = [write(nn, known, heat, WRITTEN, SEED) for heat in TEMPERATURES]
    rows = [
        ("characters to learn, held out", "",
         f"{len(known.learned):,}, {len(known.held_out):,}"),
        ("different characters", "", f"{len(known.characters)}"),
        ("GRU: bits, held out", "", f"{bits(nn, known.held_out):.2f}"),
        ("GRU: bits, learned", "", f"{bits(nn, known.learned):.2f}"),
        ("GRU: seconds", "", f"{seconds:.1f} s"),
        ("bits after so many characters", "", ", ".join(
            f"{count:,}: {found:.2f}"
            for count, found in zip(course.characters, course.bits, strict=True))),
        *((f"counts, {order} before: bits, held out", "", f"{found:.2f}")
          for order, found in counted.items()),
        ("stream, a character", "", f"{np.median([spent for _, spent in samples]):.1f} us"),
    ]  # fmt: skip
    common.report(rows)
    for heat, (written, _) in zip(TEMPERATURES, samples, strict=True):
        print(f"\n--- temperature {heat}\n{written}")
    shown = known.held_out[: (2 if short else 10) * WIDE]
    drawn = picture(course, counted, known.written(shown[1:]), surprise(nn, shown))
    common.save(drawn, options.pictures, "characters")
    return 0


if __name__ == "__main__":
    sys.exit(main())
