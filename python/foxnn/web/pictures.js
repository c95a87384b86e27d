// Pictures as inputs: drawn with mouse, pen, finger or keys.
//
// An input has an element, sample() and set(sample), and calls `changed` when it has been changed.
"use strict";

function checkbox(label, isOn, changed) {
  const box = element("input", { type: "checkbox", checked: isOn });
  box.addEventListener("change", changed);
  return { box, label: element("label", { className: "check" }, box, ` ${label}`) };
}

// How long a picture is on the page, and how narrow at least, in CSS pixels, so that a pen hits it.
const [DRAWN_SIZE, DRAWN_LEAST] = [224, 48];

// A picture of one channel, or of red, green and blue, drawn in a larger one.
class DrawnPicture {
  constructor(input, changed) {
    [this.rows, this.columns, this.channels] = input.picture;
    Object.assign(this, { input, changed, isDown: false, cursor: null });
    this.scale = Math.max(1, Math.ceil(280 / Math.max(this.rows, this.columns)));
    this.canvas = element("canvas", {
      width: this.columns * this.scale, height: this.rows * this.scale, tabIndex: 0, id: "drawing",
      className: this.channels === 1 ? "drawn one" : "drawn", role: "application", "aria-describedby": "drawing-help",
      "aria-label": "Drawing area",
    });
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.pen = element("input", { type: "range", min: 1, max: 20, value: 8, id: "pen" });
    this.erase = checkbox("Erase", false, () => {});
    this.centre = checkbox("Centre and scale as MNIST does", input.centre && this.channels === 1, () => this.read());
    const clear = element("button", { type: "button", textContent: "Clear", id: "clear" });
    clear.addEventListener("click", () => this.clear());
    const tools = [
      clear, element("label", {}, "Pen ", this.pen), this.erase.label,
      ...(this.channels === 1 ? [this.centre.label] : this.colourTools()),
    ];
    this.element = element(
      "div", {}, this.canvas, element("div", { className: "tools" }, ...tools),
      element("p", {
        id: "drawing-help", className: "hint",
        textContent: "Draw with mouse, pen or finger. With keys: arrows move, Space puts the pen down or up.",
      }),
    );
    this.fit();
    this.listen();
    this.clear(false);
  }

  fit() {
    const each = DRAWN_SIZE / Math.max(this.rows, this.columns);
    const [wide, high] = [this.columns, this.rows].map((n) => Math.max(DRAWN_LEAST, n * each));
    this.canvas.style.width = `min(${wide}px, 100%)`;
    this.canvas.style.aspectRatio = `${wide} / ${high}`;
  }

  colourTools() {
    this.ink = element("input", { type: "color", value: "#ffffff" });
    const file = element("input", { type: "file", accept: "image/*" });
    file.addEventListener("change", async () => {
      if (!file.files.length) return;
      const { width, height } = this.canvas;
      this.context.drawImage(await createImageBitmap(file.files[0]), 0, 0, width, height);
      this.read();
    });
    return [element("label", {}, "Colour ", this.ink), element("label", {}, "Open a picture ", file)];
  }

  listen() {
    const place = (event) => {
      const box = this.canvas.getBoundingClientRect(), { width, height } = this.canvas;
      return [(event.clientX - box.left) * width / box.width, (event.clientY - box.top) * height / box.height];
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.last = place(event);
      this.stroke(this.last);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!this.last) return;
      for (const each of event.getCoalescedEvents?.() ?? []) this.stroke(place(each), false);
      this.stroke(place(event));
    });
    for (const end of ["pointerup", "pointercancel"]) {
      this.canvas.addEventListener(end, () => this.last = null);
    }
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("blur", () => this.cursorTo(null));
  }

  key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const at = this.cursor ?? [this.canvas.width / 2, this.canvas.height / 2];
    if (event.key === " ") {
      this.isDown = !this.isDown;
      this.last = at;
      if (this.isDown) this.stroke(at);
    } else if (event.key in moves) {
      const [dx, dy] = moves[event.key], clip = (v, end) => Math.max(0, Math.min(end, v));
      const to = [
        clip(at[0] + dx * this.scale, this.canvas.width), clip(at[1] + dy * this.scale, this.canvas.height),
      ];
      if (this.isDown) this.stroke(to);
      this.cursorTo(to);
    } else return;
    event.preventDefault();
    if (!this.isDown) this.last = null;
    if (!this.cursor) this.cursorTo(at);
  }

  // A ring shows where the keys are; it lies over the drawing.
  cursorTo(place) {
    this.cursor = place;
    if (!place) this.isDown = false;
    this.ring?.remove();
    if (!place) return;
    const { offsetLeft, offsetTop, offsetWidth, offsetHeight, width, height } = this.canvas;
    this.ring = element("span", { className: "ring" });
    this.ring.style.left = `${offsetLeft + place[0] / width * offsetWidth}px`;
    this.ring.style.top = `${offsetTop + place[1] / height * offsetHeight}px`;
    this.element.append(this.ring);
  }

  stroke(to, isRead = true) {
    const { context } = this, from = this.last ?? to;
    context.strokeStyle = this.erase.box.checked ? "#000" : this.ink?.value ?? "#fff";
    // At least a cell, which a thinner line would only tint.
    const usual = Math.max(0.08 * Math.max(this.canvas.width, this.canvas.height), 1.2 * this.scale);
    context.lineWidth = this.pen.value / 8 * usual;
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(to[0] + 0.01, to[1]);
    context.stroke();
    this.last = to;
    if (isRead) this.read();
  }

  clear(isRead = true) {
    this.context.fillStyle = "#000";
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.read(isRead);
  }

  // Make numbers of what is drawn.
  read(isTold = true) {
    const { width, height } = this.canvas, { paper, ink } = this.input;
    const bytes = this.context.getImageData(0, 0, width, height).data;
    this.numbers = new Float32Array(this.rows * this.columns * this.channels);
    for (let c = 0; c < this.channels; c++) {
      const fine = new Float32Array(width * height);
      for (let i = 0; i < fine.length; i++) fine[i] = bytes[4 * i + c] / 255;
      const coarse = this.centre.box.checked
        ? centred(fine, width, height, this.rows, this.columns)
        : resampled(fine, width, [0, 0, width, height], this.rows, this.columns);
      coarse.forEach((share, i) => this.numbers[i * this.channels + c] = paper + share * (ink - paper));
    }
    if (isTold) this.changed();
  }

  sample() {
    const shape = this.input.shape.map((n) => n ?? this.rows);
    return { shape, data: this.numbers };
  }

  // Take a sample as it is, and draw over it from then on.
  set(sample) {
    const grid = gridOf(this.input, sample.shape);
    if (grid[0] !== this.rows) {
      this.rows = grid[0];
      this.canvas.height = this.rows * this.scale;
      this.fit();
    }
    paintPicture(this.context, sample.data, this.input, grid, this.scale);
    this.numbers = Float32Array.from(sample.data);
    this.changed();
  }
}
