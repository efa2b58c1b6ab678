// Making elements, laying frames over canvases, and moving with arrow keys.

// Makes an element; `attributes` are set, those that begin with "on" listen, and children are appended.
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function fill(parent, ...children) {
  parent.replaceChildren(...children.filter((child) => child !== null && child !== undefined));
  return parent;
}

// Lays a frame over a canvas, around cells of its grid; null hides it.
export function placeFrame(frame, box, rows, columns) {
  frame.hidden = box === null;
  if (box === null) return;
  frame.style.top = `${(100 * box.top) / rows}%`;
  frame.style.left = `${(100 * box.left) / columns}%`;
  frame.style.height = `${(100 * (box.bottom - box.top)) / rows}%`;
  frame.style.width = `${(100 * (box.right - box.left)) / columns}%`;
}

// Tells which cell of a canvas's grid a pointer is on.
export function cellAt(canvas, event, rows, columns) {
  const box = canvas.getBoundingClientRect();
  const place = (offset, length, count) => Math.min(Math.max(Math.floor((offset / length) * count), 0), count - 1);
  return {
    row: place(event.clientY - box.top, box.height, rows),
    column: place(event.clientX - box.left, box.width, columns),
  };
}

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

// Gives the (row, column) move of an arrow key; null for another key.
export function arrow(event) {
  return event.ctrlKey || event.metaKey || event.altKey ? null : (STEPS[event.key] ?? null);
}

// Lets arrow keys, Home and End move among the buttons of a group, of which one is in the tab order.
export function moveAmong(group, choose) {
  group.addEventListener("keydown", (event) => {
    const buttons = [...group.querySelectorAll("button:not(:disabled)")];
    const at = buttons.indexOf(document.activeElement);
    if (at < 0) return;
    const perRow = buttons.filter((button) => button.offsetTop === buttons[0].offsetTop).length;
    const move = arrow(event);
    const to = { Home: 0, End: buttons.length - 1 }[event.key] ?? (move ? at + move[1] + move[0] * perRow : null);
    if (to === null) return;
    event.preventDefault();
    const button = buttons[Math.min(Math.max(to, 0), buttons.length - 1)];
    choose(Number(button.dataset.index));
    button.focus();
  });
}

// Marks the chosen button of such a group.
export function markChosen(group, index, attribute) {
  for (const button of group.querySelectorAll("button[data-index]")) {
    const chosen = Number(button.dataset.index) === index;
    button.setAttribute(attribute, String(chosen));
    button.tabIndex = chosen ? 0 : -1;
  }
}
