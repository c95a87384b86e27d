// Values as pictures: lamps for neurons, tiles for feature maps, a strip for steps.
//
// Cells is the geometry of a shape: where each number is, and which number is at a place.
"use strict";

const GAP = 4;
const MOST_LAMPS = 8192;

class Cells {
  // Where stepsDown, the steps of (steps, channels) go down, as the rows of a picture do.
  constructor(shape, width, stepsDown = false) {
    const channels = shape[shape.length - 1];
    this.isLamps = shape.length <= 1;
    if (this.isLamps) {
      this.count = Math.min(channels ?? 1, MOST_LAMPS);
      const size = this.count <= 32 ? 22 : this.count <= 160 ? 15 : this.count <= 1024 ? 10 : 5;
      this.columns = Math.max(1, Math.min(this.count, Math.floor(width / size)));
      this.scale = size;
      [this.width, this.height] = [this.columns * size, Math.ceil(this.count / this.columns) * size];
      return;
    }
    const isStrip = shape.length === 2;
    const rows = isStrip ? (stepsDown ? shape[0] : channels) : shape[shape.length - 3];
    const columns = isStrip ? (stepsDown ? channels : shape[0]) : shape[shape.length - 2];
    const tiles = isStrip ? 1 : product(shape.slice(0, -3)) * channels;
    this.count = product(shape);
    Object.assign(this, { rows, columns, tiles, channels: isStrip ? 1 : channels });
    this.isTurned = isStrip && !stepsDown;
    const wanted = tiles === 1 ? (isStrip ? 220 : 140) : tiles <= 8 ? 84 : tiles <= 32 ? 56 : 40;
    const longer = Math.max(rows, isStrip ? 1 : columns);
    const fitting = Math.min(Math.floor(width / columns), Math.floor(wanted / longer));
    // Down to half as large, if all of them are in one row then.
    const inRow = Math.floor(((width + GAP) / tiles - GAP) / columns);
    const best = inRow < fitting && 2 * inRow >= fitting ? inRow : fitting;
    this.scale = fitting >= 1 ? Math.min(best, 16) : Math.min(1, width / columns);
    this.across = Math.max(1, Math.floor((width + GAP) / (columns * this.scale + GAP)));
    this.across = Math.min(this.across, tiles);
    this.width = this.across * (columns * this.scale + GAP) - GAP;
    this.height = Math.ceil(tiles / this.across) * (rows * this.scale + GAP) - GAP;
  }

  // The number at a row and a column of a tile.
  indexAt(tile, row, column) {
    if (this.isTurned) return column * this.rows + row;
    const lead = Math.floor(tile / this.channels);
    return ((lead * this.rows + row) * this.columns + column) * this.channels + tile % this.channels;
  }

  // The rectangle of a number: [left, top, size].
  place(index) {
    if (this.isLamps) {
      const row = Math.floor(index / this.columns);
      return [(index % this.columns) * this.scale, row * this.scale, this.scale];
    }
    let row, column, tile = 0;
    if (this.isTurned) {
      [row, column] = [index % this.rows, Math.floor(index / this.rows)];
    } else {
      const position = Math.floor(index / this.channels);
      column = position % this.columns;
      row = Math.floor(position / this.columns) % this.rows;
      const lead = Math.floor(position / this.columns / this.rows);
      tile = lead * this.channels + index % this.channels;
    }
    const left = (tile % this.across) * (this.columns * this.scale + GAP) + column * this.scale;
    const top = Math.floor(tile / this.across) * (this.rows * this.scale + GAP) + row * this.scale;
    return [left, top, this.scale];
  }

  // The number at a place, or -1.
  at(x, y) {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return -1;
    if (this.isLamps) {
      const index = Math.floor(y / this.scale) * this.columns + Math.floor(x / this.scale);
      return index < this.count ? index : -1;
    }
    const wide = this.columns * this.scale + GAP, high = this.rows * this.scale + GAP;
    const tile = Math.floor(y / high) * this.across + Math.floor(x / wide);
    const row = Math.floor((y % high) / this.scale), column = Math.floor((x % wide) / this.scale);
    const isInside = tile < this.tiles && row < this.rows && column < this.columns;
    return isInside ? this.indexAt(tile, row, column) : -1;
  }

  // The number next to another, where an arrow key leads.
  next(index, key) {
    const [left, top, size] = this.place(index), middle = size / 2;
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    for (const far of [0, this.isLamps ? 0 : GAP]) {
      const x = left + middle + dx * (size + far), y = top + middle + dy * (size + far);
      const found = this.at(x, y);
      if (found >= 0) return found;
    }
    return index;
  }

  // Draw numbers between -limit and limit; what is missing at the end is left empty.
  draw(context, data, limit, colours) {
    const shade = (number) => 4 * Math.round(255 + 255 * Math.max(-1, Math.min(1, number / limit || 0)));
    if (this.isLamps) {
      const size = this.scale, radius = size / 2 - (size > 8 ? 1.5 : 0.5);
      for (let i = 0; i < Math.min(this.count, data.length); i++) {
        const [left, top] = this.place(i), s = shade(data[i]);
        context.fillStyle = `rgb(${colours[s]},${colours[s + 1]},${colours[s + 2]})`;
        context.beginPath();
        context.arc(left + size / 2, top + size / 2, radius, 0, 7);
        context.fill();
      }
      return;
    }
    const image = new ImageData(this.columns, this.rows), buffer = document.createElement("canvas");
    [buffer.width, buffer.height] = [this.columns, this.rows];
    context.imageSmoothingEnabled = false;
    for (let tile = 0; tile < this.tiles; tile++) {
      for (let row = 0; row < this.rows; row++) {
        for (let column = 0; column < this.columns; column++) {
          const index = this.indexAt(tile, row, column), to = 4 * (row * this.columns + column);
          if (index >= data.length) image.data[to + 3] = 0;
          else for (let c = 0, s = shade(data[index]); c < 4; c++) image.data[to + c] = colours[s + c];
        }
      }
      buffer.getContext("2d").putImageData(image, 0, 0);
      const left = (tile % this.across) * (this.columns * this.scale + GAP);
      const top = Math.floor(tile / this.across) * (this.rows * this.scale + GAP);
      context.drawImage(buffer, left, top, this.columns * this.scale, this.rows * this.scale);
    }
  }

  // Draw a frame around a number, or around a step.
  frame(context, index, isStep = false) {
    let [left, top, width] = this.place(index), height = width;
    if (isStep) [top, height] = [0, this.height];
    if (isStep && !this.isTurned) {
      [left, top, width, height] = [0, this.place(index)[1], this.width, this.scale];
    }
    context.strokeStyle = `rgb(${colour("mark")})`;
    context.lineWidth = 2;
    context.strokeRect(left + 1, top + 1, Math.max(width - 2, 2), Math.max(height - 2, 2));
  }
}
