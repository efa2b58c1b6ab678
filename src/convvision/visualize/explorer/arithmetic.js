// Shows the arithmetic of the chosen unit, and keeps the keyboard where it was when the numbers change.

import { element, fill, moveAmong } from "./dom.js";
import { number, say } from "./text.js";
import { addView, chosenPlace, currentStep, shownValues, state } from "./state.js";
import { explain } from "./unit.js";
import { placeName } from "./stage.js";

export function mountArithmetic(parent) {
  const value = element("output", { class: "unit-value" });
  const name = element("span", {});
  const parts = element("div", { class: "parts" });
  parent.append(element("h3", { class: "unit-head" }, name, value), parts);

  addView(() => {
    const step = currentStep();
    const values = shownValues(step);
    name.textContent = step.isMap
      ? say("unit_in_channel", { name: step.name, channel: state.channel, place: placeName(step) })
      : say("unit_of", { name: step.name, place: placeName(step) });
    value.textContent = values === null ? "" : number(values[chosenPlace()]);
    const hadFocus = parts.contains(document.activeElement);
    fill(parts, ...(values === null ? [] : explain().filter(Boolean)));
    const group = parts.querySelector(".columns");
    if (group) moveAmong(group, (index) => group.children[index].click());
    if (hadFocus) parts.querySelector('.columns [aria-checked="true"]')?.focus();
  });
}

