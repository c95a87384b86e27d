// Inputs that are no pictures: sliders and choices for tables, curves for steps, a list of indices.
//
// An input has an element, sample() and set(sample), and calls `changed` when it has been changed.
"use strict";

class TableInput {
  constructor(input, changed) {
    Object.assign(this, { input, changed });
    this.numbers = new Float64Array(input.shape[0]);
    this.controls = input.columns.map((column, i) => this.control(column, `input-${i}`));
    this.element = element("div", { className: "table" }, ...this.controls.map((each) => each.element));
    for (const each of this.controls) each.show();
  }

  // A choice, or a slider with its number.
  control(column, id) {
    const { name, first } = column, label = element("label", { htmlFor: id, textContent: name, title: name });
    const choices = column.texts ?? column.choices?.map(String);
    const put = (number) => {
      if (!Number.isFinite(number)) return;
      this.numbers[first] = number;
      show();
      this.changed();
    };
    let show;
    if (choices) {
      const select = element("select", { id }, ...choices.map((text) => new Option(text)));
      const write = (chosen) => {
        if (column.texts) column.texts.forEach((_, i) => this.numbers[first + i] = i === chosen ? 1 : 0);
        else this.numbers[first] = column.choices[chosen];
      };
      write(column.texts ? 0 : Math.max(0, column.choices.indexOf(column.start)));
      select.addEventListener("change", () => (write(select.selectedIndex), this.changed()));
      show = () => select.selectedIndex = column.texts
        ? column.texts.findIndex((_, i) => this.numbers[first + i] === 1)
        : column.choices.indexOf(this.numbers[first]);
      return { element: element("div", { className: "row" }, label, select), show };
    }
    const { low, high } = column, step = column.whole ? 1 : "any";
    const slider = element("input", { type: "range", id, min: low, max: high, step });
    const field = element("input", { type: "number", step: "any", "aria-label": name });
    this.numbers[first] = column.whole ? Math.round(column.start) : column.start;
    slider.addEventListener("input", () => put(Number(slider.value)));
    field.addEventListener("change", () => put(field.valueAsNumber));
    show = () => {
      slider.value = this.numbers[first];
      field.value = inDigits(this.numbers[first]);
    };
    return { element: element("div", { className: "row" }, label, slider, field), show };
  }

  sample() {
    return { shape: this.input.shape, data: this.numbers };
  }

  set(sample) {
    this.numbers = Float64Array.from(sample.data);
    for (const each of this.controls) each.show();
    this.changed();
  }
}

// Sequences of few channels: a curve for each, drawn over one another.
class StepsInput {
  constructor(input, changed) {
    const channels = input.columns.length, steps = input.shape[0] ?? 12;
    Object.assign(this, { input, changed, steps, at: 0 });
    this.numbers = Float32Array.from({ length: steps * channels }, (_, i) => input.columns[i % channels].start);
    this.canvas = element("canvas", {
      tabIndex: 0, id: "drawing", role: "application",
    });
    this.channel = element("select", { id: "channel" }, ...input.columns.map(({ name }) => new Option(name)));
    this.channel.addEventListener("change", () => this.draw());
    const tools = [element("label", {}, "Channel ", this.channel)];
    if (input.shape[0] === null) {
      this.count = element("input", { type: "number", min: 1, max: 1000, value: steps, id: "steps" });
      this.count.addEventListener("change", () => this.resize(this.count.valueAsNumber));
      tools.push(element("label", {}, "Steps ", this.count));
    }
    const hint = "Draw the curve. With keys: left and right choose a step, up and down change it.";
    this.element = element(
      "div", {}, this.canvas, element("div", { className: "tools" }, ...tools),
      element("p", { className: "hint", textContent: hint }),
    );
    const paint = (event) => {
      if (!event.buttons) return;
      const step = this.plot.step(event.offsetX), number = this.plot.number(event.offsetY);
      const isFirst = event.type === "pointerdown", from = isFirst ? step : this.at;
      if (isFirst) this.canvas.setPointerCapture(event.pointerId);
      // Steps that a fast pointer has passed over, too.
      for (let t = from; t !== step; t += Math.sign(step - from)) this.put(t, number);
      this.put(step, number);
    };
    this.canvas.addEventListener("pointerdown", paint);
    this.canvas.addEventListener("pointermove", paint);
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    for (const each of ["focus", "blur"]) this.canvas.addEventListener(each, () => this.draw());
  }

  get chosen() {
    return this.channel.selectedIndex;
  }

