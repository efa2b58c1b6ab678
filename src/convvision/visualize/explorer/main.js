// Puts the page together, and shows it for the first time.

import { facts, head, images, steps } from "./data.js";
import { valuesOf } from "./network.js";
import { isDark } from "./colours.js";
import { say, whole } from "./text.js";
import { change, chooseStep, lastRender, liveliestChannel, settled, shownValues, state, strongestUnit } from "./state.js";
import { mountStrip } from "./strip.js";
import { mountChannels } from "./channels.js";
import { mountArithmetic } from "./arithmetic.js";
import { mountStage } from "./stage.js";
import { mountPrediction } from "./prediction.js";
import { mountDrawing, stroke } from "./drawing.js";
import { mountCompare } from "./compare.js";
import { mountEpochs } from "./epochs.js";

const place = (id) => document.getElementById(id);

place("lede").textContent = say("lede", {
  name: facts.model.name,
  parameters: whole(facts.model.parameters),
  steps: steps.length - 1,
});
place("skip").textContent = say("skip");
place("foot").textContent = say("foot");
for (const [id, key] of [["subject", "subject"], ["sight", "network"], ["layer", "layer"]]) place(id).setAttribute("aria-label", say(key));

function showTheme() {
  place("theme").textContent = say(isDark() ? "theme_light" : "theme_dark");
  change({}, "theme");
}
place("theme").addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  showTheme();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTheme);

mountDrawing(place("drawing"), place("images"));
mountPrediction(place("prediction"));
mountEpochs(place("epochs"));
mountStrip(place("network"));
mountChannels(place("channels"));
mountStage(place("unit"));
mountArithmetic(place("unit"));
mountCompare(place("compare"));

const first = steps[state.step];
const channel = first.isMap ? liveliestChannel(first) : 0;
Object.assign(state, { channel, ...strongestUnit(first, channel) });
change({}, "image", "step", "channel", "epoch", "values", "scale");
showTheme();

// For tests and for the curious in the console.
window.convvision = {
  // What the network gives for an image before its softmax.
  logits: (index) => (head ? Array.from(valuesOf(images[index])[head.logits.index]) : null),
  // What a step makes of the current image, flat, as it is shown: rows × columns × channels.
  values: (name) => Array.from(shownValues(steps.find((step) => step.name === name)) ?? []),
  // Chooses a step by its name.
  choose: (name) => chooseStep(steps.findIndex((step) => step.name === name)),
  // Draws between two points of the current image, in its pixels.
  stroke: (from, to, brush) => stroke(images[state.image], from, to, brush),
  // Promises that everything that was asked for is shown.
  settled,
  // Milliseconds of the last frame: the forward pass and all that was repainted.
  timing: () => ({ frame: lastRender.milliseconds, forward: images[state.image].milliseconds }),
  state,
  steps: steps.map(({ name, op, shape }) => ({ name, op, shape })),
};
document.documentElement.dataset.ready = "true";
