// The arithmetic of the chosen unit: what it makes of the numbers that it reads.

import { className, facts, head, steps } from "./data.js";
import { pointwise } from "./activations.js";
import { momentsOf, windowOf } from "./operations.js";
import { scaleFor } from "./colours.js";
import { columns, equation, matrix, part, rows, sign } from "./unit_parts.js";
import { number, percent, say } from "./text.js";
import { change, chosenPlace, currentStep, scaleOf, shownValues, state } from "./state.js";
import { chosenShare, joinedSource, readCells, shares, sourceOf, weightOf } from "./reads.js";

// Gives the parts of the explanation of the chosen unit.
export function explain() {
  const step = currentStep();
  if (state.epoch !== null) return [part(say("arithmetic_epoch"))];
  const explanation = EXPLANATIONS[step.op] ?? explainMerge;
  return explanation(step, step.inputs.map((index) => shownValues(steps[index])), shownValues(step)[chosenPlace()]);
}

function ending(step, sum, result, terms) {
  const name = step.activation && (step.activation.name === "softmax" ? null : step.activation.name);
  return equation(...terms, "=", [say(name ? "before_activation" : "result"), sum, !name], name && "→", name && [name, result, true]);
}

function preActivation(step, products) {
  return products + (step.weights.bias?.[step.isMap ? state.channel : state.column] ?? 0);
}

function biasTerm(step) {
  return step.weights.bias ? [say("bias"), step.weights.bias[step.isMap ? state.channel : state.column]] : null;
}

