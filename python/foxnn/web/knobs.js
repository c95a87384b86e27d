// The knobs of the page, and the buttons: what one does is sent to the server, which says what is.
"use strict";

const RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
const PENALTIES = [0, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1];
const BATCHES = [1, 2, 4, 8, 10, 16, 32, 64, 128, 256, 1024];
const SPEEDS = [[3, "3 epochs/s"], [10, "10 epochs/s"], [30, "30 epochs/s"], [60, "60 epochs/s"], [0, "full speed"]];
const NAMES = { xor: "XOR", circles: "Circles", spiral: "Spiral", gauss: "Two clouds", plane: "Slope (numbers)" };

class KnobPanel {
  constructor(page) {
    this.page = page;
    this.bar = document.getElementById("bar");
    this.place = document.getElementById("knobs");
    this.hidesTests = false;
    // On a phone the network comes first and the knobs last, for the Tab key, too.
    const narrow = matchMedia("(max-width: 779px)");
    const put = () => document.querySelector("main")[narrow.matches ? "append" : "prepend"](this.place);
    narrow.addEventListener("change", put);
    put();
  }

  async send(action, value) {
    try {
      const body = JSON.stringify({ action, value });
      const answer = await fetch("do", { method: "POST", headers: { "Content-Type": "application/json" }, body });
      if (!answer.ok) {
        this.page.say(await answer.text(), true);
        this.update();
      }
    } catch {
      this.page.say("The program does not answer: it may have ended.", true);
    }
  }

  turn(name, value) {
    this.send("knobs", { [name]: value });
  }

  see(scene) {
    if (!scene.knobs) return;
    this.scene = scene;
    if (!this.run) this.build();
    this.update();
    this.addLayerButtons();
  }

  button(id, text, action, title) {
    const made = element("button", { type: "button", id, textContent: text, title });
    made.addEventListener("click", () => this.send(typeof action === "function" ? action() : action));
    return made;
  }

  build() {
    this.run = this.button("run", "Run", () => this.isRunning ? "pause" : "run", "Key: R");
    this.run.className = "main";
    this.epoch = element("span", { id: "epoch" });
    this.speed = this.select(SPEEDS, (value) => this.send("speed", value));
    this.speed.id = "speed";
    this.bar.append(
      this.run, this.button("step", "Step", "step", "Learn one batch. Key: S"),
      this.button("one-epoch", "Epoch", "epoch", "Learn all samples once. Key: E"),
      this.button("reset", "Reset", "reset", "A new network. Key: 0"), this.epoch,
      element("label", {}, "Speed ", this.speed),
    );
    document.addEventListener("keydown", (event) => {
      if (event.target.closest("input, select") || event.ctrlKey || event.metaKey || event.altKey) return;
      const id = { r: "run", s: "step", e: "one-epoch", 0: "reset" }[event.key];
      if (id) document.getElementById(id).click();
    });
    this.fields = {};
    const { source } = this.scene, plane = source === "plane", card = (title, fields) => element(
      "section", { className: "card" }, element("h2", { textContent: title }),
      element("div", { className: "fields" }, ...fields.filter(Boolean)),
    );
    const tests = element("input", { type: "checkbox", checked: true });
    tests.addEventListener("change", () => {
      this.hidesTests = !tests.checked;
      this.page.later();
    });
    this.place.append(
      card("Data", [
        plane && this.choice("data", "Points", this.scene.choices.data.map((name) => [name, NAMES[name] ?? name])),
        plane && this.slider("noise", "Noise", 0, 1, 0.05),
        source !== "digits" && this.slider("test", "Test samples", 0, 0.9, 0.1),
        plane && element("span", {}, element("label", { className: "check" }, tests, " Show test points")),
        this.number("seed", "Seed"),
      ]),
      card("Network", [
        this.choice("activation", "Activation", this.scene.choices.activation.map((name) => [name, name])),
      ]),
      card("Training", [
        this.choice("optimizer", "Optimizer", this.scene.choices.optimizer.map((name) => [name, name])),
        this.choice("learning_rate", "Learning rate", RATES.map((n) => [n, n])),
        this.choice("batch_size", "Batch size", BATCHES.map((n) => [n, n])),
        this.choice("l1", "L1", PENALTIES.map((n) => [n, n])),
        this.choice("l2", "L2", PENALTIES.map((n) => [n, n])),
        this.slider("dropout", "Dropout", 0, 0.9, 0.1),
      ]),
    );
  }

