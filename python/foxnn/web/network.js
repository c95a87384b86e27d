// A network as the page holds it: read from the page, computed, and tested on recorded answers.
"use strict";

// Give the layers their arrays, which lie behind one another: each names its first and its shape.
function withArrays(layers, numbers) {
  for (const layer of layers) {
    for (const [name, { first, shape }] of Object.entries(layer.arrays)) {
      layer.arrays[name] = { shape, data: numbers.subarray(first, first + product(shape)) };
    }
    for (const branch of layer.branches) withArrays(branch, numbers);
  }
}

// Read samples: float32, or bytes with a divisor.
function samplesOf(recorded) {
  const bytes = bytesOf(recorded.data);
  const numbers = recorded.divisor
    ? Float32Array.from(bytes, (byte) => byte / recorded.divisor)
    : new Float32Array(bytes.buffer);
  let first = 0;
  return recorded.shapes.map((shape) => {
    const data = numbers.subarray(first, first += product(shape));
    return { shape, data };
  });
}

// Run layers after one another. Each value is kept in a map, and what the layer has read.
function runLayers(layers, x, values, reads) {
  for (const layer of layers) {
    reads.set(layer, x);
    x = layer.branches.length ? runBranches(layer, x, values, reads)
      : LAYERS[layer.operation].run(layer, x);
    values.set(layer, x);
  }
  return x;
}

function runBranches(layer, x, values, reads) {
  const ends = layer.branches.map((branch) => runLayers(branch, x, values, reads));
  if (layer.operation === "residual") {
    return { shape: ends[0].shape, data: ends[0].data.map((v, i) => v + ends[1].data[i]) };
  }
  const widths = ends.map(({ shape }) => shape[shape.length - 1]);
  const width = widths.reduce((a, b) => a + b), positions = ends[0].data.length / widths[0];
  const data = new Float32Array(positions * width);
  let first = 0;
  ends.forEach((end, e) => {
    for (let p = 0; p < positions; p++) {
      data.set(end.data.subarray(p * widths[e], (p + 1) * widths[e]), p * width + first);
    }
    first += widths[e];
  });
  return { shape: [...ends[0].shape.slice(0, -1), width], data };
}

// Put the quantiles of each target, which lie behind one another, into ascending order.
function inOrder(data, each) {
  const found = data.slice();
  for (let first = 0; first < found.length; first += each) found.subarray(first, first + each).sort();
  return found;
}

// Compute the network for a sample. Returns its outputs, what the first layer reads, and the maps
// of what each layer reads and gives.
function answer(network, sample) {
  const { shift, factor } = network.input;
  const scaled = Float32Array.from(sample.data, (v, i) => shift ? (v - shift[i]) * factor[i] : v);
  const values = new Map(), reads = new Map(), inputs = { shape: sample.shape, data: scaled };
  const last = runLayers(network.layers, inputs, values, reads);
  const { scale, shift: back, quantiles } = network.output;
  const made = scale ? last.data.map((v, i) => v * scale[i] + back[i]) : last.data;
  const data = quantiles ? inOrder(made, quantiles.length) : made;
  return { inputs, values, reads, outputs: { shape: last.shape, data } };
}

// Compare with what predict has answered: the largest difference, of 1 or of a larger output.
function selfTest(network) {
  const { samples, answers, within } = network.test;
  let largest = 0;
  samples.forEach((sample, s) => {
    const found = answer(network, sample).outputs.data;
    if (found.length !== answers[s].data.length) largest = Infinity;
    answers[s].data.forEach((wanted, i) => {
      const error = Math.abs(found[i] - wanted) / Math.max(1, Math.abs(wanted));
      if (!(error <= largest)) largest = error; // NaN, too
    });
  });
  return { count: samples.length, largest, within, passed: largest <= within };
}

// The network that the page holds: a description in JSON, and its weights as base64.
function readNetwork(description, weights) {
  const network = JSON.parse(description);
  withArrays(network.layers, new Float32Array(bytesOf(weights).buffer));
  network.samples = network.samples ? samplesOf(network.samples) : [];
  // What it is tested with are some of the samples, by their numbers, or others.
  const { test, samples } = network;
  test.samples = Array.isArray(test.samples) ? test.samples.map((i) => samples[i]) : samplesOf(test.samples);
  test.answers = samplesOf(test.answers);
  return network;
}
