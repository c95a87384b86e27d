// The page of a training: what the server says of the network, drawn as it comes.
"use strict";

// Numbers from -1 to 1, as the server packs them.
const signed = (text) => Float32Array.from(new Int8Array(bytesOf(text).buffer), (number) => number / 127);

class WatchPage {
  constructor() {
    const found = (id) => document.getElementById(id);
    this.scene = this.picture = null;
    this.layers = found("layers");
    this.lines = found("lines");
    this.found = found;
    this.pointed = null;
    this.knobs = new KnobPanel(this);
    this.results = new Results(this);
    new ResizeObserver(() => this.later()).observe(this.layers);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.later());
    this.listen();
  }

  listen() {
    const stream = new EventSource("events");
    stream.addEventListener("scene", (event) => this.see(JSON.parse(event.data)));
    stream.addEventListener("picture", (event) => {
      this.picture = JSON.parse(event.data);
      this.later();
    });
    stream.addEventListener("open", () => this.say(""));
    stream.addEventListener("error", () => this.say("The program does not answer: it may have ended.", true));
  }

  say(text, isBad = false) {
    const place = this.found("status");
    place.textContent = text;
    place.className = isBad ? "failed" : "hint";
  }

  see(scene) {
    this.scene = scene;
    this.picture = this.pointed = null;
    const isPlane = scene.form === "plane";
    this.found("title").textContent = scene.title ?? "A network learns";
    document.title = `foxnn: ${scene.title ?? "training"}`;
    document.querySelector("main").classList.toggle("watching", !scene.knobs);
    this.found("plane-card").hidden = !isPlane;
    this.found("accuracy-card").hidden = this.found("table-card").hidden = !scene.classifies;
    this.found("python").parentElement.querySelector("#python").hidden = !scene.knobs;
    this.addLayers(scene);
    this.knobs.see(scene);
  }

  addLayers(scene) {
    const names = element("div", { className: "names" });
    const count = scene.inputs.reduce((product, n) => product * n, 1);
    const few = scene.inputs.length === 1 && count <= 32;
    const shown = few ? Array.from({ length: count }, (_, i) => scene.names[i] ?? `x${i + 1}`) : [];
    names.append(...shown.map((name) => element("span", { textContent: name })));
    this.inputs = names;
    const what = few ? "" : ` ${(scene.picture ?? scene.inputs).map((n) => n ?? "any").join(" × ")}`;
    const { sample } = scene, told = sample?.label === undefined ? "" : `: ${sample.label}`;
    const about = element("small", { textContent: sample ? `${sample.where}${told}` : "" });
    const heading = element("h3", {}, `input${what} `, about);
    const top = element("section", { className: "layer" }, heading, sample ? this.sampleCanvas(sample) : names);
    this.views = scene.layers.map((layer, i) => this.layerView(layer, i));
    this.layers.replaceChildren(this.lines, top, ...this.views.map((view) => view.element));
  }

  // The picture of which the layers show what they make.
  sampleCanvas({ shape, data, where }) {
    const canvas = element("canvas", { role: "img", "aria-label": where }), cells = new Cells(shape, 84);
    cells.draw(sized(canvas, cells.width, cells.height), signed(data), 1, inkPalette());
    return canvas;
  }

  layerView(layer, i) {
    const canvas = element("canvas", { role: "img", tabIndex: layer.shown ? 0 : -1 });
    const about = element("small", { textContent: `${layer.title} → ${layer.shape.join(" × ")}` });
    const name = i === this.scene.layers.length - 1 ? "output" : layer.name;
    const heading = element("h3", {}, `${name} `, about);
    const place = element("div", {}, canvas);
    const view = { layer, canvas, place, about, heading, index: i, chosen: 0 };
    view.element = element("section", { className: "layer" }, heading, place);
    const point = (unit) => {
      this.pointed = unit === null ? null : [i, unit];
      this.later();
    };
    canvas.addEventListener("pointermove", (event) => {
      const unit = view.cells ? this.unitAt(view, event.offsetX, event.offsetY) : -1;
      if (unit >= 0) point(unit);
    });
    canvas.addEventListener("pointerleave", () => point(null));
    canvas.addEventListener("blur", () => point(null));
    canvas.addEventListener("focus", () => canvas.matches(":focus-visible") && point(view.chosen));
    canvas.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
      if (!move) return;
      event.preventDefault();
      view.chosen = Math.max(0, Math.min(layer.shown - 1, view.chosen + move));
      point(view.chosen);
    });
    return view;
  }

  // Which neuron is at a place, or -1.
  unitAt(view, x, y) {
    const index = view.cells.at(x, y);
    return index < 0 ? -1 : view.cells.isLamps ? index : index % view.layer.shown;
  }

  // Draw before the next frame.
  later() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      if (this.scene && this.picture) this.draw();
    });
  }

  draw() {
    const { picture } = this;
    this.colours = palette();
    this.knobs.show(picture);
    if (!this.scene.knobs) {
      const state = { finished: "The training has ended", stopped: "The training was stopped" }[picture.state];
      this.say(`${state ?? "Training"}: epoch ${picture.curves.epochs}`);
    } else this.say(picture.message, picture.message !== "");
    for (const view of this.views) this.drawLayer(view);
    this.tellLast();
    this.drawWeights();
    this.results.draw();
  }

  // Which output one points at, or what the last layer takes the sample for.
  tellLast() {
    const { labels, classifies, sample } = this.scene, outputs = this.picture.values?.at(-1) ?? [];
    const { about, layer, index } = this.views.at(-1), [at, unit] = this.pointed ?? [];
    let more = "";
    if (at === index && labels.length === layer.shape.at(-1)) more = ` (${labels[unit]})`;
    else if (sample && classifies && outputs.length > 1) {
      more = ` (answer: ${labels[outputs.indexOf(Math.max(...outputs))]})`;
    }
    about.textContent = `${layer.title} → ${layer.shape.join(" × ")}${more}`;
  }

  // Maps of the plane, pictures of weights, or lamps.
  drawLayer(view) {
    const { layer, canvas, index } = view, { picture } = this;
    canvas.hidden = !layer.shown;
    if (!layer.shown) return;
    const width = Math.max(view.place.clientWidth, 60);
    let shape = [layer.shown], data = picture.values?.[index] ?? new Float32Array(layer.shown);
    if (picture.maps) {
      const side = Math.sqrt(bytesOf(picture.maps[index]).length / layer.shown);
      [shape, data] = [[side, side, layer.shown], signed(picture.maps[index])];
    } else if (picture.filters?.name === layer.name) {
      [shape, data] = [picture.filters.shape, signed(picture.filters.data)];
    }
    view.cells = new Cells(shape, width);
    const context = sized(canvas, view.cells.width, view.cells.height);
    view.cells.draw(context, data, 1, this.colours);
    const kind = picture.maps ? "maps of the plane" : shape.length > 1 ? "pictures of weights" : "outputs";
    canvas.setAttribute("aria-label", `${layer.name}: ${layer.shown} neurons, ${kind}; arrows choose one`);
    if (this.pointed?.[0] === index) this.frame(view, context, this.pointed[1]);
  }

  // The rectangle of a neuron: [left, top, width, height].
  box(view, unit) {
    const { cells } = view;
    if (cells.isLamps) {
      const [left, top, size] = cells.place(unit);
      return [left, top, size, size];
    }
    const [left, top] = cells.place(unit);
    return [left, top, cells.columns * cells.scale, cells.rows * cells.scale];
  }

  frame(view, context, unit) {
    const [left, top, width, height] = this.box(view, unit);
    context.strokeStyle = `rgb(${colour("mark")})`;
    context.lineWidth = 2;
    context.strokeRect(left + 1, top + 1, width - 2, height - 2);
  }

  // The upper or lower middle of a neuron, or of an input.
  end(view, unit, isLower, origin) {
    let box;
    if (view) {
      const own = view.canvas.getBoundingClientRect(), [left, top, width, height] = this.box(view, unit);
      box = { left: own.left + left, top: own.top + top, width, height };
    } else box = this.inputs.children[unit].getBoundingClientRect();
    return [box.left - origin.left + box.width / 2, box.top - origin.top + (isLower ? box.height : 0)];
  }

  // Lines: all of them, or those into the neuron that one points at.
  drawWeights() {
    const origin = this.layers.getBoundingClientRect();
    this.lines.setAttribute("width", origin.width);
    this.lines.setAttribute("height", origin.height);
    const all = this.views.flatMap((view, i) => {
      if (this.pointed && this.pointed[0] !== i) return [];
      const source = i ? this.views[i - 1] : null;
      if (!view.cells || (i ? !source.cells : !this.inputs.children.length)) return [];
      return this.picture.lines[i].flatMap(([from, to, strength]) => {
        if (this.pointed && this.pointed[1] !== to) return [];
        return [[...this.end(source, from, true, origin), ...this.end(view, to, false, origin), strength]];
      });
    });
    drawLines(this.lines, all, 4.5);
  }
}
