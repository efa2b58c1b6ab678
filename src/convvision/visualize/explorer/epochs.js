// The slider through the epochs of a recorded training; its last place is the network as it is, live.

import { facts, images, steps } from "./data.js";
import { element } from "./dom.js";
import { say } from "./text.js";
import { addView, change, state } from "./state.js";

export function mountEpochs(parent) {
  const { recording } = facts;
  if (!recording) return parent.remove();
  const last = recording.epochs.length;
  const now = element("output", {}, say("epoch_now"));
  const slider = element("input", {
    type: "range", min: 0, max: last, step: 1, value: last, id: "epoch", "aria-valuetext": say("epoch_now"),
    oninput: () => go(Number(slider.value)),
  });
  const note = element("p", { class: "hint" });
  parent.append(element("label", { for: "epoch" }, say("epochs")), slider, now, note);

  function go(place) {
    const epoch = place === last ? null : place;
    // What was recorded are some images alone.
    const image = epoch === null || recording.images.includes(state.image) ? state.image : recording.images[0];
    change({ epoch, image });
  }

  addView((names) => {
    if (!names.has("epoch")) return;
    const text = nameOf(recording.epochs[state.epoch]);
    now.textContent = text;
    slider.setAttribute("aria-valuetext", text);
    const layers = recording.layers.map((layer) => steps[layer.step].name).join(", ");
    note.textContent = state.epoch === null ? "" : say("epoch_note", { layers, count: recording.images.length, all: images.length });
  });
}

// Names a moment by the epochs that are behind it; undefined is now.
function nameOf(epoch) {
  if (epoch === undefined) return say("epoch_now");
  return epoch === 0 ? say("epoch_before") : say("epoch", { epoch });
}
