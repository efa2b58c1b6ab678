// The whole network in one row: for each step its channels as thumbnails, its name, its size, its parameters.

import { steps } from "./data.js";
import { element, moveAmong, markChosen, paintImage, paintMosaic } from "./dom.js";
import { say, size, whole } from "./text.js";
import { addView, chooseStep, scaleOf, shownValues, state } from "./state.js";
import { css, scaleFor } from "./colours.js";
import { images, range } from "./data.js";
import { kindOf } from "./channels.js";

export function mountStrip(parent) {
  const tabs = element("div", { class: "strip", role: "tablist", "aria-label": say("network") });
  const canvases = steps.map((step, index) => {
    const canvas = element("canvas", { "aria-hidden": "true" });
    tabs.append(
      element(
        "button",
        {
          type: "button",
          role: "tab",
          class: "step",
          id: `step-${index}`,
          "data-index": index,
          "aria-controls": "layer",
          onclick: () => chooseStep(index),
        },
        element("span", { class: "picture" }, canvas),
        element("span", { class: "name" }, step.name),
        element("span", { class: "kind" }, kindOf(step)),
        element("span", { class: "fact" }, size(step.shape)),
        element("span", { class: "fact" }, step.parameters ? whole(step.parameters) : "–"),
        step.recorded ? element("span", { class: "badge" }, say("recorded_badge")) : null,
        joins(step) ? element("span", { class: "fact from" }, `← ${joins(step)}`) : null,
      ),
    );
    return canvas;
  });
  moveAmong(tabs, chooseStep);
  parent.append(tabs);

  addView((names) => {
    if (names.has("step")) {
      markChosen(tabs, state.step, "aria-selected");
      const chosen = tabs.children[state.step];
      // Not scrollIntoView, which would move the whole page.
      tabs.scrollLeft = Math.max(0, chosen.offsetLeft - tabs.clientWidth / 2 + chosen.offsetWidth / 2);
    }
    if (["values", "image", "epoch", "theme"].some((name) => names.has(name))) {
      steps.forEach((step, index) => paintThumbnail(canvases[index], step));
    }
  });
}

// Names what a step reads, where that is not just the step before it.
function joins(step) {
  const plain = step.inputs.length === 1 && step.inputs[0] === step.index - 1;
  return step.inputs.length === 0 || plain ? null : step.inputs.map((index) => steps[index].name).join(", ");
}

function paintThumbnail(canvas, step) {
  const values = step.op === "input" ? images[state.image].pixels : shownValues(step);
  canvas.parentElement.classList.toggle("missing", values === null);
  if (values === null) return;
  if (step.op === "input") paintImage(canvas, values, step.shape, range);
  else if (step.isMap) paintMosaic(canvas, values, step.shape, scaleOf(step));
  else if (step.length <= 20) bars(canvas, values, step);
  else paintMosaic(canvas, values, [1, 1, step.length], scaleOf(step), 4096);
}

// A short vector, such as the classes, as bars from zero.
function bars(canvas, values, step) {
  const side = 120;
  Object.assign(canvas, { width: side, height: side });
  const context = canvas.getContext("2d");
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values, low + 1e-6);
  const width = side / values.length;
  const scale = scaleFor(low, high);
  const zero = (side - 8) * (high / (high - low)) + 4;
  const style = getComputedStyle(document.documentElement);
  const largest = values.indexOf(Math.max(...values));
  values.forEach((value, index) => {
    const top = zero - ((side - 8) * value) / (high - low);
    context.fillStyle = scale.signed ? css(scale, value) : style.getPropertyValue(index === largest ? "--accent" : "--bar");
    context.fillRect(index * width + 1, Math.min(top, zero) - 1, width - 2, Math.abs(zero - top) + 2);
  });
}
