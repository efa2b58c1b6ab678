// One unit, followed back: its place in its map, what it reads in the layer below, what it sees of the image.

import { images, imageHeight, imageWidth, range, steps } from "./data.js";
import { greyScale } from "./colours.js";
import { arrow, cellAt, element, placeFrame } from "./dom.js";
import { isShort, paint, paintImage } from "./paint.js";
import { boxOf, fieldSize } from "./receptive_field.js";
import { say } from "./text.js";
import { addView, change, currentStep, scaleOf, shownValues, state } from "./state.js";
import { readCells, sourceOf } from "./reads.js";
import { unitName } from "./unit.js";
import { answers } from "./answers.js";
import { hideAhead, slideButton } from "./slide.js";

export function mountStage(parent) {
  const image = figure(say("on_image"));
  const below = figure("");
  const map = figure("");
  map.canvas.setAttribute("tabindex", "0");
  map.canvas.setAttribute("role", "application");
  map.canvas.setAttribute("aria-describedby", "unit-help");
  map.canvas.addEventListener("pointermove", pick);
  map.canvas.addEventListener("pointerdown", pick);
  map.canvas.addEventListener("keydown", step);
  const help = element("p", { class: "hint", id: "unit-help" }, say("unit_help"));
  parent.append(element("div", { class: "stage" }, image.root, joint(), below.root, joint(), map.root, answers()));
  parent.append(element("div", { class: "below-stage" }, slideButton(), help));

  function pick(event) {
    const grid = gridOf(currentStep());
    choose(grid, cellAt(map.canvas, event, grid.rows, grid.columns));
  }

  function step(event) {
    const move = arrow(event);
    if (!move) return;
    event.preventDefault();
    const grid = gridOf(currentStep());
    const { row, column } = cellOf(grid, currentStep());
    const within = (place, count) => Math.min(Math.max(place, 0), count - 1);
    choose(grid, { row: within(row + move[0], grid.rows), column: within(column + move[1], grid.columns) });
  }

  addView((names) => {
    if (![...names].some((name) => name !== "prediction")) return;
    const chosen = currentStep();
    showMap(map, chosen);
    showBelow(below, chosen);
    showImage(image, chosen);
    help.hidden = isShort(chosen);
  });
}

function figure(title) {
  const canvas = element("canvas");
  const frame = element("span", { class: "frame" });
  const caption = element("figcaption", {}, title);
  const box = element("div", { class: "picture-box" }, canvas, frame);
  return { root: element("figure", {}, caption, box), canvas, frame, caption, box };
}

function joint() {
  return element("span", { class: "joint", "aria-hidden": "true" }, "→");
}

// The grid in which a step's units are shown: a map as it is, a vector folded into rows.
export function gridOf({ isMap, shape, length }) {
  if (isMap) return { rows: shape[0], columns: shape[1] };
  if (length <= 12) return { rows: 1, columns: length };
  let columns = Math.ceil(Math.sqrt(length));
  for (let side = columns; side <= 2 * columns; side++) {
    if (length % side === 0) {
      columns = side;
      break;
    }
  }
  return { rows: Math.ceil(length / columns), columns };
}

function cellOf({ columns }, step) {
  return step.isMap ? state : { row: Math.floor(state.column / columns), column: state.column % columns };
}

function choose(grid, { row, column }) {
  const step = currentStep();
  if (step.isMap) return change({ row, column });
  const place = row * grid.columns + column;
  if (place < step.length) change({ row: 0, column: place, source: null });
}

function showMap({ root, canvas, frame, caption, box }, step) {
  const values = shownValues(step);
  root.hidden = isShort(step);
  if (root.hidden) return;
  root.classList.toggle("missing", values === null);
  const grid = gridOf(step);
  const { row, column } = cellOf(grid, step);
  box.style.aspectRatio = `${grid.columns} / ${Math.max(grid.rows, 1)}`;
  caption.textContent = step.isMap
    ? say("map_caption", { name: step.name, channel: state.channel })
    : step.name;
  canvas.setAttribute("aria-label", say("unit_label", { name: step.name, place: placeName(step) }));
  if (values === null) return;
  if (step.op === "input") {
    paintImage(canvas, images[state.image].pixels, step.shape, range);
  } else if (step.isMap) {
    paint(canvas, values, step.shape, state.channel, scaleOf(step, values, state.channel));
    hideAhead(canvas, step.shape);
  } else {
    const padded = new Float32Array(grid.rows * grid.columns);
    padded.set(values);
    paint(canvas, padded, [grid.rows, grid.columns, 1], 0, scaleOf(step));
  }
  placeFrame(frame, { top: row, left: column, bottom: row + 1, right: column + 1 }, grid.rows, grid.columns);
}

function showBelow({ root, canvas, frame, caption, box }, step) {
  const source = sourceOf(step);
  const hidden = source === null || !source.step.isMap || source.step.op === "input";
  root.hidden = hidden;
  root.previousElementSibling.hidden = hidden;
  if (hidden) return;
  const { step: below, channel } = source;
  const values = shownValues(below);
  root.classList.toggle("missing", values === null);
  caption.textContent = say("map_caption", { name: below.name, channel });
  box.style.aspectRatio = `${below.shape[1]} / ${below.shape[0]}`;
  if (values === null) return;
  paint(canvas, values, below.shape, channel, scaleOf(below, values, channel));
  placeFrame(frame, readCells(step), below.shape[0], below.shape[1]);
}

function showImage({ root, canvas, frame, box, caption }, step) {
  const hidden = step.op === "input";
  root.hidden = hidden;
  box.style.aspectRatio = `${imageWidth} / ${imageHeight}`;
  if (hidden) return;
  paintImage(canvas, images[state.image].pixels, steps[0].shape, range);
  const seen = boxOf(step, state.row, state.column);
  placeFrame(frame, seen, imageHeight, imageWidth);
  caption.textContent = seen
    ? say("on_image_sees", { size: `${seen.bottom - seen.top} × ${seen.right - seen.left}` })
    : say(fieldSize(step) === null ? "on_image_unknown" : "on_image_padding");
}

// Names the chosen unit: its row and column, or its class, or its number.
export function placeName(step) {
  return step.isMap ? say("place", { row: state.row, column: state.column }) : unitName(step, state.column);
}
