// Lets the window slide over the layer below, and the map appear behind it, as the layer computes it.

import { element } from "./dom.js";
import { say } from "./text.js";
import { addView, change, currentStep, state } from "./state.js";

// However large a map is, it is filled in so many milliseconds.
const DURATION = 9000;
const TICK = 40;

export function slideButton() {
  let timer = null;
  const button = element("button", { type: "button", class: "quiet", onclick: () => (timer === null ? start() : stop()) });
  label();

  function label() {
    button.textContent = timer === null ? `▶ ${say("slide")}` : `◼ ${say("slide_stop")}`;
  }

  function start() {
    change({ row: 0, column: 0, sliding: true });
    timer = setInterval(advance, TICK);
    label();
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    change({ sliding: false });
    label();
  }

  function advance() {
    const [rows, columns] = currentStep().shape;
    const pace = Math.max(1, Math.round((rows * columns * TICK) / DURATION));
    const next = state.row * columns + state.column + pace;
    if (next >= rows * columns) return stop();
    change({ row: Math.floor(next / columns), column: next % columns });
  }

  addView((names) => {
    if (names.has("step")) {
      if (timer !== null) stop();
      button.hidden = !currentStep().options.kernel;
    }
    if (names.has("epoch") && timer !== null) stop();
  });
  return button;
}

// Clears the cells of a map that the window has not come to yet.
export function hideAhead(canvas, [rows, columns]) {
  if (!state.sliding) return;
  const context = canvas.getContext("2d");
  context.clearRect(state.column + 1, state.row, columns, 1);
  context.clearRect(0, state.row + 1, columns, rows);
}
