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

// For each step, how large its numbers become over the images as they were exported, and which channels stay 0.
export const extents = measure();

function measure() {
  const found = steps.map((step) => ({
    low: Infinity,
    high: -Infinity,
    alive: new Uint8Array(step.shape.at(-1)),
  }));
  // So many that channels which some class excites are seen, so few that nobody waits.
  for (const image of images.slice(0, 12)) {
    valuesOf(image).forEach((values, index) => {
      const { alive } = found[index];
      for (let i = 0; i < values.length; i++) {
        found[index].low = Math.min(found[index].low, values[i]);
        found[index].high = Math.max(found[index].high, values[i]);
        if (values[i] !== 0) alive[i % alive.length] = 1;
      }
    });
  }
  return found;
}
