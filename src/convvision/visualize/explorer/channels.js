// The chosen step: what it is, in a sentence and in numbers, and all its channels.

import { head, steps } from "./data.js";
import { extents } from "./network.js";
import { fieldSize } from "./receptive_field.js";
import { gradient } from "./colours.js";
import { element, fill, markChosen, moveAmong } from "./dom.js";
import { isShort, paint } from "./paint.js";
import { hasText, number, say, size, whole } from "./text.js";
import { addView, change, chooseChannel, currentStep, scaleOf, shownValues, state } from "./state.js";

// What a step is called in a textbook; for a layer that the page does not know, its class.
export function kindOf(step) {
  const name = step.op === "activation" ? `kind_${step.activation.name}` : `kind_${step.kind}`;
  if (hasText(name)) return say(name);
  return hasText(`kind_op_${step.op}`) && step.op !== "recorded" && step.op !== "identity" ? say(`kind_op_${step.op}`) : step.kind;
}

export function mountChannels(parent) {
  const heading = element("h2", { id: "layer-name" });
  const figures = element("p", { class: "figures" });
  const sentence = element("p", { class: "sentence" });
  const notice = element("p", { class: "notice", role: "note" });
  const legend = element("div", { class: "legend" });
  const group = element("div", { class: "channels", role: "radiogroup", "aria-label": say("channels") });
  const count = element("h3");
  const bar = element("div", { class: "channel-bar" }, count, scaleSwitch(), legend);
  moveAmong(group, chooseChannel);
  parent.append(element("header", { class: "layer-head" }, heading, figures, sentence, notice), bar, group);

  addView((names) => {
    const step = currentStep();
    if (names.has("step")) {
      heading.textContent = step.name;
      fill(figures, ...describe(step));
      sentence.textContent = about(step);
      fill(group, ...(step.isMap ? Array.from({ length: step.shape[2] }, (_, index) => button(step, index)) : []));
      count.textContent = step.isMap ? say("channels_count", { count: step.shape[2] }) : say("units_count", { count: step.length });
      group.hidden = !step.isMap || step.shape[2] === 1;
      bar.querySelector(".switch").hidden = !step.isMap || step.shape[2] === 1;
    }
    if (names.has("step") || names.has("epoch") || names.has("image")) {
      const missing = shownValues(step) === null;
      notice.textContent = step.recorded ? say("recorded_notice", { reason: say(`reason_${step.reason}`) }) : missing ? say("not_recorded") : "";
      notice.hidden = notice.textContent === "";
      group.classList.toggle("missing", missing);
    }
    if (["values", "image", "step", "epoch", "theme", "scale"].some((name) => names.has(name))) paintAll(step, group);
    if (["step", "channel"].some((name) => names.has(name))) markChosen(group, state.channel, "aria-checked");
    if (["step", "theme", "scale", "channel", "values"].some((name) => names.has(name))) showLegend(legend, step);
  });
}

function describe(step) {
  const { kernel, strides, dilation, groups, padding } = step.options;
  const before = step.inputs.length ? steps[step.inputs[0]].shape.at(-1) : null;
  const given = [
    kindOf(step),
    size(step.shape),
    kernel && say("fact_window", { size: size(kernel) }),
    strides && Math.max(...strides) > 1 && say("fact_stride", { size: size(strides) }),
    dilation && Math.max(...dilation) > 1 && say("fact_dilation", { size: size(dilation) }),
    groups > 1 && say("fact_groups", { count: groups }),
    kernel && Math.max(...padding) > 0 && say("fact_padding"),
    ["conv", "dense"].includes(step.op) && say("fact_channels", { before, after: step.shape.at(-1) }),
    step.parameters > 0 && say("fact_parameters", { count: whole(step.parameters) }),
    step.isMap && step.op !== "input" && fieldSize(step) && say("fact_field", { size: fieldSize(step) }),
  ];
  return given.filter(Boolean).map((text) => element("span", {}, text));
}

function about(step) {
  if (step.op === "recorded") return say("about_recorded");
  if (step.op === "activation") return say(step.activation.name === "softmax" ? "about_softmax" : "about_activation");
  if (step.op === "identity") return say(step.isMap || !steps[step.inputs[0]].isMap ? "about_identity" : "about_flatten");
  if (step.op === "dense") return say(step === head?.logits ? "about_classifier" : "about_dense");
  return say(hasText(`about_${step.op}`) ? `about_${step.op}` : "about_merge");
}

function button(step, index) {
  const dead = step.op !== "input" && !extents[step.index].alive[index];
  const label = say(dead ? "channel_dead" : "channel_label", { index });
  const attributes = { type: "button", role: "radio", class: dead ? "channel dead" : "channel", title: label, "aria-label": label };
  return element(
    "button",
    { ...attributes, "data-index": index, onclick: () => chooseChannel(index) },
    element("canvas", { "aria-hidden": "true" }),
    element("span", { class: "number", "aria-hidden": "true" }, dead ? `${index} ✕` : index),
  );
}

function paintAll(step, group) {
  const values = shownValues(step);
  if (!step.isMap || values === null || group.hidden) return;
  const shared = scaleOf(step);
  [...group.children].forEach((each, channel) => {
    const scale = state.scale === "layer" ? shared : scaleOf(step, values, channel);
    paint(each.firstElementChild, values, step.shape, channel, scale);
  });
}

function scaleSwitch() {
  const choices = ["layer", "channel"].map((name) =>
    element(
      "button",
      { type: "button", "aria-pressed": String(state.scale === name), onclick: () => choose(name), title: say(`scale_${name}_title`) },
      say(`scale_${name}`),
    ),
  );
  function choose(name) {
    choices.forEach((each, index) => each.setAttribute("aria-pressed", String(["layer", "channel"][index] === name)));
    change({ scale: name });
  }
  return element("div", { class: "switch", role: "group", "aria-label": say("scale") }, ...choices);
}

function showLegend(legend, step) {
  const values = shownValues(step);
  if (step.op === "input" || values === null || isShort(step)) return void fill(legend);
  const scale = scaleOf(step, values, state.channel);
  const clipped = state.scale === "layer" && extents[step.index].most < extents[step.index].largest;
  fill(
    legend,
    element("span", {}, number(scale.low)),
    element("span", { class: "ramp", style: `background: ${gradient(scale)}` }),
    element("span", {}, clipped ? `≥ ${number(scale.high)}` : number(scale.high)),
  );
}
