// Lines between numbers: the connections that carry most, and curves over steps or epochs.
"use strict";

const SVG = "http://www.w3.org/2000/svg";

// The largest contributions number * weight of a dense layer: [source, unit, contribution], the
// largest first. What comes into a neuron that gives 0 is left out.
function strongest(layer, x, y, count) {
  const [inputs, units] = layer.arrays.weights.shape, weights = layer.arrays.weights.data;
  const found = [];
  let least = 0;
  for (let i = 0; i < inputs; i++) {
    const number = x.data[i];
    if (number === 0) continue;
    for (let j = 0; j < units; j++) {
      const carried = number * weights[i * units + j], size = Math.abs(carried);
      if (size <= least || y.data[j] === 0) continue;
      let place = found.length;
      while (place > 0 && Math.abs(found[place - 1][2]) < size) place--;
      found.splice(place, 0, [i, j, carried]);
      if (found.length > count) found.pop();
      if (found.length === count) least = Math.abs(found[count - 1][2]);
    }
  }
  return found;
}

// Draw lines into an svg: [x1, y1, x2, y2, strength], strength from -1 to 1; the strongest is the widest.
function drawLines(svg, lines, widest = 2.5) {
  svg.replaceChildren(...lines.map(([x1, y1, x2, y2, strength]) => {
    const path = document.createElementNS(SVG, "path"), middle = (y1 + y2) / 2;
    path.setAttribute("d", `M${x1} ${y1}C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}`);
    path.setAttribute("class", strength < 0 ? "minus" : "plus");
    path.setAttribute("stroke-opacity", (0.15 + 0.75 * Math.abs(strength)).toFixed(3));
    path.setAttribute("stroke-width", (0.6 + (widest - 0.6) * Math.abs(strength)).toFixed(2));
    return path;
  }));
}

// The places of a plot for numbers from low to high at so many steps.
function plotOf(width, height, steps, low, high) {
  const inner = height - 12, across = steps > 1 ? (width - 12) / (steps - 1) : 0;
  return {
    x: (step) => 6 + step * across,
    y: (number) => 6 + inner * (1 - (number - low) / (high - low || 1)),
    step: (x) => Math.max(0, Math.min(steps - 1, across ? Math.round((x - 6) / across) : 0)),
    number: (y) => low + (high - low) * Math.max(0, Math.min(1, 1 - (y - 6) / inner)),
  };
}

// Draw curves, each a list of numbers, or null where there is none; the one at `front` is drawn last
// and thicker.
function drawCurves(context, plot, curves, front = -1) {
  const order = [...curves.keys()].filter((i) => i !== front);
  if (front >= 0) order.push(front);
  for (const i of order) {
    context.strokeStyle = `hsl(${(210 + i * 137) % 360} 65% 52%)`;
    context.lineWidth = i === front ? 2.5 : 1.25;
    context.beginPath();
    let isOn = false;
    curves[i].forEach((number, step) => {
      if (number !== null) context[isOn ? "lineTo" : "moveTo"](plot.x(step), plot.y(number));
      isOn = number !== null;
    });
    // A curve of one step is a dot.
    if (curves[i].length === 1) context.arc(plot.x(0), plot.y(curves[i][0]), 1, 0, 7);
    context.stroke();
  }
}
