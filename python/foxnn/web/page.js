// The page of an exported network: an input, every layer, the outputs, and what one points at.
"use strict";

// Lines into a layer, and into a neuron that one points at.
const MOST_LINES = 40;
const STEP_MILLISECONDS = 250;

// Layers whose numbers are those that they read: they are named, but not drawn again.
const UNCHANGED = new Set(["flatten", "dropout"]);

class Page {
  constructor(network) {
    this.network = network;
    this.views = [];
    this.step = Infinity;
    this.chosen = null;
    this.inspector = new Inspector();
    this.inspector.close.addEventListener("click", () => this.choose(null, true));
    this.input = makeInput(network.input, () => this.later());
    const { form, shape } = network.input;
    this.stepsDown = form === "picture" && shape.length === 2;
    this.outputs = new Outputs(network.output);
    document.getElementById("input").append(this.input.element);
    document.getElementById("output").append(this.outputs.element);
    document.body.append(this.inspector.element);
    this.addSamples();
    this.addSteps();
    const place = document.getElementById("layers");
    this.addLayers(place, network.layers, this.add(place, new LayerView(this, null, null)));
    this.lines = document.getElementById("lines");
    this.isLit = document.getElementById("lit");
    this.isLit.addEventListener("change", () => this.drawLines());
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.choose(null, true));
    new ResizeObserver(() => this.later()).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.later());
    const first = network.samples[0] ?? (["steps", "indices"].includes(form) && network.test.samples[0]);
    if (first) this.input.set(first);
    this.update();
    setTimeout(() => this.test(), 50);
  }

  add(place, view) {
    place.append(view.element);
    this.views.push(view);
    return view;
  }

  // Show layers after one another; return the view of their end.
  addLayers(place, layers, source) {
    for (const layer of layers) {
      if (UNCHANGED.has(layer.operation)) {
        place.append(element("p", { className: "note", textContent: `${layer.name}: the same numbers` }));
        continue;
      }
      const start = source;
      if (layer.branches.length) {
        const box = element("div", { className: "branches" });
        place.append(element("p", { className: "note", textContent: `${layer.name}:` }), box);
        for (const branch of layer.branches) {
          const column = element("div", { className: "branch" });
          box.append(column);
          if (!branch.length) column.append(element("p", { className: "note", textContent: "as it is" }));
          this.addLayers(column, branch, start);
        }
      }
      source = this.add(place, new LayerView(this, layer, layer.branches.length ? null : start));
    }
    return source;
  }

  addSamples() {
    const { samples, captions, input } = this.network, place = document.getElementById("samples");
    place.hidden = samples.length === 0;
    const name = (i) => captions[i] ? `${i + 1}: ${captions[i]}` : `${i + 1}`;
    if (input.form !== "picture") {
      const options = samples.map((_, i) => new Option(`Sample ${name(i)}`));
      const select = element("select", { id: "sample" }, ...options);
      select.addEventListener("change", () => this.input.set(samples[select.selectedIndex]));
      place.append(element("label", { htmlFor: "sample", textContent: "Samples " }), select);
      return;
    }
    samples.forEach((sample, i) => {
      const canvas = element("canvas", {}), cells = new Cells(gridOf(input, sample.shape), 40, true);
      const title = `Sample ${name(i)}`, own = { type: "button", title, "aria-label": title };
      const button = element("button", own, canvas);
      if (input.picture.length === 3 && input.picture[2] === 3) {
        const grid = gridOf(input, sample.shape);
        paintPicture(sized(canvas, grid[1] * 40 / grid[0], 40), sample.data, input, grid, 40 / grid[0]);
      } else {
        cells.draw(sized(canvas, cells.width, cells.height), sharesOf(input, sample.data), 1, inkPalette());
      }
      button.addEventListener("click", () => this.input.set(sample));
      place.append(button);
    });
  }

  // A slider for the steps of sequences, and a button that goes through them.
  addSteps() {
    const { input, layers, grows } = this.network;
    const every = (list) => list.flatMap((layer) => [layer, ...layer.branches.flatMap(every)]);
    const isSequence = grows || every(layers).some((layer) => layer.operation in CELLS);
    const hasSteps = (input.form === "indices" || input.shape.length === 2) && isSequence;
    const place = document.getElementById("step-by-step");
    place.hidden = !hasSteps;
    this.steps = 0;
    if (!hasSteps) return;
    this.slider = element("input", { type: "range", min: 1, id: "step" });
    this.told = element("output", { htmlFor: "step" });
    this.play = element("button", { type: "button", textContent: "Play", id: "play" });
    this.slider.addEventListener("input", () => this.goTo(this.slider.value - 1));
    this.play.addEventListener("click", () => this.timer ? this.pause() : this.start());
    const label = element("label", { htmlFor: "step", textContent: "Step " });
    place.append(label, this.slider, this.told, this.play);
  }

  start() {
    this.play.textContent = "Pause";
    this.goTo(this.step + 1 < this.steps ? this.step : 0);
    this.timer = setInterval(() => {
      if (this.step + 1 < this.steps) this.goTo(this.step + 1);
      else this.pause();
    }, STEP_MILLISECONDS);
  }

  pause() {
    clearInterval(this.timer);
    this.timer = null;
    this.play.textContent = "Play";
  }

  goTo(step) {
    this.step = step;
    this.later();
  }

  // Compute and draw before the next frame.
  later() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => this.update());
  }

  update() {
    this.waiting = null;
    const sample = this.input.sample(), { data, shape } = sample;
    this.full = this.shown = answer(this.network, sample);
    if (this.slider) {
      const isAtEnd = !(this.step < this.steps - 1);
      this.steps = shape[0];
      this.step = isAtEnd ? this.steps - 1 : Math.min(this.step, this.steps - 1);
      this.slider.max = this.steps;
      this.slider.value = this.step + 1;
      this.told.textContent = ` ${this.step + 1} of ${this.steps} `;
      if (this.network.grows && this.step < this.steps - 1) {
        const some = data.subarray(0, data.length / shape[0] * (this.step + 1));
        this.shown = answer(this.network, { shape: [this.step + 1, ...shape.slice(1)], data: some });
      }
    }
    this.draw();
    this.outputs.show(this.shown.outputs, this.step);
  }

  draw() {
    this.input.draw?.();
    for (const view of this.views) view.draw(this.full, this.shown, view === this.chosen);
    this.inspect();
    this.drawLines();
  }

  // Point at the number that a view has chosen, or at none. What is kept stays.
  choose(view, isKept) {
    if (this.isKept && !isKept) return;
    const before = this.chosen;
    this.isKept = isKept && view !== null;
    this.chosen = view;
    for (const each of new Set([before, view])) each?.draw(this.full, this.shown, each === view);
    this.inspect();
    this.drawLines();
  }

  // What comes into the chosen number.
  incoming() {
    const { layer, chosen, source } = this.chosen, x = this.shown.reads.get(layer);
    const found = LAYERS[layer.operation]?.incoming(layer, x, chosen, this.shown.values.get(layer)) ?? {};
    return found.shape === x.shape && source ? { ...found, shape: source.shape } : found;
  }

  inspect() {
    const view = this.chosen, data = view && view.drawn(this.shown).data;
    if (!view?.layer || view.chosen >= data.length) {
      this.inspector.hide();
      return;
    }
    const x = this.shown.reads.get(view.layer);
    const place = [];
    let rest = view.chosen;
    for (const length of [...view.shape].reverse()) {
      place.unshift(rest % length);
      rest = Math.floor(rest / length);
    }
    this.inspector.show(view.layer, place, data[view.chosen], x, this.incoming(), this.stepsDown);
  }

  drawLines() {
    const network = document.getElementById("layers"), origin = network.getBoundingClientRect();
    this.lines.setAttribute("width", origin.width);
    this.lines.setAttribute("height", origin.height);
    const all = () => this.isLit.checked ? this.allLines(origin) : [];
    drawLines(this.lines, this.chosen?.layer ? this.linesIntoChosen(origin) : all());
  }

  line(view, origin, from, to, strength) {
    const start = view.source.cellOf(this.shown, from);
    if (start >= view.source.cells.count || to >= view.cells.count) return [];
    return [[...view.source.middle(start, origin), ...view.middle(to, origin), strength]];
  }

  allLines(origin) {
    return this.views.flatMap((view) => {
      if (view.layer?.operation !== "dense" || !view.source) return [];
      const y = this.shown.values.get(view.layer), x = this.shown.reads.get(view.layer);
      if (y.shape.length > 1) return [];
      const found = strongest(view.layer, x, y, MOST_LINES), most = Math.abs(found[0]?.[2] ?? 1);
      return found.flatMap(([from, to, carried]) => this.line(view, origin, from, to, carried / most));
    });
  }

  linesIntoChosen(origin) {
    const view = this.chosen, { weights, sources = [] } = this.incoming();
    if (!view.source) return [];
    const x = this.shown.reads.get(view.layer), found = [];
    sources.forEach((from, i) => {
      const carried = from < 0 ? 0 : weights ? weights[i] * x.data[from] : 1;
      if (carried !== 0) found.push([from, carried]);
    });
    found.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
    const most = Math.abs(found[0]?.[1] ?? 1);
    return found.slice(0, MOST_LINES).flatMap(
      ([from, carried]) => this.line(view, origin, from, view.chosen, carried / most),
    );
  }

  test() {
    const { count, largest, within, passed } = selfTest(this.network);
    const place = document.getElementById("self-test");
    const rest = `largest difference ${largest.toExponential(1)}, allowed ${within.toExponential(0)}`;
    place.className = passed ? "passed" : "failed";
    place.textContent = passed
      ? `Self-test passed: ${count} recorded samples are answered as by predict (${rest}).`
      : `Self-test failed: this page does not answer as predict does (${rest}).`;
  }
}

function startPage() {
  const read = (id) => document.getElementById(id).textContent;
  try {
    window.page = new Page(readNetwork(read("description"), read("weights")));
  } catch (error) {
    const place = document.getElementById("self-test");
    place.className = "failed";
    place.textContent = `This page cannot be shown here: ${error.message}.`;
    throw error;
  }
}

startPage();
