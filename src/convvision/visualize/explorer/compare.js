// The same channel for all images, side by side and in one scale, with what the network takes each image for.

import { className, head, images, range, steps } from "./data.js";
import { element, markChosen, moveAmong } from "./dom.js";
import { isShort, paint, paintBars, paintImage } from "./paint.js";
import { percent, say } from "./text.js";
import { addView, change, currentStep, recordedLogits, scaleOf, shownValues, state } from "./state.js";
import { best } from "./prediction.js";
import { imageName } from "./drawing.js";
import { gridOf } from "./stage.js";

export function mountCompare(parent) {
  if (images.length < 2) return parent.remove();
  const title = element("h2", {}, say("compare"));
  const about = element("p", { class: "sentence" });
  const group = element("div", { class: "cards", role: "radiogroup", "aria-label": say("compare") });
  const cards = images.map((image) => card(image, group));
  moveAmong(group, (index) => change({ image: index }));
  parent.append(title, about, group);
  let pending = [];
  let timer = null;

  addView((names) => {
    if (names.has("image")) markChosen(group, state.image, "aria-checked");
    const step = currentStep();
    about.textContent = step.isMap ? say("compare_channel", { name: step.name, channel: state.channel }) : say("compare_vector", { name: step.name });
    const all = ["step", "channel", "epoch", "theme", "scale"].some((name) => names.has(name));
    if (all) pending = images.map((image) => image.index);
    else if (names.has("values")) showCard(cards[state.image], images[state.image]);
    if (pending.length && timer === null) work();
  });

  // A few cards at a time: each may need a forward pass, and the page must go on answering.
  function work() {
    const until = performance.now() + 8;
    while (pending.length && performance.now() < until) {
      const index = pending.shift();
      showCard(cards[index], images[index]);
    }
    timer = pending.length ? setTimeout(work, 0) : null;
  }
}

function card(image, group) {
  const parts = {
    picture: element("canvas", { "aria-hidden": "true" }),
    map: element("canvas", { "aria-hidden": "true" }),
    verdict: element("span", { class: "verdict" }),
    truth: element("span", { class: "name" }, imageName(image)),
  };
  parts.root = element(
    "button",
    { type: "button", role: "radio", class: "card", "data-index": image.index, onclick: () => change({ image: image.index }) },
    element("span", { class: "pair" }, parts.picture, parts.map),
    parts.truth,
    parts.verdict,
  );
  group.append(parts.root);
  return parts;
}

function showCard({ root, picture, map, verdict }, image) {
  showVerdict(root, verdict, image);
  const step = currentStep();
  paintImage(picture, image.pixels, steps[0].shape, range);
  const values = shownValues(step, image);
  root.classList.toggle("missing", values === null);
  if (values === null) return;
  if (step.op === "input") paintImage(map, image.pixels, step.shape, range);
  else if (step.isMap) paint(map, values, step.shape, state.channel, scaleOf(step, values, state.channel));
  else if (isShort(step)) paintBars(map, values);
  else {
    const { rows, columns } = gridOf(step);
    const padded = new Float32Array(rows * columns);
    padded.set(values);
    paint(map, padded, [rows, columns, 1], 0, scaleOf(step));
  }
}

function showVerdict(root, verdict, image) {
  if (!head) return;
  const logits = state.epoch === null ? null : recordedLogits(image);
  if (state.epoch !== null && logits === null) {
    verdict.textContent = "";
    root.classList.remove("wrong");
    return;
  }
  const { index, score } = best(image, logits);
  const known = image.label !== null && !image.changed;
  verdict.textContent = `${known ? (index === image.label ? "✓ " : "✕ ") : "→ "}${className(index)} ${percent(score)}`;
  root.classList.toggle("wrong", known && index !== image.label);
}
