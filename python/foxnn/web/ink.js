// Pictures as numbers: averaged over areas, centred as MNIST does, painted as shares of ink.
"use strict";

// Average a picture of one channel over the areas of a coarser grid: `from` is the part that is
// read, [left, top, width, height], and rows and columns are those of the result.
function resampled(data, width, from, rows, columns) {
  const [left, top, wide, high] = from, found = new Float32Array(rows * columns);
  const ends = (i, count, first, length) => [first + i * length / count, first + (i + 1) * length / count];
  for (let row = 0; row < rows; row++) {
    const [y1, y2] = ends(row, rows, top, high);
    for (let column = 0; column < columns; column++) {
      const [x1, x2] = ends(column, columns, left, wide);
      let sum = 0;
      for (let y = Math.floor(y1); y < y2; y++) {
        const share = Math.min(y + 1, y2) - Math.max(y, y1);
        for (let x = Math.floor(x1); x < x2; x++) {
          sum += data[y * width + x] * share * (Math.min(x + 1, x2) - Math.max(x, x1));
        }
      }
      found[row * columns + column] = sum / ((y2 - y1) * (x2 - x1));
    }
  }
  return found;
}

// As MNIST was made: what is drawn is scaled to 20 of 28 pixels, its centre of mass in the middle.
function centred(data, width, height, rows, columns) {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (data[y * width + x] < 0.05) continue;
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    }
  }
  const found = new Float32Array(rows * columns);
  if (right < 0) return found;
  const box = [left, top, right - left + 1, bottom - top + 1];
  const scale = Math.min(rows, columns) * 20 / 28 / Math.max(box[2], box[3]);
  const wide = Math.max(1, Math.round(box[2] * scale)), high = Math.max(1, Math.round(box[3] * scale));
  const small = resampled(data, width, box, high, wide);
  let [mass, x0, y0] = [0, 0, 0];
  small.forEach((ink, i) => {
    mass += ink;
    x0 += ink * (i % wide + 0.5);
    y0 += ink * (Math.floor(i / wide) + 0.5);
  });
  const dx = Math.round(columns / 2 - x0 / mass), dy = Math.round(rows / 2 - y0 / mass);
  small.forEach((ink, i) => {
    const x = i % wide + dx, y = Math.floor(i / wide) + dy;
    if (x >= 0 && x < columns && y >= 0 && y < rows) found[y * columns + x] = ink;
  });
  return found;
}

// The grid of a picture as an input of some shape: flat ones have it from elsewhere.
function gridOf(input, shape) {
  const rest = input.picture.slice(1);
  return shape.length > 2 ? shape : [product(shape) / product(rest), ...rest];
}

// Numbers as shares of ink: 0 is paper.
function sharesOf({ paper, ink }, data) {
  return Float32Array.from(data, (number) => (number - paper) / (ink - paper));
}

// Draw a picture of one channel, or of red, green and blue.
function paintPicture(context, data, input, [rows, columns, channels], scale) {
  const shares = sharesOf(input, data);
  for (let i = 0; i < rows * columns; i++) {
    const rgb = [0, 1, 2].map((c) => Math.round(255 * shares[i * channels + Math.min(c, channels - 1)]));
    context.fillStyle = `rgb(${rgb})`;
    context.fillRect(i % columns * scale, Math.floor(i / columns) * scale, scale, scale);
  }
}
