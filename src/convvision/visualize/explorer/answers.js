// The units of a short vector, such as the classes, as a list of bars from which one is chosen.

import { scaleFor, css } from "./colours.js";
import { element, fill, markChosen, moveAmong } from "./dom.js";
import { isShort } from "./paint.js";
import { number, percent, say } from "./text.js";
import { addView, change, currentStep, shownValues, state } from "./state.js";
import { unitName } from "./unit.js";

export function answers() {
  const group = element("div", { class: "answers", role: "radiogroup" });
  const choose = (index) => change({ row: 0, column: index, source: null });
  moveAmong(group, choose);

  addView((names) => {
    const step = currentStep();
    group.hidden = !isShort(step);
    if (group.hidden) return;
    if (names.has("step")) fill(group, ...Array.from({ length: step.length }, (_, index) => answer(step, index, choose)));
    group.setAttribute("aria-label", step.name);
    const values = shownValues(step);
    group.classList.toggle("missing", values === null);
    if (values !== null) show(group, step, values);
    markChosen(group, state.column, "aria-checked");
  });
  return group;
}

function answer(step, index, choose) {
  return element(
    "button",
    { type: "button", role: "radio", "data-index": index, onclick: () => choose(index) },
    element("span", { class: "row-name" }, unitName(step, index)),
    element("span", { class: "row-bar" }, element("span", {})),
    element("span", { class: "row-text" }),
  );
}

function show(group, step, values) {
  const isProbability = step.activation?.name === "softmax";
  const low = Math.min(0, ...values);
  const span = Math.max(0, ...values) - low || 1;
  const largest = Math.max(...values.map(Math.abs)) || 1;
  const scale = scaleFor(-largest, largest);
  [...group.children].forEach((button, index) => {
    const [, bar, text] = button.children;
    const value = values[index];
    const style = { left: (Math.min(value, 0) - low) / span, width: Math.abs(value) / span };
    bar.style.setProperty("--zero", `${(100 * -low) / span}%`);
    Object.assign(bar.firstElementChild.style, {
      left: `${100 * style.left}%`,
      width: `${100 * style.width}%`,
      background: isProbability ? "var(--accent)" : css(scale, value),
    });
    text.textContent = isProbability ? percent(value) : number(value);
    button.setAttribute("aria-label", say("answer_label", { name: unitName(step, index), value: text.textContent }));
  });
}