const EXPLANATIONS = {
  input: (step, inputs, value) => [part(say("pixel_title"), equation([say("pixel"), value, true]))],

  recorded: (step, inputs, value) => [part(say("recorded_title"), equation([say("recorded_value"), value, true]))],

  conv(step, inputs, value) {
    const found = shares(step);
    const chosen = chosenShare(step, found);
    const products = found.sums.reduce((sum, share) => sum + share, 0);
    const many = found.sums.length > 1;
    const names = found.sums.map((_, local) => say("channel_label", { index: found.first + local }));
    const bars = many && columns(say("shares_label"), found.sums, chosen - found.first, names, (local) => change({ source: found.first + local }));
    const bias = biasTerm(step);
    return [
      many && part(say("shares_title", { count: found.sums.length }), bars),
      productsPart(step, chosen, chosen - found.first, found.sums[chosen - found.first], many),
      part(say("sum_title"), ending(step, preActivation(step, products), value, [
        [say(many ? "sum_of_channels" : "sum_of_products", { count: found.sums.length }), products], bias && "+", bias,
      ])),
    ];
  },

  depthwise(step, inputs, value) {
    const { channel, step: below } = sourceOf(step);
    const [height, width, depth] = below.shape;
    const taps = windowOf(step, state.row, state.column, height, width);
    const products = taps.reduce((sum, [at, tap]) => sum + inputs[0][at * depth + channel] * weightOf(step, tap, 0), 0);
    const bias = biasTerm(step);
    return [
      productsPart(step, channel, 0, products, false),
      part(say("sum_title"), ending(step, preActivation(step, products), value, [[say("sum_of_products"), products], bias && "+", bias])),
    ];
  },

  max_pool: (step, inputs, value) => [part(say("max_title"), poolMatrix(step, inputs[0], value), equation([say("largest"), value, true]))],

  average_pool: (step, inputs, value) => [part(say("average_title"), poolMatrix(step, inputs[0], null), equation([say("mean"), value, true]))],

  global_average(step, inputs, value) {
    const places = inputs[0].length / steps[step.inputs[0]].shape.at(-1);
    return [part(say("global_average_title"), equation([say("sum_of_map", { count: places }), value * places], "÷", [say("positions"), String(places)], "=", [say("mean"), value, true]))];
  },

  global_max: (step, inputs, value) => [part(say("global_max_title"), equation([say("largest"), value, true]))],

  dense(step, inputs, value) {
    const below = steps[step.inputs[0]];
    const depth = below.shape.at(-1);
    const unit = step.isMap ? state.channel : state.column;
    const from = step.isMap ? (state.row * step.shape[1] + state.column) * depth : 0;
    const units = step.shape.at(-1);
    const terms = Array.from({ length: depth }, (_, i) => {
      const [x, weight] = [inputs[0][from + i], step.weights.kernel[i * units + unit]];
      return { i, value: x * weight, detail: `${number(x)} × ${number(weight)}` };
    });
    const products = terms.reduce((sum, term) => sum + term.value, 0);
    const largest = terms.toSorted((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, 10);
    const rest = products - largest.reduce((sum, term) => sum + term.value, 0);
    const named = largest.map((term) => ({ ...term, name: inputName(below, term.i) }));
    if (depth > 10) named.push({ name: say("others", { count: depth - 10 }), value: rest, plain: true });
    const bias = biasTerm(step);
    return [
      part(say("dense_title", { count: depth }), rows(named)),
      part(say("sum_title"), ending(step, preActivation(step, products), value, [[say("sum_of_products"), products], bias && "+", bias])),
    ];
  },

  affine(step, inputs, value) {
    const channel = step.isMap ? state.channel : state.column;
    const [scale, shift] = [step.weights.scale[channel], step.weights.shift[channel]];
    const title = say(step.kind === "BatchNormalization" ? "normalization_title" : "affine_title");
    return [part(title, equation([say("number_below"), inputs[0][chosenPlace()]], "×", [say("scale_factor"), scale], "+", [say("shift_term"), shift], "=", [say("result"), value, true]))];
  },

  layer_normalization(step, inputs, value) {
    const channel = step.isMap ? state.channel : state.column;
    const count = step.shape.at(-1);
    const [x, { scale, shift }] = [inputs[0][chosenPlace()], step.weights];
    const { mean, deviation } = momentsOf(inputs[0], chosenPlace() - channel, count, step.options.epsilon);
    const normalized = (x - mean) / deviation;
    return [
      part(say("layer_normalization_title", { count }), equation("(", [say("number_below"), x], "−", [say("mean"), mean], ")", "÷", [say("deviation"), deviation], "=", [say("normalized"), normalized])),
      part(say("affine_title"), equation([say("normalized"), normalized], "×", [say("scale_factor"), scale[channel]], "+", [say("shift_term"), shift[channel]], "=", [say("result"), value, true])),
    ];
  },

  prelu(step, inputs, value) {
    const x = inputs[0][chosenPlace()];
    const { slope } = step.weights;
    const factor = x < 0 && ["×", [say("slope"), slope[chosenPlace() % slope.length]]];
    return [part(say("activation_title"), equation([say("number_below"), x], ...(factor || []), "→", [say("result"), value, true]))];
  },

  upsample: (step, inputs, value) => [part(say(`upsample_${step.options.interpolation}`), equation([say("result"), value, true]))],

  activation(step, inputs, value) {
    if (pointwise(step.activation) === null) return explainSoftmax(step, inputs[0], value);
    return [part(say("activation_title"), equation([say("number_below"), inputs[0][chosenPlace()]], "→", [step.activation.name, value, true]))];
  },

  identity: (step, inputs, value) => [part(say("identity_title"), equation([say("the_same_number"), value, true]))],

  shift: (step, inputs, value) => [part(say("shift_title"), equation([say(readCells(step) ? "the_same_number" : "padding_number"), value, true]))],
};

function explainSoftmax(step, logits, value) {
  const count = step.shape.at(-1);
  const from = chosenPlace() - (chosenPlace() % count);
  const own = [...logits.subarray(from, from + count)];
  const largest = Math.max(...own);
  const sum = own.reduce((total, logit) => total + Math.exp(logit - largest), 0);
  const named = own
    .map((logit, i) => ({ i, value: logit, name: unitName(step, i) }))
    .map((entry) => ({ ...entry, detail: `exp(${number(entry.value)} − ${number(largest)})`.replace("− −", "+ "), text: percent(Math.exp(entry.value - largest) / sum) }));
  const shown = named.length > 20 ? named.toSorted((a, b) => b.value - a.value).slice(0, 20) : named;
  const power = Math.exp(logits[chosenPlace()] - largest);
  return [
    part(say("softmax_title"), rows(shown)),
    part(say("softmax_sum_title", { name: named[chosenPlace() % count].name }), equation([say("power"), power], "÷", [say("sum_of_powers"), sum], "=", [say("probability"), percent(value), true])),
  ];
}

function explainMerge(step, inputs, value) {
  const source = step.op === "concatenate" ? joinedSource(step) : null;
  if (source) return [part(say("concatenate_title", { name: source.step.name, channel: source.channel }), equation([say("the_same_number"), value, true]))];
  const join = { add: "+", subtract: "−", multiply: "×", average: "+" }[step.op] ?? ",";
  const terms = inputs.flatMap((input, which) => [which ? join : null, [steps[step.inputs[which]].name, input[chosenPlace() % input.length]]]);
  return [part(say(`merge_${step.op}`), equation(...terms, "→", [say("result"), value, true]))];
}

// The patch, the kernel and their products, for one input channel.
function productsPart(step, channel, local, sum, many) {
  const below = steps[step.inputs[0]];
  const [height, width, depth] = below.shape;
  const values = shownValues(below);
  const [tall, wide] = step.options.kernel;
  const patch = new Array(tall * wide).fill(null);
  for (const [at, tap] of windowOf(step, state.row, state.column, height, width)) patch[tap] = values[at * depth + channel];
  const kernel = patch.map((_, tap) => weightOf(step, tap, local));
  const products = patch.map((value, tap) => (value === null ? null : value * kernel[tap]));
  const title = many ? say("products_title_channel", { channel, name: below.name }) : say("products_title");
  const line = matrixRow(
    matrix(say("patch"), patch, wide, scaleOf(below, values, channel)),
    sign("×"),
    matrix(say("kernel"), kernel, wide, around(kernel)),
    sign("="),
    matrix(say("products"), products, wide, around(products)),
    sign("Σ"),
    equation([say("share"), sum]),
  );
  return part(title, line);
}

function around(values) {
  const largest = Math.max(...values.map((value) => Math.abs(value ?? 0))) || 1;
  return scaleFor(-largest, largest);
}

function matrixRow(...children) {
  const row = document.createElement("div");
  row.className = "matrices";
  row.append(...children);
  return row;
}

function poolMatrix(step, values, winner) {
  const below = steps[step.inputs[0]];
  const [height, width, channels] = below.shape;
  const [tall, wide] = step.options.kernel;
  const cells = new Array(tall * wide).fill(null);
  for (const [at, tap] of windowOf(step, state.row, state.column, height, width)) cells[tap] = values[at * channels + state.channel];
  const drawn = matrix(say("window"), cells, wide, scaleOf(below, values, state.channel));
  const won = winner === null ? -1 : cells.indexOf(winner);
  if (won >= 0) drawn.querySelector(".cells").children[won].classList.add("winner");
  return drawn;
}

// Names a number that a dense layer reads; behind a flattening, by where it was in the maps.
function inputName(below, index) {
  let step = below;
  while (step.op === "identity" && !step.isMap) step = steps[step.inputs[0]];
  if (!step.isMap || step.length !== below.length) return say("unit_number", { index });
  const [, width, channels] = step.shape;
  const place = Math.floor(index / channels);
  return say("input_name", { name: step.name, channel: index % channels, row: Math.floor(place / width), column: place % width });
}

// Names a unit of a vector: by its class where the vector is an answer or the logits behind it, else by its number.
export function unitName(step, index) {
  const names = head && step.length === head.output.length && step.index >= head.logits.index && facts.classes;
  return names ? className(head.isBinary ? 1 : index) : say("unit_number", { index });
}