  key(event) {
    const { low, high } = this.input.columns[this.chosen], width = this.input.columns.length;
    const moves = { ArrowLeft: -1, ArrowRight: 1 }, changes = { ArrowUp: 0.05, ArrowDown: -0.05 };
    if (event.key in moves) {
      this.at = Math.max(0, Math.min(this.steps - 1, this.at + moves[event.key]));
      this.draw();
    } else if (event.key in changes) {
      const number = this.numbers[this.at * width + this.chosen] + changes[event.key] * (high - low);
      this.put(this.at, Math.max(low, Math.min(high, number)));
    } else return;
    event.preventDefault();
  }

  put(step, number) {
    this.at = step;
    this.numbers[step * this.input.columns.length + this.chosen] = number;
    this.changed();
  }

  resize(steps) {
    if (!(steps >= 1 && steps <= 1000)) return;
    const width = this.input.columns.length, longer = new Float32Array(steps * width);
    for (let i = 0; i < longer.length; i++) longer[i] = this.numbers[i] ?? this.input.columns[i % width].start;
    this.set({ data: longer });
  }

  draw() {
    const { columns } = this.input, width = Math.min(this.element.clientWidth || 320, 560);
    const low = Math.min(...columns.map((c) => c.low)), high = Math.max(...columns.map((c) => c.high));
    const context = sized(this.canvas, width, 150);
    this.plot = plotOf(width, 150, this.steps, low, high);
    const curve = (c) => Array.from({ length: this.steps }, (_, t) => this.numbers[t * columns.length + c]);
    drawCurves(context, this.plot, columns.map((_, c) => curve(c)), this.chosen);
    const number = this.numbers[this.at * columns.length + this.chosen];
    const said = `Curve of ${columns[this.chosen].name}: step ${this.at + 1} of ${this.steps} is ${inDigits(number)}`;
    this.canvas.setAttribute("aria-label", said);
    if (document.activeElement !== this.canvas) return;
    context.fillStyle = `rgb(${colour("mark")})`;
    context.fillRect(this.plot.x(this.at) - 3, this.plot.y(number) - 3, 6, 6);
  }

  sample() {
    return { shape: [this.steps, this.input.columns.length], data: this.numbers };
  }

  set(sample) {
    this.numbers = Float32Array.from(sample.data);
    this.steps = this.numbers.length / this.input.columns.length;
    this.at = Math.min(this.at, this.steps - 1);
    if (this.count) this.count.value = this.steps;
    this.changed();
  }
}

// Whole numbers, as a network with an Embedding reads them.
class IndexInput {
  constructor(input, changed) {
    Object.assign(this, { input, changed, shape: input.shape.map((n) => n ?? 6) });
    this.numbers = new Float32Array(product(this.shape));
    this.field = element("input", { type: "text", id: "indices", "aria-describedby": "indices-help" });
    const count = input.shape.includes(null) ? "Whole" : `${this.numbers.length} whole`;
    this.help = element("p", {
      className: "hint", id: "indices-help",
      textContent: `${count} numbers from 0 to ${input.limit - 1}, with blanks or commas between.`,
    });
    const label = element("label", { htmlFor: "indices", textContent: "Indices" });
    this.element = element("div", {}, label, this.field, this.help);
    this.field.addEventListener("input", () => this.read());
    this.field.value = this.numbers.join(", ");
  }

  read() {
    const found = this.field.value.split(/[\s,;]+/).filter((text) => text !== "").map(Number);
    const isGood = found.every((n) => Number.isInteger(n) && n >= 0 && n < this.input.limit);
    const isFree = this.input.shape.includes(null), inner = product(this.input.shape.slice(1));
    const isLong = isFree ? found.length > 0 && found.length % inner === 0 : found.length === this.numbers.length;
    this.field.setAttribute("aria-invalid", String(!(isGood && isLong)));
    if (isGood && isLong) this.put(found);
  }

  put(numbers) {
    this.numbers = Float32Array.from(numbers);
    const steps = this.numbers.length / product(this.input.shape.slice(1));
    this.shape = this.input.shape.map((n) => n ?? steps);
    this.changed();
  }

  sample() {
    return { shape: this.shape, data: this.numbers };
  }

  set(sample) {
    this.field.value = Array.from(sample.data).join(", ");
    this.field.setAttribute("aria-invalid", "false");
    this.put(sample.data);
  }
}

function makeInput(input, changed) {
  const isDrawn = input.form === "picture" && input.picture.length === 3 && [1, 3].includes(input.picture[2]);
  const kinds = { picture: isDrawn ? DrawnPicture : PaintedCells, steps: StepsInput, indices: IndexInput };
  return new (kinds[input.form] ?? TableInput)(input, changed);
}
