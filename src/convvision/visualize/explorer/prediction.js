// What the network says: a bar a class, live, and a sentence for those who hear the page.

import { className, facts, head, steps } from "./data.js";
import { pointwise, softmax } from "./activations.js";
import { valuesOf } from "./network.js";
import { element, fill } from "./dom.js";
import { percent, number, say } from "./text.js";
import { addView, currentImage, recordedLogits, state } from "./state.js";

const MOST = 12;

// Gives the probability of each class for an image: as the network says now, or as recorded logits said.
export function scores(image, logits = null) {
  if (head.isSigmoid) return sigmoids(image, logits);
  const output = logits ?? Float32Array.from(valuesOf(image)[head.logits.index]);
  softmax(output, 0, output.length);
  return output;
}

function sigmoids(image, logits) {
  const given = logits ?? valuesOf(image)[head.output.index];
  const shares = logits || !head.isSquashed ? given.map(pointwise({ name: "sigmoid" })) : given;
  return head.isBinary ? Float32Array.of(1 - shares[0], shares[0]) : shares;
}

// Gives the class that an image is taken for, and how surely.
export function best(image, logits = null) {
  const found = scores(image, logits);
  const index = found.indexOf(Math.max(...found));
  return { index, score: found[index] };
}

function titleOf({ isSoftmax, isBinary, isSigmoid }) {
  if (isSoftmax || isBinary) return "prediction";
  return isSigmoid ? "prediction_sigmoid" : "prediction_logits";
}

export function mountPrediction(parent) {
  if (!head) return parent.remove();
  const title = element("h2", {}, say(titleOf(head)));
  const list = element("ol", { class: "bars" });
  const spoken = element("p", { class: "spoken", role: "status", "aria-live": "polite" });
  const time = element("p", { class: "time hint" });
  parent.append(title, list, time, spoken);
  const count = head.classes;
  const bars = Array.from({ length: Math.min(count, MOST) }, () => {
    const parts = { name: element("span", { class: "class" }), bar: element("i", {}), text: element("span", { class: "share" }) };
    parts.root = element("li", {}, parts.name, element("span", { class: "track", "aria-hidden": "true" }, parts.bar), parts.text);
    list.append(parts.root);
    return parts;
  });
  let timer = null;

  addView((names) => {
    if (!["values", "image", "epoch"].some((name) => names.has(name))) return;
    const image = currentImage();
    const logits = state.epoch === null ? null : recordedLogits(image);
    parent.classList.toggle("missing", state.epoch !== null && logits === null);
    if (state.epoch !== null && logits === null) return;
    const found = scores(image, logits);
    // All of few classes in their own order; of many, the likeliest.
    const order = [...found.keys()];
    if (count > MOST) order.sort((a, b) => found[b] - found[a]);
    const winner = found.indexOf(Math.max(...found));
    bars.forEach((parts, place) => {
      const index = order[place];
      parts.name.textContent = className(index);
      parts.bar.style.transform = `scaleX(${found[index]})`;
      parts.text.textContent = percent(found[index]);
      parts.root.classList.toggle("best", index === winner);
      parts.root.classList.toggle("truth", index === image.label && !image.changed);
      parts.root.title = index === image.label && !image.changed ? say("truth") : "";
    });
    time.textContent = state.epoch === null && image.changed ? say("time", { milliseconds: number(image.milliseconds) }) : "";
    clearTimeout(timer);
    // A screen reader is told once the hand rests.
    timer = setTimeout(() => fill(spoken, say("spoken", { name: className(winner), share: percent(found[winner]) })), 400);
  });
}
