// Pictures of other numbers of channels, and volumes, as inputs: set number by number.
"use strict";

// Every number is a cell that can be set.
class PaintedCells {
  constructor(input, changed) {
    Object.assign(this, { input, changed, shape: input.picture, chosen: 0 });
    this.numbers = new Float32Array(product(this.shape)).fill(input.paper);
    this.canvas = element("canvas", {
      tabIndex: 0, id: "drawing", role: "application",
      "aria-label": "Cells: arrows move, Space sets or clears",
    });
    this.erase = checkbox("Erase", false, () => {});
    const clear = element("button", { type: "button", textContent: "Clear", id: "clear" });
    clear.addEventListener("click", () => this.set({ data: this.numbers.fill(input.paper) }));
    const hint = "Click or draw to set numbers. With keys: arrows move, Space sets or clears.";
    this.element = element(
      "div", {}, this.canvas, element("div", { className: "tools" }, clear, this.erase.label),
      element("p", { className: "hint", textContent: hint }),
    );
    const paint = (event) => {
      if (!event.buttons) return;
      const index = this.cells.at(event.offsetX, event.offsetY);
      if (index >= 0) this.put(index, this.erase.box.checked ? input.paper : input.ink);
    };
    this.canvas.addEventListener("pointerdown", paint);
    this.canvas.addEventListener("pointermove", paint);
    this.canvas.addEventListener("keydown", (event) => {
      if (event.key.startsWith("Arrow")) this.chosen = this.cells.next(this.chosen, event.key);
      else if (event.key === " ") {
        const { paper, ink } = input, isSet = this.numbers[this.chosen] !== paper;
        this.put(this.chosen, isSet ? paper : ink);
      } else return;
      event.preventDefault();
      this.draw();
    });
  }

  put(index, number) {
    this.chosen = index;
    this.numbers[index] = number;
    this.set({ data: this.numbers });
  }

  draw() {
    this.cells = new Cells(this.shape, Math.min(this.element.clientWidth || 280, 420), true);
    const context = sized(this.canvas, this.cells.width, this.cells.height);
    this.cells.draw(context, sharesOf(this.input, this.numbers), 1, inkPalette());
    if (document.activeElement === this.canvas) this.cells.frame(context, this.chosen);
  }

  sample() {
    return { shape: this.input.shape, data: this.numbers };
  }

  set(sample) {
    this.numbers = Float32Array.from(sample.data);
    this.changed();
  }
}
