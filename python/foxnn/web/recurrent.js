// What the recurrent kinds compute, step by step: RNN, GRU and LSTM.
//
// Beside its shape and data, their value has what happens inside: states (steps, units of all
// directions), and gates, a list with the values of each gate by step.
"use strict";

const sigmoid = (z) => 1 / (1 + Math.exp(-z));

// Each takes the sums of all gates, of the inputs with their bias and of the state with its own,
// and returns the values of the gates, the new state h and, for an LSTM, the new memory.
const CELLS = {
  rnn: {
    gates: ["h"],
    step(own, of, h, memory, units) {
      for (let j = 0; j < units; j++) h[j] = own[j] = Math.tanh(own[j] + of[j]);
    },
  },
  gru: {
    gates: ["r", "z", "n"],
    step(own, of, h, memory, units) {
      for (let j = 0; j < units; j++) {
        const z = units + j, n = 2 * units + j;
        own[j] = sigmoid(own[j] + of[j]);
        own[z] = sigmoid(own[z] + of[z]);
        own[n] = Math.tanh(own[n] + own[j] * of[n]);
        h[j] = (1 - own[z]) * own[n] + own[z] * h[j];
      }
    },
  },
  lstm: {
    gates: ["i", "f", "g", "o"],
    step(own, of, h, memory, units) {
      for (let k = 0; k < 4 * units; k++) {
        const isMemory = k >= 2 * units && k < 3 * units;
        own[k] = (isMemory ? Math.tanh : sigmoid)(own[k] + of[k]);
      }
      for (let j = 0; j < units; j++) {
        memory[j] = own[units + j] * memory[j] + own[j] * own[2 * units + j];
        h[j] = own[3 * units + j] * Math.tanh(memory[j]);
      }
    },
  },
};

// sums += numbers times a matrix
function addProduct(sums, matrix, numbers) {
  const width = sums.length;
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i], row = i * width;
    if (number === 0) continue;
    for (let j = 0; j < width; j++) sums[j] += number * matrix[row + j];
  }
}

function recurrent(kind) {
  const cell = CELLS[kind], count = cell.gates.length;
  return {
    run(layer, x) {
      const inputs = layer.arrays.weights.shape[0], units = layer.options.units;
      const steps = x.data.length / inputs, ways = layer.options.bidirectional ? 2 : 1;
      const width = units * ways, states = new Float32Array(steps * width);
      const gates = cell.gates.map(() => new Float32Array(steps * width));
      const last = new Float32Array(width);
      for (let way = 0; way < ways; way++) {
        const array = (name) => layer.arrays[(way ? "reverse_" : "") + name]?.data;
        const h = new Float64Array(units), memory = new Float64Array(units);
        const isBackwards = way === 1 || layer.options.reverse;
        for (let i = 0; i < steps; i++) {
          const t = isBackwards ? steps - 1 - i : i;
          const own = Float64Array.from(array("bias") ?? Array(count * units).fill(0));
          const of = Float64Array.from(array("recurrent_bias") ?? Array(count * units).fill(0));
          addProduct(own, array("weights"), x.data.subarray(t * inputs, (t + 1) * inputs));
          addProduct(of, array("recurrent_weights"), h);
          cell.step(own, of, h, memory, units);
          const place = t * width + way * units;
          states.set(h, place);
          gates.forEach((gate, g) => gate.set(own.subarray(g * units, (g + 1) * units), place));
        }
        last.set(h, way * units);
      }
      const inside = { states: { shape: [steps, width], data: states }, gates };
      return layer.options.return_sequences
        ? { shape: [steps, width], data: states, ...inside }
        : { shape: [width], data: last, ...inside };
    },
    // The weights of a unit, of each input for each gate, with its gates' values in words. The
    // index is one of the states.
    incoming(layer, x, index, value) {
      const units = layer.options.units, { states, gates } = value, width = states.shape[1];
      const unit = index % units, way = Math.floor(index % width / units);
      const { shape, data } = layer.arrays[way ? "reverse_weights" : "weights"];
      const weights = new Float32Array(shape[0] * count);
      for (let i = 0; i < shape[0]; i++) {
        for (let g = 0; g < count; g++) weights[i * count + g] = data[(i * count + g) * units + unit];
      }
      const inWords = cell.gates.map((name, g) => `${name} ${inDigits(gates[g][index])}`);
      return {
        shape: [shape[0], count],
        weights,
        sources: new Int32Array(0),
        note: `Gates at this step: ${inWords.join(", ")}. Weights: a row for each gate.`,
      };
    },
  };
}

for (const kind of Object.keys(CELLS)) LAYERS[kind] = recurrent(kind);
