// What is said about a number that one points at: its value, and the weights that come into it.
"use strict";

class Inspector {
  constructor() {
    this.words = element("p", { className: "words" });
    this.canvas = element("canvas", { role: "img" });
    this.close = element("button", { type: "button", textContent: "Close", className: "quiet" });
    this.heading = element("h2", {});
    this.element = element(
      "aside",
      // A screen reader tells what changes, while arrow keys go over a layer.
      { id: "inspector", hidden: true, "aria-label": "The chosen neuron", "aria-live": "polite" },
      element("header", {}, this.heading, this.close), this.words, this.canvas,
    );
  }

  hide() {
    this.element.hidden = true;
  }

  // Show a number of a layer's value, which is at a place; `incoming` is what LAYERS say of it.
  show(layer, place, number, x, incoming, stepsDown) {
    this.element.hidden = false;
    this.heading.textContent = `${layer.name}, ${place.join(" · ")}`;
    const { weights, sources = [], bias, note } = incoming;
    const words = [`${layer.title}. Value ${inDigits(number)}.`];
    if (note) words.push(note);
    if (weights && sources.length) {
      let sum = bias ?? 0;
      sources.forEach((source, i) => sum += source < 0 ? 0 : x.data[source] * weights[i]);
      const made = bias === undefined ? "" : `, with bias ${inDigits(bias)}`;
      words.push(`Weighted sum ${inDigits(sum)}${made}. Incoming weights:`);
    } else if (!weights && sources.length) {
      words.push(`It reads ${sources.length === 1 ? "one number" : `${sources.length} numbers`}.`);
    }
    this.words.textContent = words.join(" ");
    this.canvas.hidden = !weights;
    if (!weights) return;
    const limit = largestOf(weights), cells = new Cells(incoming.shape, 236, stepsDown && !note);
    const context = sized(this.canvas, cells.width, cells.height);
    cells.draw(context, weights, limit, palette());
    const label = `${weights.length} weights, the largest of size ${inDigits(limit)}`;
    this.canvas.setAttribute("aria-label", label);
  }
}
