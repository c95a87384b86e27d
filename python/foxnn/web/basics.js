// What all other scripts of pages use: elements, colours, canvases, numbers in words.
"use strict";

const percent = (share) => `${(100 * share).toFixed(1)} %`;

function product(numbers) {
  return numbers.reduce((all, n) => all * n, 1);
}

// A number as people read it: four digits, and no more.
function inDigits(number) {
  if (!Number.isFinite(number)) return String(number);
  const size = Math.abs(number);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return number.toExponential(2);
  return String(Number(number.toPrecision(4)));
}

// An element with properties, attributes (data-..., aria-..., role, for) and children.
function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// The colours of the style sheet as lists of red, green and blue: "zero", "plus", "minus", "ink".
function colour(name) {
  const text = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
  return text.split(",").map(Number);
}

// Colours from minus over zero to plus, for numbers from -1 to 1: 511 of them.
function palette(minus = colour("minus"), plus = colour("plus")) {
  const zero = colour("zero"), made = new Uint8ClampedArray(511 * 4);
  for (let i = 0; i < 511; i++) {
    const share = Math.abs(i - 255) / 255, end = i < 255 ? minus : plus;
    for (let c = 0; c < 3; c++) made[4 * i + c] = zero[c] + (end[c] - zero[c]) * share;
    made[4 * i + 3] = 255;
  }
  return made;
}

// From no ink to full ink.
function inkPalette() {
  return palette(colour("zero"), colour("ink"));
}

function largestOf(data) {
  let largest = 0;
  for (const number of data) {
    const size = Math.abs(number);
    if (size > largest && size < Infinity) largest = size;
  }
  return largest || 1;
}

// Give a canvas a size in CSS pixels, sharp on the screen at hand; return its context.
function sized(canvas, width, height) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

function bytesOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
