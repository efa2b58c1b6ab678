// What is chosen, and what each part of the page is told when that changes: at most once a frame.

import { facts, images, read, steps } from "./data.js";
import { extents, valuesOf } from "./network.js";
import { scaleFor } from "./colours.js";

export const state = {
  image: 0,
  step: Math.max(steps.findIndex((step) => step.op === "conv" || step.op === "dense"), 0),
  channel: 0,
  row: 0,
  column: 0,
  // The input channel, or the input number, whose share of the sum is shown; null for the largest.
  source: null,
  // Which recorded epoch is shown; null for the network as it is.
  epoch: null,
  // Whether the window slides over the map by itself.
  sliding: false,
  // "layer": all channels of a layer have one scale; "channel": each has its own.
  scale: "layer",
};

const views = [];
const changed = new Set();
let waiting = [];
let frame = null;

// Adds a part of the page: a function that is given the names of what has changed.
export function addView(render) {
  views.push(render);
}

// Changes what is chosen. Besides the names in `state`, there are "values" (an image was drawn on) and "theme".
export function change(patch, ...others) {
  for (const [name, value] of Object.entries(patch)) {
    if (state[name] === value) continue;
    state[name] = value;
    changed.add(name);
  }
  for (const name of others) changed.add(name);
  if (changed.size && frame === null) frame = requestAnimationFrame(render);
}

function render() {
  const names = new Set(changed);
  changed.clear();
  frame = null;
  const started = performance.now();
  for (const view of views) view(names);
  lastRender.milliseconds = performance.now() - started;
  const settled = waiting;
  waiting = [];
  for (const resolve of settled) resolve();
}

export const lastRender = { milliseconds: 0 };

// Promises that the page shows what was chosen.
export function settled() {
  return frame === null ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve));
}

export function currentStep() {
  return steps[state.step];
}

export function currentImage() {
  return images[state.image];
}

const recorded = new Map((facts.recording?.layers ?? []).map((layer) => [layer.step, { ...layer, maps: read(layer.maps) }]));
const logits = facts.recording?.logits ? read(facts.recording.logits) : null;

// Gives what a step makes of an image: now, or at the epoch that is shown; null where that was not recorded.
export function shownValues(step, image = currentImage()) {
  if (state.epoch === null) return valuesOf(image)[step.index];
  const layer = recorded.get(step.index);
  const which = facts.recording.images.indexOf(image.index);
  if (!layer || which < 0) return null;
  const from = (state.epoch * facts.recording.images.length + which) * step.length;
  return Float32Array.from(layer.maps.subarray(from, from + step.length), (stored) => layer.low + layer.unit * stored);
}

// Gives the recorded logits of an image at the epoch that is shown; null where there are none.
export function recordedLogits(image = currentImage()) {
  const which = facts.recording.images.indexOf(image.index);
  if (which < 0 || logits === null) return null;
  const count = facts.recording.logits.shape[2];
  const from = (state.epoch * facts.recording.images.length + which) * count;
  return logits.slice(from, from + count);
}

// Gives the scale in which a step's numbers are coloured; one channel alone where each has its own.
export function scaleOf(step, values = null, channel = null) {
  const { signed, most } = extents[step.index];
  if (state.scale === "layer" || values === null || !step.isMap) return scaleFor(signed ? -most : 0, most);
  const channels = step.shape[2];
  let largest = 0;
  for (let i = channel; i < values.length; i += channels) largest = Math.max(largest, Math.abs(values[i]));
  return scaleFor(signed ? -largest : 0, largest);
}

// Chooses a step, and in it the channel and the unit that answer most.
export function chooseStep(index) {
  const step = steps[index];
  const channels = step.shape.at(-1);
  const channel = step.isMap ? (state.channel < channels && currentStep().isMap ? state.channel : liveliestChannel(step)) : 0;
  change({ step: index, channel, source: null, ...strongestUnit(step, channel) });
}

export function chooseChannel(channel) {
  change({ channel, source: null });
}

// Gives the channel whose map varies most: one that is bright everywhere shows little.
export function liveliestChannel(step) {
  const values = valuesOf(currentImage())[step.index];
  const channels = step.shape.at(-1);
  const [sums, squares] = [new Float64Array(channels), new Float64Array(channels)];
  for (let i = 0; i < values.length; i++) {
    sums[i % channels] += values[i];
    squares[i % channels] += values[i] ** 2;
  }
  const variances = squares.map((square, channel) => square - (sums[channel] ** 2 * channels) / values.length);
  return variances.indexOf(Math.max(...variances));
}

// Gives the row and the column of the largest number of a channel; of a vector, its place as the column.
export function strongestUnit(step, channel) {
  const values = valuesOf(currentImage())[step.index];
  const channels = step.isMap ? step.shape[2] : 1;
  let best = 0;
  for (let i = 0; i < values.length / channels; i++) {
    if (values[i * channels + channel] > values[best * channels + channel]) best = i;
  }
  const columns = step.isMap ? step.shape[1] : step.length;
  return { row: Math.floor(best / columns), column: best % columns };
}

// The place of the chosen unit's number in the flat values of its step.
export function chosenPlace() {
  const step = currentStep();
  if (!step.isMap) return state.column;
  return (state.row * step.shape[1] + state.column) * step.shape[2] + state.channel;
}
