// The results of a training: the plane of the inputs, curves over the epochs, a table of the classes.
"use strict";

const hueOf = (i) => (210 + i * 137) % 360;
const CURVES = ["training", "test"];
const SCALE_WIDTH = 54;
// How strong the colours of the plane are, so that points of the same colour stand out.
const PALE = 0.55;

class Results {
  constructor(page) {
    this.page = page;
    this.plane = document.getElementById("plane");
  }

  draw() {
    const { picture, scene } = this.page;
    if (picture.plane) this.drawPlane();
    this.drawCurves("loss", ["loss", "val_loss"], inDigits);
    if (scene.classifies) this.drawCurves("accuracy", ["accuracy", "val_accuracy"], percent);
    if (picture.table) this.drawTable(picture.table);
  }

  drawPlane() {
    const { size, points, range, classifies, limit, labels } = this.page.scene;
    const { plane, maps } = this.page.picture;
    const image = new ImageData(size, size), { data } = image, { pointed } = this.page;
    const put = (i, at) => data.set(this.page.colours.subarray(at, at + 4), 4 * i);
    const shade = (number) => 4 * Math.round(255 + 255 * Math.max(-1, Math.min(1, number)));
    let side = size;
    if (pointed) {
      const units = this.page.scene.layers[pointed[0]].shown, all = signed(maps[pointed[0]]);
      side = Math.sqrt(all.length / units);
      const own = all.filter((_, i) => i % units === pointed[1]), times = size / side;
      for (let i = 0; i < size * size; i++) {
        put(i, shade(PALE * own[Math.floor(i / size / times) * side + Math.floor((i % size) / times)]));
      }
    } else if (plane.classes) {
      const share = signed(plane.share), zero = colour("zero");
      bytesOf(plane.classes).forEach((label, i) => {
        const own = this.rgb(label);
        for (let c = 0; c < 3; c++) data[4 * i + c] = zero[c] + (own[c] - zero[c]) * (0.15 + 0.7 * share[i]);
        data[4 * i + 3] = 255;
      });
    } else signed(plane.numbers).forEach((number, i) => put(i, shade(PALE * number)));
    const buffer = new OffscreenCanvas(size, size), edge = 328;
    buffer.getContext("2d").putImageData(image, 0, 0);
    const context = sized(this.plane, edge, edge);
    this.plane.style.width = this.plane.style.height = "";
    context.drawImage(buffer, 0, 0, edge, edge);
    const place = (number, axis) => edge * (number - range[axis][0]) / (range[axis][1] - range[axis][0]);
    const isMany = plane.classes !== undefined;
    points.forEach((list, isTest) => {
      if (isTest && this.page.knobs.hidesTests) return;
      for (const [x, y, wanted] of list) {
        context.beginPath();
        context.arc(place(x, 0), edge - place(y, 1), isTest ? 2.6 : 3.4, 0, 7);
        const at = shade(classifies ? 2 * wanted - 1 : wanted / limit);
        context.fillStyle = `rgb(${isMany ? this.rgb(wanted) : this.page.colours.subarray(at, at + 3)})`;
        context.fill();
        context.strokeStyle = isTest ? `rgb(${colour("ink")})` : `rgb(${colour("zero")})`;
        context.lineWidth = 1;
        context.stroke();
      }
    });
    const told = pointed ? `neuron ${pointed[1] + 1} of ${this.page.scene.layers[pointed[0]].name}` : "the output";
    this.plane.setAttribute("aria-label", `The plane of the inputs, coloured by ${told}, with the samples`);
    const dots = classifies ? labels.map((label, i) => [isMany ? this.rgb(i) : colour(i ? "plus" : "minus"), label])
      : [[colour("minus"), "negative"], [colour("plus"), "positive"]];
    document.getElementById("plane-legend").replaceChildren(
      `${told[0].toUpperCase()}${told.slice(1)}. `, ...dots.flatMap(([rgb, label]) => [this.dot(`rgb(${rgb})`), ` ${label} `]),
      points[1].length ? `Points with a ${this.edge} edge are test samples.` : "",
    );
  }

  // How the ink of this page looks.
  get edge() {
    return matchMedia("(prefers-color-scheme: dark)").matches ? "light" : "dark";
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
    const { points, last, at } = this.page.picture.curves, canvas = document.getElementById(`${id}-curves`);
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
    document.getElementById(id).replaceChildren(...now);
    canvas.setAttribute("aria-label", `${id} over ${this.page.picture.curves.epochs} epochs`);
  }

  drawTable(table) {
    const { labels } = this.page.scene, cell = (tag, text, more = {}) => element(tag, { textContent: text, ...more });
    const head = element("tr", {}, cell("td", ""), ...labels.map((label) => cell("th", label, { scope: "col" })));
    const rows = table.map((row, i) => {
      const sum = row.reduce((a, b) => a + b, 0) || 1;
      return element("tr", {}, cell("th", labels[i], { scope: "row" }), ...row.map((count, j) => {
        const found = cell("td", count || "");
        const name = i === j ? "--minus" : "--plus";
        if (count) found.style.background = `rgba(var(${name}), ${(0.1 + 0.4 * count / sum).toFixed(2)})`;
        return found;
      }));
    });
    const hint = cell("p", "Rows: what samples are. Columns: what the network takes them for.", { className: "hint" });
    document.getElementById("table").replaceChildren(element("table", {}, head, ...rows), hint);
  }
}
