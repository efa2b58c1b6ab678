// The forward pass: what every step makes of an image.

import { images, steps } from "./data.js";
import { activate } from "./activations.js";
import { OPERATIONS } from "./operations.js";

const shapesOfInputs = steps.map((step) => step.inputs.map((index) => steps[index].shape));

// Computes all steps. `values` are the arrays of an earlier pass, which are filled anew.
export function forward(image, values = steps.map((step) => new Float32Array(step.length))) {
  values[0].set(image.pixels);
  for (const step of steps.slice(1)) {
    const out = values[step.index];
    if (step.recorded) {
      out.set(step.recorded.subarray(image.index * step.length, (image.index + 1) * step.length));
      continue;
    }
    const inputs = step.inputs.map((index) => values[index]);
    OPERATIONS[step.op](step, inputs, out, shapesOfInputs[step.index]);
    if (step.activation) activate(step.activation, out, step.shape.at(-1));
  }
  return values;
}

// Gives what the steps make of an image; computed when it is first asked for, and anew once the image has changed.
export function valuesOf(image) {
  if (!image.values || image.stale) {
    const started = performance.now();
    image.values = forward(image, image.values);
    image.milliseconds = performance.now() - started;
    image.stale = false;
  }
  return image.values;
}

// So many images that channels which some class excites are seen, so few that nobody waits.
const MEASURED = images.slice(0, 12);

// For each step, over the images as they were exported: whether it has numbers below 0, what nearly all of its numbers
// stay within, and which channels are more than 0 anywhere.
export const extents = steps.map(measure);

function measure({ index, shape }) {
  const alive = new Uint8Array(shape.at(-1));
  let lowest = 0;
  let largest = 0;
  for (const image of MEASURED) {
    const values = valuesOf(image)[index];
    for (let i = 0; i < values.length; i++) {
      lowest = Math.min(lowest, values[i]);
      largest = Math.max(largest, Math.abs(values[i]));
      if (values[i] !== 0) alive[i % alive.length] = 1;
    }
  }
  return { signed: lowest < 0, most: ceiling(index, largest), largest, alive };
}

// What all but one in two hundred of a step's non-zero numbers stay below: one bright spot should not leave the rest dark.
function ceiling(index, largest) {
  const counts = new Uint32Array(1024);
  let count = 0;
  for (const image of MEASURED) {
    for (const value of valuesOf(image)[index]) {
      if (value === 0) continue;
      counts[Math.min(Math.floor((Math.abs(value) / largest) * 1024), 1023)]++;
      count++;
    }
  }
  let bin = 1023;
  for (let above = counts[bin]; bin > 0 && above < count / 200; above += counts[--bin]);
  return steps[index].shape.length === 3 ? (largest * (bin + 1)) / 1024 : largest;
}
