// Which numbers of the layer below the chosen unit reads, and what each input channel adds to it.

import { steps } from "./data.js";
import { neighboursOf, windowOf } from "./operations.js";
import { shownValues, state } from "./state.js";

// Gives the step and the channel that the chosen unit reads most of all; null where it reads no other step.
export function sourceOf(step) {
  if (step.inputs.length === 0 || step.op === "recorded") return null;
  const below = steps[step.inputs[0]];
  if (step.op === "conv") return { step: below, channel: chosenShare(step, shares(step)) };
  if (step.op === "depthwise") return { step: below, channel: Math.floor((state.channel * below.shape[2]) / step.shape[2]) };
  if (step.op === "concatenate") return joinedSource(step);
  if (step.op === "shift") return { step: below, channel: Math.min(Math.max(shiftedChannel(step), 0), below.shape[2] - 1) };
  if (below.isMap && !step.isMap) return { step: below, channel: unitChannel(step, below) };
  return { step: below, channel: Math.min(state.channel, below.shape.at(-1) - 1) };
}

// The channel below that a padding or a cropping puts at the chosen one; outside, there is none.
function shiftedChannel(step) {
  return state.channel - step.options.padding[2];
}

// A vector's unit comes from a channel: of its number behind a global pooling, of its remainder behind a flattening.
function unitChannel(step, below) {
  return step.op.startsWith("global_") ? state.column : state.column % below.shape[2];
}

// Gives the step and the channel from which a unit of joined steps is taken over.
export function joinedSource(step) {
  let channel = step.isMap ? state.channel : state.column;
  for (const index of step.inputs) {
    const depth = steps[index].shape.at(-1);
    if (channel < depth) return { step: steps[index], channel };
    channel -= depth;
  }
  return null;
}

// Gives the box of cells that the chosen unit reads in the layer below; null where that is none of its cells.
export function readCells(step) {
  const below = sourceOf(step).step;
  const [height, width] = below.shape;
  if (step.options.kernel) {
    const taps = windowOf(step, state.row, state.column, height, width).map(([at]) => at);
    if (taps.length === 0) return null;
    const down = taps.map((at) => Math.floor(at / width));
    const across = taps.map((at) => at % width);
    return { top: Math.min(...down), left: Math.min(...across), bottom: Math.max(...down) + 1, right: Math.max(...across) + 1 };
  }
  if (step.op.startsWith("global_")) return { top: 0, left: 0, bottom: height, right: width };
  if (step.op === "upsample") return enlargedCells(step, height, width);
  const [top, left] = step.op === "shift" ? step.options.padding : [0, 0];
  const cell = step.isMap ? state.row * width + state.column : Math.floor(state.column / below.shape[2]);
  const [row, column] = step.isMap ? [state.row - top, state.column - left] : [Math.floor(cell / width), cell % width];
  const hasChannel = step.op !== "shift" || (shiftedChannel(step) >= 0 && shiftedChannel(step) < below.shape[2]);
  const inside = hasChannel && row >= 0 && row < height && column >= 0 && column < width;
  return inside ? { top: row, left: column, bottom: row + 1, right: column + 1 } : null;
}

// The cells between which an enlarged one lies.
function enlargedCells(step, height, width) {
  const [top, bottom] = neighboursOf(step, 0, state.row, height);
  const [left, right] = neighboursOf(step, 1, state.column, width);
  return { top, left, bottom: bottom + 1, right: right + 1 };
}

// For each input channel of a convolution, the sum of its products.
export function shares(step) {
  const below = steps[step.inputs[0]];
  const [height, width, depth] = below.shape;
  const values = shownValues(below);
  const inGroup = depth / step.options.groups;
  const first = Math.floor(state.channel / (step.shape[2] / step.options.groups)) * inGroup;
  const taps = values ? windowOf(step, state.row, state.column, height, width) : [];
  const sums = Array.from({ length: inGroup }, (_, local) =>
    taps.reduce((sum, [at, tap]) => sum + values[at * depth + first + local] * weightOf(step, tap, local), 0),
  );
  return { first, sums };
}

export function weightOf(step, tap, local) {
  const { kernel } = step.weights;
  if (step.op === "depthwise") return kernel[tap * step.shape[2] + state.channel];
  return kernel[(tap * step.kernelShape[2] + local) * step.shape[2] + state.channel];
}

// Gives the input channel whose share is looked at: the one that was chosen, or the largest.
export function chosenShare(step, { first, sums }) {
  if (state.source !== null && state.source >= first && state.source < first + sums.length) return state.source;
  const sizes = sums.map(Math.abs);
  return first + sizes.indexOf(Math.max(...sizes));
}