  // A list of values and what they are called; it calls `changed` with the value.
  select(options, changed) {
    const made = element("select", {}, ...options.map(([value, text]) => new Option(text, value)));
    const isNumber = typeof options[0][0] === "number";
    made.addEventListener("change", () => changed(isNumber ? Number(made.value) : made.value));
    return made;
  }

  field(name, label, control, more = []) {
    control.id = `knob-${name}`;
    this.fields[name] = control;
    return element("label", {}, label, ...more, control);
  }

  choice(name, label, options) {
    return this.field(name, label, this.select(options, (value) => this.turn(name, value)));
  }

  slider(name, label, min, max, step) {
    const control = element("input", { type: "range", min, max, step });
    const told = element("output", {});
    control.told = () => told.textContent = percent(Number(control.value)).replace(".0", "");
    control.addEventListener("input", control.told);
    control.addEventListener("change", () => this.turn(name, Number(control.value)));
    return this.field(name, label, control, [" ", told]);
  }

  number(name, label) {
    const control = element("input", { type: "number", min: 0, max: 2 ** 32 - 1, step: 1 });
    control.addEventListener("change", () => this.turn(name, Number(control.value)));
    return this.field(name, label, control);
  }

  // Let the controls say what the server says.
  update() {
    const { knobs, speed } = this.scene;
    this.speed.value = speed;
    for (const [name, control] of Object.entries(this.fields)) {
      const value = knobs[name];
      if (control.tagName === "SELECT" && ![...control.options].some((option) => option.value === String(value))) {
        control.append(new Option(value, value));
      }
      if (document.activeElement !== control || control.tagName === "SELECT") control.value = value;
      control.told?.();
    }
  }

  // Buttons at the layers: one neuron more or less, and a layer more or less.
  addLayerButtons() {
    const { knobs: { layers }, most: [mostLayers, mostUnits] } = this.scene, { views } = this.page;
    const make = (label, text, isPossible, changed) => {
      const made = element("button", { type: "button", textContent: text, "aria-label": label, title: label });
      made.disabled = !isPossible;
      made.addEventListener("click", () => {
        this.focused = label;
        this.turn("layers", changed);
      });
      return made;
    };
    layers.forEach((units, i) => {
      const other = (count) => layers.map((n, j) => j === i ? count : n), many = units >= 16 ? 8 : 1;
      views[i].heading.append(
        make(`Fewer neurons in ${views[i].layer.name}`, "−", units > 1, other(Math.max(1, units - many))),
        make(`More neurons in ${views[i].layer.name}`, "+", units < mostUnits, other(Math.min(mostUnits, units + many))),
        make(`Remove ${views[i].layer.name}`, "×", true, layers.filter((_, j) => j !== i)),
      );
    });
    const more = make("Add a layer", "Add a layer", layers.length < mostLayers, [...layers, layers.at(-1) ?? 4]);
    document.getElementById("more").replaceChildren(more);
    // The buttons are new ones: what had the focus has it again.
    if (this.focused) document.querySelector(`#net [aria-label="${this.focused}"]`)?.focus();
    this.focused = null;
  }

  show(picture) {
    if (!this.scene) return;
    this.isRunning = picture.state === "training";
    this.run.textContent = this.isRunning ? "Pause" : "Run";
    const { epochs } = picture.curves, { steps } = picture;
    this.epoch.textContent = `Epoch ${epochs}${steps ? ` + ${steps} steps` : ""}`;
    const code = element("pre", { textContent: picture.python, tabIndex: 0, id: "code" });
    const place = document.getElementById("python");
    if (place.textContent !== picture.python) {
      place.replaceChildren(element("small", { textContent: "The same run in Python:" }), code);
    }
  }
}

window.page = new WatchPage();
