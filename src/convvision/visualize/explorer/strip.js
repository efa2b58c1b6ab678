// The whole network in one row: for each step its channels as thumbnails, its name, its size, its parameters.

import { images, range, steps } from "./data.js";
import { element, markChosen, moveAmong } from "./dom.js";
import { isShort, paintBars, paintImage, paintMosaic } from "./paint.js";
import { say, size, whole } from "./text.js";
import { addView, chooseStep, scaleOf, shownValues, state } from "./state.js";
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
        // A long name is broken where it has a slash.
        element("span", { class: "name" }, step.name.replaceAll("/", "/\u200b")),
        element("span", { class: "kind" }, kindOf(step)),
        element("span", { class: "fact" }, size(step.shape)),
        step.parameters
          ? element("span", { class: "fact", title: say("fact_parameters", { count: whole(step.parameters) }) }, whole(step.parameters))
          : null,
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
  else if (isShort(step)) paintBars(canvas, values);
  else paintMosaic(canvas, values, [1, 1, step.length], scaleOf(step), 4096);
}
