// The outputs: bars with their names, the answer in words, and a map of the classes of pixels.
"use strict";

const MOST_BARS = 24;

class Outputs {
  constructor(output) {
    this.output = output;
    this.words = element("p", { id: "answer", role: "status" });
    this.bars = element("div", { id: "bars" });
    this.map = element("canvas", { hidden: true, role: "img", "aria-label": "The class of each place" });
    this.legend = element("p", { className: "legend" });
    this.element = element("div", {}, this.words, this.bars, this.map, this.legend);
  }

  // Show outputs; of those of steps, the bars are those of one step.
  show(outputs, step) {
    const { shape, data } = outputs, width = shape[shape.length - 1];
    this.map.hidden = this.legend.hidden = true;
    if (shape.length > 2) {
      this.bars.replaceChildren();
      this.showMap(shape, data);
      return;
    }
    const steps = data.length / width, at = shape.length === 2 ? Math.min(step, steps - 1) : 0;
    const row = Array.from(data.subarray(at * width, (at + 1) * width));
    const where = shape.length === 2 ? `Step ${at + 1}: ` : "";
    this.words.textContent = where + this.inWords(row);
    this.showBars(row);
    if (shape.length === 2 && this.output.joined) {
      const each = Array.from({ length: steps }, (_, t) => this.nameOf(data, t * width, width));
      this.legend.hidden = false;
      this.legend.textContent = `All steps: ${each.join(" ")}`;
    }
  }

  nameOf(data, first, width) {
    let best = first;
    for (let i = first; i < first + width; i++) if (data[i] > data[best]) best = i;
    return this.output.labels[best - first];
  }

  inWords(row) {
    const { labels, classes, classifies, quantiles } = this.output;
    if (classifies && row.length > 1) {
      // Either one class, or any number of them: each output that is above one half.
      if (!this.output.joined) return labels.filter((_, i) => row[i] > 0.5).join(", ") || "none";
      const best = row.reduce((found, number, i) => number > row[found] ? i : found, 0);
      return `${labels[best]} (${percent(row[best])})`;
    }
    if (classifies && classes.length === 2) return `${classes[row[0] > 0.5 ? 1 : 0]} (${inDigits(row[0])})`;
    if (!classifies && row.length > 1 && classes.length === row.length) {
      const best = row.indexOf(Math.max(...row));
      return `${labels[best]} (${inDigits(row[best])})`;
    }
    if (quantiles?.length > 1 && row.length === quantiles.length) {
      const [least, most] = [0, row.length - 1].map((i) => `${inDigits(row[i])} (${labels[i]})`);
      return `${inDigits(row[this.middle])}, from ${least} to ${most}`;
    }
    return row.length === 1 ? inDigits(row[0]) : `${row.length} outputs`;
  }

  // Of the quantiles of a target, the one that is nearest to the median.
  get middle() {
    const far = this.output.quantiles.map((level) => Math.abs(level - 0.5));
    return far.indexOf(Math.min(...far));
  }

  // Bars from 0; of many outputs, the largest.
  showBars(row) {
    let order = [...row.keys()];
    if (row.length > MOST_BARS) order = order.sort((a, b) => row[b] - row[a]).slice(0, MOST_BARS);
    const best = row.reduce((a, b) => Math.max(a, b)), least = row.reduce((a, b) => Math.min(a, b));
    const low = Math.min(0, this.output.low ?? least), high = Math.max(0, this.output.high ?? best);
    const range = high - low || 1, { joined, classifies, quantiles } = this.output, each = classifies && !joined;
    const stands = (i) => quantiles ? i % quantiles.length === this.middle : each ? row[i] > 0.5 : row[i] === best;
    this.bars.replaceChildren(...order.map((i) => {
      const fill = element("span", { className: row[i] < 0 ? "fill minus" : "fill plus" });
      fill.style.left = `${100 * (Math.min(row[i], 0) - low) / range}%`;
      fill.style.width = `${100 * Math.min(1, Math.abs(row[i]) / range)}%`;
      const isBest = row.length > 1 && stands(i);
      const name = String(this.output.labels[i] ?? i);
      return element(
        "div", { className: isBest ? "bar best" : "bar" },
        element("span", { className: "name", textContent: name, title: name }),
        element("span", { className: "track" }, fill),
        element("span", { className: "number", textContent: joined ? percent(row[i]) : inDigits(row[i]) }),
      );
    }));
  }

  // The class of each place of a picture in a colour of its own, or its first output as it is.
  showMap(shape, data) {
    const width = shape[shape.length - 1], { labels, joined } = this.output;
    const cells = new Cells([...shape.slice(0, -1), 1], 280);
    const context = sized(this.map, cells.width, cells.height);
    this.map.hidden = false;
    const hue = (i) => [(210 + i * 137) % 360, 65, 52];
    if (!joined) {
      cells.draw(context, data.filter((_, i) => i % width === 0), largestOf(data), palette());
      this.words.textContent = `${data.length} outputs`;
      return;
    }
    const counts = new Map();
    for (let p = 0; p < data.length / width; p++) {
      const name = this.nameOf(data, p * width, width), [h, s, l] = hue(labels.indexOf(name));
      const [left, top, size] = cells.place(p);
      context.fillStyle = `hsl(${h} ${s}% ${l}%)`;
      context.fillRect(left, top, size, size);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    const sorted = [...counts].sort((a, b) => b[1] - a[1]);
    this.words.textContent = sorted.map(([name, count]) => `${name}: ${count}`).join(", ");
    this.legend.hidden = false;
    this.legend.replaceChildren(...labels.slice(0, MOST_BARS).map((label, i) => {
      const [h, s, l] = hue(i), dot = element("span", { className: "dot" });
      dot.style.background = `hsl(${h} ${s}% ${l}%)`;
      return element("span", {}, dot, ` ${label} `);
    }));
  }
}
