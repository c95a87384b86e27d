// What each kind of layer computes, and what comes into each of its numbers. The recurrent kinds
// are in recurrent.js.
//
// A value is {shape, data}: positions first, channels last, as in NumPy. A layer is {operation,
// options, arrays, branches}; an array is a value. Sums are taken in double precision.
//
// LAYERS[operation].run(layer, x) returns a value. incoming(layer, x, index) returns {shape,
// weights, sources, bias}: the weights of one number of the output, and for each the index in x
// that it multiplies, or -1 where the window reaches over the edge.
"use strict";

// Functions of a number, by name; the page fills it with those that the network has.
const ACTIVATIONS = {};

// The complementary error function: by its series below 2, by its continued fraction above.
function erfc(x) {
  if (x < 0) return 2 - erfc(-x);
  if (x < 2) {
    let term = x, sum = x;
    for (let n = 1; n < 60; n++) {
      term *= -x * x / n;
      sum += term / (2 * n + 1);
    }
    return 1 - 2 / Math.sqrt(Math.PI) * sum;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}

function softmax(row) {
  const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
  let sum = 0;
  for (let j = 0; j < row.length; j++) sum += row[j] = Math.exp(row[j] - largest);
  for (let j = 0; j < row.length; j++) row[j] /= sum;
}

// Apply a layer's activation to sums, and round them to what a value holds.
function activated(layer, sums, shape) {
  const name = layer.options.activation ?? "identity_x", alpha = layer.options.parameters?.[0];
  const width = shape[shape.length - 1];
  if (name === "softmax") {
    for (let i = 0; i < sums.length; i += width) softmax(sums.subarray(i, i + width));
  } else if (name !== "identity_x") {
    const f = ACTIVATIONS[name];
    for (let i = 0; i < sums.length; i++) sums[i] = f(Math.fround(sums[i]), alpha);
  }
  return { shape, data: Float32Array.from(sums) };
}

// The windows of a layer over a shape, along three axes: which positions each output reads.
function windowsOf(layer, shape) {
  const options = layer.options, isGlobal = options.kernel === undefined;
  let lengths = shape.slice(0, -1);
  if (isGlobal && lengths.length > 3) lengths = [product(lengths)];
  const axes = lengths.length, kernel = isGlobal ? lengths : options.kernel;
  const stride = isGlobal ? lengths : options.stride;
  const dilation = options.dilation ?? Array(axes).fill(1);
  const out = [], before = [];
  for (let i = 0; i < axes; i++) {
    const span = (kernel[i] - 1) * dilation[i] + 1, padding = options.padding ?? "valid";
    if (padding === "same") {
      out.push(Math.ceil(lengths[i] / stride[i]));
      before.push(Math.max((out[i] - 1) * stride[i] + span - lengths[i], 0) >> 1);
    } else {
      before.push(padding === "valid" ? 0 : padding[i]);
      out.push(Math.floor((lengths[i] + 2 * before[i] - span) / stride[i]) + 1);
    }
  }
  const three = (row, missing) => [...Array(3 - axes).fill(missing), ...row];
  return {
    positions: isGlobal ? [] : out, kernel: three(kernel, 1), lengths: three(lengths, 1),
    out: three(out, 1), stride: three(stride, 1), dilation: three(dilation, 1),
    before: three(before, 0),
  };
}

// Triples in one array: an output position, a position that it reads, a place in the kernel.
function tapsOf(layer, shape) {
  if (layer.taps?.key === String(shape)) return layer.taps;
  const at = windowsOf(layer, shape), list = [];
  const along = (axis, position) => {
    const found = [];
    for (let k = 0; k < at.kernel[axis]; k++) {
      const read = position * at.stride[axis] + k * at.dilation[axis] - at.before[axis];
      if (read >= 0 && read < at.lengths[axis]) found.push([k, read]);
    }
    return found;
  };
  const rows = [0, 1, 2].map((a) => Array.from({ length: at.out[a] }, (_, p) => along(a, p)));
  let position = 0;
  for (const first of rows[0]) for (const second of rows[1]) for (const third of rows[2]) {
    for (const [i, a] of first) for (const [j, b] of second) for (const [k, c] of third) {
      const read = (a * at.lengths[1] + b) * at.lengths[2] + c;
      list.push(position, read, (i * at.kernel[1] + j) * at.kernel[2] + k);
    }
    position++;
  }
  layer.taps = { key: String(shape), at, count: position, list: Int32Array.from(list) };
  return layer.taps;
}

function tapsInto(layer, shape, position) {
  const { list } = tapsOf(layer, shape), found = [];
  for (let t = 0; t < list.length; t += 3) {
    if (list[t] === position) found.push([list[t + 1], list[t + 2]]);
  }
  return found;
}

const dense = {
  run(layer, x) {
    const [inputs, units] = layer.arrays.weights.shape, weights = layer.arrays.weights.data;
    const positions = x.data.length / inputs, sums = new Float64Array(positions * units);
    for (let p = 0; p < positions; p++) {
      if (layer.arrays.bias) sums.set(layer.arrays.bias.data, p * units);
      for (let i = 0; i < inputs; i++) {
        const number = x.data[p * inputs + i];
        if (number === 0) continue;
        for (let j = 0; j < units; j++) sums[p * units + j] += number * weights[i * units + j];
      }
    }
    const isAtEach = layer.options.each_position && x.shape.length > 1;
    return activated(layer, sums, isAtEach ? [...x.shape.slice(0, -1), units] : [units]);
  },
  incoming(layer, x, index) {
    const [inputs, units] = layer.arrays.weights.shape, unit = index % units;
    const first = Math.floor(index / units) * inputs, all = layer.arrays.weights.data;
    return {
      shape: inputs === x.data.length ? x.shape : [inputs],
      weights: Float32Array.from({ length: inputs }, (_, i) => all[i * units + unit]),
      sources: Int32Array.from({ length: inputs }, (_, i) => first + i),
      bias: layer.arrays.bias?.data[unit],
    };
  },
};

const conv = {
  run(layer, x) {
    const { at, count, list } = tapsOf(layer, x.shape), weights = layer.arrays.weights.data;
    const [channels, filters] = layer.arrays.weights.shape.slice(-2);
    const groups = layer.options.groups, own = filters / groups;
    const sums = new Float64Array(count * filters);
    if (layer.arrays.bias) {
      for (let p = 0; p < count; p++) sums.set(layer.arrays.bias.data, p * filters);
    }
    for (let t = 0; t < list.length; t += 3) {
      const from = list[t + 1] * channels * groups, place = list[t + 2] * channels * filters;
      for (let g = 0; g < groups; g++) {
        const to = list[t] * filters + g * own;
        for (let c = 0; c < channels; c++) {
          const number = x.data[from + g * channels + c], row = place + c * filters + g * own;
          if (number === 0) continue;
          for (let f = 0; f < own; f++) sums[to + f] += number * weights[row + f];
        }
      }
    }
    return activated(layer, sums, [...at.positions, filters]);
  },
  incoming(layer, x, index) {
    const shape = layer.arrays.weights.shape, [channels, filters] = shape.slice(-2);
    const groups = layer.options.groups, filter = index % filters;
    const group = Math.floor(filter / (filters / groups)), all = layer.arrays.weights.data;
    const count = product(shape.slice(0, -1)), sources = new Int32Array(count).fill(-1);
    for (const [read, place] of tapsInto(layer, x.shape, Math.floor(index / filters))) {
      for (let c = 0; c < channels; c++) {
        sources[place * channels + c] = (read * groups + group) * channels + c;
      }
    }
    const weights = Float32Array.from({ length: count }, (_, i) => all[i * filters + filter]);
    return { shape: shape.slice(0, -1), weights, sources, bias: layer.arrays.bias?.data[filter] };
  },
};

function pool(isMaximum) {
  return {
    run(layer, x) {
      const { at, count, list } = tapsOf(layer, x.shape), channels = x.shape[x.shape.length - 1];
      const found = new Float64Array(count * channels).fill(isMaximum ? -Infinity : 0);
      const read = new Int32Array(count);
      for (let t = 0; t < list.length; t += 3) {
        const to = list[t] * channels, from = list[t + 1] * channels;
        read[list[t]]++;
        for (let c = 0; c < channels; c++) {
          const number = x.data[from + c];
          if (!isMaximum) found[to + c] += number;
          else if (number > found[to + c]) found[to + c] = number;
        }
      }
      if (!isMaximum) {
        for (let i = 0; i < found.length; i++) found[i] /= read[Math.floor(i / channels)];
      }
      return { shape: [...at.positions, channels], data: Float32Array.from(found) };
    },
    incoming(layer, x, index) {
      const channels = x.shape[x.shape.length - 1];
      const taps = tapsInto(layer, x.shape, Math.floor(index / channels));
      return { sources: Int32Array.from(taps, ([read]) => read * channels + index % channels) };
    },
  };
}

function same(shapeOf) {
  return {
    run: (layer, x) => ({ shape: shapeOf(layer, x), data: x.data }),
    incoming: (layer, x, index) => ({ sources: Int32Array.of(index) }),
  };
}

const oneByOne = (layer, x, index) => ({ sources: Int32Array.of(index) });

// Each number by constants of its channel: y = (x - mean) / deviation * weight + bias.
function normalized(layer, x, moments) {
  const width = x.shape[x.shape.length - 1], { weights, bias } = layer.arrays;
  const found = new Float32Array(x.data.length);
  for (let i = 0; i < found.length; i += width) {
    const { mean, variance } = moments(x.data.subarray(i, i + width));
    for (let j = 0; j < width; j++) {
      const deviation = Math.sqrt(variance(j) + layer.options.epsilon);
      found[i + j] = (x.data[i + j] - mean(j)) / deviation * weights.data[j] + bias.data[j];
    }
  }
  return { shape: x.shape, data: found };
}

const LAYERS = {
  dense,
  conv,
  max_pool: pool(true),
  average_pool: pool(false),
  flatten: same((layer, x) => [x.data.length]),
  reshape: same((layer) => layer.options.shape),
  dropout: same((layer, x) => x.shape),
  activation: {
    run: (layer, x) => activated(layer, Float64Array.from(x.data), x.shape),
    incoming: oneByOne,
  },
  up_sample: {
    run(layer, x) {
      const axes = x.shape.length - 1, { factor } = layer.options, shape = [...x.shape];
      let data = x.data;
      for (let axis = 0; axis < axes; axis++) {
        const times = factor.length === 1 ? factor[0] : factor[axis];
        const inner = product(shape.slice(axis + 1)), longer = new Float32Array(data.length * times);
        for (let i = 0; i < longer.length; i += inner) {
          const from = Math.floor(i / inner / times) * inner;
          longer.set(data.subarray(from, from + inner), i);
        }
        [data, shape[axis]] = [longer, shape[axis] * times];
      }
      return { shape, data };
    },
    incoming(layer, x, index) {
      const { factor } = layer.options, channels = x.shape[x.shape.length - 1];
      let rest = Math.floor(index / channels), from = 0, step = 1;
      for (let axis = x.shape.length - 2; axis >= 0; axis--) {
        const times = factor.length === 1 ? factor[0] : factor[axis];
        from += Math.floor(rest % (x.shape[axis] * times) / times) * step;
        rest = Math.floor(rest / (x.shape[axis] * times));
        step *= x.shape[axis];
      }
      return { sources: Int32Array.of(from * channels + index % channels) };
    },
  },
  batch_norm: {
    run(layer, x) {
      const { running_mean: means, running_variance: variances } = layer.arrays;
      const moments = { mean: (j) => means.data[j], variance: (j) => variances.data[j] };
      return normalized(layer, x, () => moments);
    },
    incoming: oneByOne,
  },
  layer_norm: {
    run(layer, x) {
      return normalized(layer, x, (row) => {
        const mean = row.reduce((a, b) => a + b, 0) / row.length;
        const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / row.length;
        return { mean: () => mean, variance: () => variance };
      });
    },
    incoming: oneByOne,
  },
  embedding: {
    run(layer, x) {
      const [count, size] = layer.arrays.weights.shape;
      const found = new Float32Array(x.data.length * size).fill(NaN);
      x.data.forEach((index, i) => {
        if (index >= 0 && index < count) {
          const row = Math.floor(index) * size;
          found.set(layer.arrays.weights.data.subarray(row, row + size), i * size);
        }
      });
      return { shape: [...x.shape, size], data: found };
    },
    incoming(layer, x, index) {
      return { sources: Int32Array.of(Math.floor(index / layer.arrays.weights.shape[1])) };
    },
  },
};
