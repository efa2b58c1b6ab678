// Which rows and columns of the image each unit of a step sees, followed from the image along every branch.

import { imageHeight, imageWidth, steps } from "./data.js";

const WHOLE = { rows: (count) => spread(count, imageHeight), columns: (count) => spread(count, imageWidth) };

function spread(count, side) {
  return Array.from({ length: count }, () => [0, side]);
}

const fields = [];
for (const step of steps) fields.push(follow(step));

function follow(step) {
  if (step.op === "input") return { rows: each(imageHeight), columns: each(imageWidth) };
  const inputs = step.inputs.map((index) => fields[index]);
  if (step.op === "recorded" || inputs.some((field) => field === null)) return null;
  const [rows, columns] = step.isMap ? step.shape : [1, 1];
  const joinsAll = step.op.startsWith("global_") || !step.isMap;
  if (joinsAll) return { rows: WHOLE.rows(rows), columns: WHOLE.columns(columns) };
  const sides = [0, 1].map((axis) => {
    const ends = join(inputs.map((field) => [field.rows, field.columns][axis]));
    return ends && along(step, axis, ends, step.shape[axis]);
  });
  return sides[0] && sides[1] ? { rows: sides[0], columns: sides[1] } : null;
}

function each(side) {
  return Array.from({ length: side }, (_, index) => [index, index + 1]);
}

function join(several) {
  const length = Math.max(...several.map((ends) => ends.length));
  if (several.some((ends) => ends.length !== length && ends.length !== 1)) return null;
  return Array.from({ length }, (_, index) => union(several.map((ends) => ends[ends.length === 1 ? 0 : index])));
}

// What sees padding alone begins behind its end, and adds nothing to a union.
function union(several) {
  return [Math.min(...several.map(([start]) => start)), Math.max(...several.map(([, stop]) => stop))];
}

function along(step, axis, ends, count) {
  const { kernel, strides, dilation, padding } = step.options;
  if (!kernel && !padding && ends.length !== count) return null;
  return Array.from({ length: count }, (_, place) => {
    if (!padding) return ends[place];
    if (!kernel) return ends[place - padding[axis]] ?? [Infinity, 0];
    const seen = Array.from({ length: kernel[axis] }, (_, tap) => place * strides[axis] - padding[axis] + tap * dilation[axis]);
    return union(seen.map((index) => ends[index] ?? [Infinity, 0]));
  });
}

// Gives the box {top, left, bottom, right} of a unit on the image; null where it is not known or holds padding alone.
export function boxOf(step, row, column) {
  const field = fields[step.index];
  if (!field) return null;
  const [top, bottom] = field.rows[step.isMap ? row : 0];
  const [left, right] = field.columns[step.isMap ? column : 0];
  return top < bottom && left < right ? { top, left, bottom, right } : null;
}

// Gives the size of the largest field of a step's units, as in "10 × 10"; null where it is not known.
export function fieldSize(step) {
  const field = fields[step.index];
  if (!field) return null;
  return [field.rows, field.columns].map((ends) => Math.max(...ends.map(([start, stop]) => stop - start))).join(" × ");
}
