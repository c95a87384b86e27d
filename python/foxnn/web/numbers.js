// Numbers as people read them, and as they come in base64.
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

function bytesOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
