// The page of a training: what the server says of the network, drawn as it comes.
"use strict";

// Numbers from -1 to 1, as the server packs them.
const signed = (text) => Float32Array.from(new Int8Array(bytesOf(text).buffer), (number) => number / 127);

const hueOf = (i) => (210 + i * 137) % 360;
const CURVES = ["training", "test"];
const SCALE_WIDTH = 46;

class WatchPage {
  constructor() {
    const found = (id) => document.getElementById(id);
    this.scene = this.picture = null;
    this.layers = found("layers");
    this.lines = found("lines");
    this.plane = found("plane");
    this.found = found;
    this.pointed = null;
    this.knobs = new KnobPanel(this);
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
    const what = few ? "" : ` ${scene.inputs.map((n) => n ?? "any").join(" × ")}`;
    const top = element("section", { className: "layer" }, element("h3", {}, `input${what}`), names);
    this.views = scene.layers.map((layer, i) => this.layerView(layer, i));
    this.layers.replaceChildren(this.lines, top, ...this.views.map((view) => view.element));
  }

  layerView(layer, i) {
    const canvas = element("canvas", { role: "img", tabIndex: layer.shown ? 0 : -1 });
    const about = element("small", { textContent: `${layer.title} → ${layer.shape.join(" × ")}` });
    const name = i === this.scene.layers.length - 1 ? "output" : layer.name;
    const heading = element("h3", {}, `${name} `, about);
    const view = { layer, canvas, heading, index: i, chosen: 0 };
    view.element = element("section", { className: "layer" }, heading, canvas);
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
      const { epochs } = picture.curves;
      this.say(`${picture.state === "finished" ? "The training has ended" : "Training"}: epoch ${epochs}`);
    } else this.say(picture.message, picture.message !== "");
    for (const view of this.views) this.drawLayer(view);
    this.drawWeights();
    if (picture.plane) this.drawPlane();
    this.drawCurves("loss", ["loss", "val_loss"], inDigits);
    if (this.scene.classifies) this.drawCurves("accuracy", ["accuracy", "val_accuracy"], percent);
    if (picture.table) this.drawTable(picture.table);
  }

  // Maps of the plane, pictures of weights, or lamps.
  drawLayer(view) {
    const { layer, canvas, index } = view, { picture } = this;
    canvas.hidden = !layer.shown;
    if (!layer.shown) return;
    const width = Math.max(this.layers.clientWidth, 60);
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

  drawPlane() {
    const { size, points, range, classifies, limit, labels } = this.scene, { plane, maps } = this.picture;
    const image = new ImageData(size, size), { data } = image, { pointed } = this;
    const put = (i, at) => data.set(this.colours.subarray(at, at + 4), 4 * i);
    const shade = (number) => 4 * Math.round(255 + 255 * Math.max(-1, Math.min(1, number)));
    let side = size;
    if (pointed) {
      const units = this.scene.layers[pointed[0]].shown, all = signed(maps[pointed[0]]);
      side = Math.sqrt(all.length / units);
      const own = all.filter((_, i) => i % units === pointed[1]), times = size / side;
      for (let i = 0; i < size * size; i++) {
        put(i, shade(own[Math.floor(i / size / times) * side + Math.floor((i % size) / times)]));
      }
    } else if (plane.classes) {
      const share = signed(plane.share), zero = colour("zero");
      bytesOf(plane.classes).forEach((label, i) => {
        const own = this.rgb(label);
        for (let c = 0; c < 3; c++) data[4 * i + c] = zero[c] + (own[c] - zero[c]) * (0.15 + 0.7 * share[i]);
        data[4 * i + 3] = 255;
      });
    } else signed(plane.numbers).forEach((number, i) => put(i, shade(number)));
    const buffer = new OffscreenCanvas(size, size), edge = 328;
    buffer.getContext("2d").putImageData(image, 0, 0);
    const context = sized(this.plane, edge, edge);
    this.plane.style.width = this.plane.style.height = "";
    context.drawImage(buffer, 0, 0, edge, edge);
    const place = (number, axis) => edge * (number - range[axis][0]) / (range[axis][1] - range[axis][0]);
    const isMany = plane.classes !== undefined;
    points.forEach((list, isTest) => {
      if (isTest && this.knobs.hidesTests) return;
      for (const [x, y, wanted] of list) {
        context.beginPath();
        context.arc(place(x, 0), edge - place(y, 1), isTest ? 2.6 : 3.4, 0, 7);
        const at = shade(classifies ? 2 * wanted - 1 : wanted / limit);
        context.fillStyle = `rgb(${isMany ? this.rgb(wanted) : this.colours.subarray(at, at + 3)})`;
        context.fill();
        context.strokeStyle = isTest ? `rgb(${colour("ink")})` : `rgb(${colour("zero")})`;
        context.lineWidth = 1;
        context.stroke();
      }
    });
    const told = pointed ? `neuron ${pointed[1] + 1} of ${this.scene.layers[pointed[0]].name}` : "the output";
    this.plane.setAttribute("aria-label", `The plane of the inputs, coloured by ${told}, with the samples`);
    const dots = classifies ? labels.map((label, i) => [isMany ? this.rgb(i) : colour(i ? "plus" : "minus"), label])
      : [[colour("minus"), "negative"], [colour("plus"), "positive"]];
    this.found("plane-legend").replaceChildren(
      `${told[0].toUpperCase()}${told.slice(1)}. `, ...dots.flatMap(([rgb, label]) => [this.dot(`rgb(${rgb})`), ` ${label} `]),
      points[1].length ? "Points with a dark edge are test samples." : "",
    );
  }

  rgb(label) {
    const context = this.mixer ??= new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    this.mixed ??= [];
    if (!this.mixed[label]) {
      context.fillStyle = `hsl(${hueOf(label)} 65% 52%)`;
      context.fillRect(0, 0, 1, 1);
      this.mixed[label] = Array.from(context.getImageData(0, 0, 1, 1).data.slice(0, 3));
    }
    return this.mixed[label];
  }

  dot(background) {
    const dot = element("span", { className: "dot" });
    dot.style.background = background;
    return dot;
  }

  drawCurves(id, names, inWords) {
    const { points, last, at } = this.picture.curves, canvas = this.found(`${id}-curves`);
    const curves = names.map((name) => points[name] ?? []), every = curves.flat().filter((n) => n !== null);
    const high = id === "accuracy" ? 1 : Math.max(...every, 0), low = id === "accuracy" ? Math.min(...every, 1) : 0;
    const width = Math.max(canvas.parentElement.clientWidth - 22, 60), height = 110;
    const context = sized(canvas, width, height);
    context.fillStyle = getComputedStyle(document.body).color;
    context.font = "11px system-ui, sans-serif";
    if (every.length) [[high, 14], [low, height - 4]].forEach(([n, y]) => context.fillText(inWords(n), 0, y));
    context.translate(SCALE_WIDTH, 0);
    drawCurves(context, plotOf(width - SCALE_WIDTH, height, Math.max(at.length, 2), low, high || 1), curves, 1);
    const now = names.flatMap((name, i) => {
      const dot = this.dot(`hsl(${hueOf(i)} 65% 52%)`);
      const text = last[name] === null ? "∞" : inWords(last[name] ?? 0);
      return last[name] === undefined ? [] : [element("span", {}, dot, ` ${CURVES[i]} ${text}`), " "];
    });
    this.found(id).replaceChildren(...now);
    canvas.setAttribute("aria-label", `${id} over ${this.picture.curves.epochs} epochs`);
  }

  drawTable(table) {
    const { labels } = this.scene, cell = (tag, text, more = {}) => element(tag, { textContent: text, ...more });
    const head = element("tr", {}, cell("td", ""), ...labels.map((label) => cell("th", label, { scope: "col" })));
    const rows = table.map((row, i) => {
      const sum = row.reduce((a, b) => a + b, 0) || 1;
      return element("tr", {}, cell("th", labels[i], { scope: "row" }), ...row.map((count, j) => {
        const found = cell("td", count || "");
        const name = i === j ? "--minus" : "--plus";
        if (count) found.style.background = `rgba(var(${name}), ${(0.1 + 0.5 * count / sum).toFixed(2)})`;
        return found;
      }));
    });
    const hint = cell("p", "Rows: what samples are. Columns: what the network takes them for.", { className: "hint" });
    this.found("table").replaceChildren(element("table", {}, head, ...rows), hint);
  }
}
