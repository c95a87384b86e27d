// A layer as a page shows it: its numbers as a picture, of which one can be chosen.
"use strict";

// Without a layer it shows the inputs.
class LayerView {
  constructor(page, layer, source) {
    Object.assign(this, { page, layer, source, chosen: 0 });
    this.canvas = element("canvas", { tabIndex: 0, role: "application" });
    this.about = element("small", {});
    const name = layer ? layer.name : "input";
    const heading = element("h3", {}, `${name} `, this.about);
    this.element = element("section", { className: "layer" }, heading, this.canvas);
    this.canvas.addEventListener("pointermove", (event) => this.point(event, false));
    this.canvas.addEventListener("click", (event) => this.point(event, true));
    this.canvas.addEventListener("pointerleave", () => page.choose(null, false));
    this.canvas.addEventListener("focus", () => {
      if (this.canvas.matches(":focus-visible")) page.choose(this, true);
    });
    this.canvas.addEventListener("keydown", (event) => {
      if (!event.key.startsWith("Arrow")) return;
      event.preventDefault();
      this.chosen = this.cells.next(this.chosen, event.key);
      page.choose(this, true);
    });
  }

  point(event, isKept) {
    const index = this.cells.at(event.offsetX, event.offsetY);
    if (index < 0) return;
    this.chosen = index;
    this.page.choose(this, isKept);
  }

  // What is drawn: the value of the layer, or all states of a recurrent one.
  drawn(result) {
    const value = this.layer ? result.values.get(this.layer) : result.inputs;
    return value.states ?? value;
  }

  // The place in what is drawn of a number of the value.
  cellOf(result, index) {
    const value = this.layer && result.values.get(this.layer);
    if (!value?.states || value.shape.length === 2) return index;
    const [steps, width] = value.states.shape, { units, reverse } = this.layer.options;
    return reverse || index >= units ? index : (steps - 1) * width + index;
  }

  get isPicture() {
    return !this.layer && this.page.network.input.form === "picture";
  }

  draw(full, shown, isFramed) {
    const { page, layer } = this, { shape } = this.drawn(full), { data } = this.drawn(shown);
    this.shape = this.isPicture ? gridOf(page.network.input, shape) : shape;
    this.about.textContent = (layer ? `${layer.title} → ` : "") + this.shape.join(" × ");
    this.cells = new Cells(this.shape, Math.max(this.element.clientWidth - 20, 60), page.stepsDown);
    if (this.cells.count < data.length && this.cells.isLamps) {
      this.about.textContent += `, of which the first ${this.cells.count} are shown`;
    }
    const context = sized(this.canvas, this.cells.width, this.cells.height);
    if (this.isPicture) {
      const shares = sharesOf(page.network.input, page.input.sample().data.subarray(0, data.length));
      this.cells.draw(context, shares, 1, inkPalette());
    } else {
      this.cells.draw(context, data, largestOf(data), palette());
    }
    const label = `${layer?.name ?? "input"}, ${data.length} numbers; arrows choose one`;
    this.canvas.setAttribute("aria-label", label);
    if (page.steps && shape.length === 2 && shape[0] === page.steps) {
      this.cells.frame(context, page.step * shape[1], true);
    }
    if (isFramed) this.cells.frame(context, this.chosen);
  }

  // The middle of a number within the network's element.
  middle(cell, origin) {
    const box = this.canvas.getBoundingClientRect(), [left, top, size] = this.cells.place(cell);
    return [box.left - origin.left + left + size / 2, box.top - origin.top + top + size / 2];
  }
}
