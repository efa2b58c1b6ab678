// The image: drawn on, erased, inverted, cleared, given back, or replaced by a picture from disk.

import { imageChannels, imageHeight, imageWidth, images, obstacle, range, steps } from "./data.js";
import { element, markChosen, moveAmong } from "./dom.js";
import { paintImage } from "./paint.js";
import { number, say } from "./text.js";
import { addView, change, currentImage, state } from "./state.js";
import { className } from "./data.js";

const brush = { erases: false, radius: Math.max(imageHeight, imageWidth) / 22 };

// Tells every part of the page that the current image has changed.
export function imageChanged(image) {
  image.stale = true;
  change({}, "values");
}

// Draws a stroke between two points, in pixels of the image; the brush has a soft edge.
export function stroke(image, from, to, { erases, radius } = brush) {
  const target = erases ? range.black : range.white;
  const [top, bottom] = [from, to].map(({ y }) => y).toSorted((a, b) => a - b);
  const [left, right] = [from, to].map(({ x }) => x).toSorted((a, b) => a - b);
  for (let y = Math.max(0, Math.floor(top - radius - 1)); y < Math.min(imageHeight, bottom + radius + 1); y++) {
    for (let x = Math.max(0, Math.floor(left - radius - 1)); x < Math.min(imageWidth, right + radius + 1); x++) {
      const covered = Math.min(Math.max(radius + 0.5 - distance(x + 0.5, y + 0.5, from, to), 0), 1);
      for (let channel = 0; channel < imageChannels && covered > 0; channel++) {
        const at = (y * imageWidth + x) * imageChannels + channel;
        image.pixels[at] += covered * (target[channel] - image.pixels[at]);
      }
    }
  }
  image.changed = true;
  imageChanged(image);
}

function distance(x, y, from, to) {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = dx * dx + dy * dy;
  const along = length ? Math.min(Math.max(((x - from.x) * dx + (y - from.y) * dy) / length, 0), 1) : 0;
  return Math.hypot(x - from.x - along * dx, y - from.y - along * dy);
}

// Replaces the pixels of the current image by a function of (pixel, place, channel).
function refill(compute, changed = true) {
  const image = currentImage();
  image.pixels.forEach((pixel, place) => (image.pixels[place] = compute(pixel, place, place % imageChannels)));
  image.changed = changed;
  imageChanged(image);
}

const actions = {
  clear: () => refill((pixel, place, channel) => range.black[channel]),
  invert: () => refill((pixel, place, channel) => range.black[channel] + range.white[channel] - pixel),
  reset: () => refill((pixel, place) => currentImage().original[place], false),
};

export function mountDrawing(parent, others) {
  const canvas = element("canvas", { class: "paper", role: "img", tabindex: "-1" });
  const drop = element("div", { class: "paper-box" }, canvas, element("span", { class: "drop-hint" }, say("drop")));
  const gallery = element("div", { class: "gallery", role: "radiogroup", "aria-label": say("images") });
  const thumbs = images.map((image) => thumbnail(image, gallery));
  moveAmong(gallery, (index) => change({ image: index }));
  const why = element("p", { class: "notice", role: "note" });
  const tools = toolbar();
  parent.append(drop, tools, why);
  others.append(element("h3", {}, say("images")), gallery);
  listenToPointer(canvas);
  listenToFiles(drop);

  addView((names) => {
    if (["image", "values", "epoch"].some((name) => names.has(name))) {
      const image = currentImage();
      paintImage(canvas, image.pixels, steps[0].shape, range);
      paintImage(thumbs[state.image], image.pixels, steps[0].shape, range);
      canvas.setAttribute("aria-label", imageName(image));
      const reason = whyNot();
      why.textContent = reason ?? "";
      why.hidden = reason === null;
      tools.querySelectorAll("button, input").forEach((control) => (control.disabled = reason !== null));
      drop.classList.toggle("locked", reason !== null);
    }
    if (names.has("image")) markChosen(gallery, state.image, "aria-checked");
  });
}

export function imageName(image) {
  return image.label === null ? say("image_number", { index: image.index + 1 }) : className(image.label);
}

function whyNot() {
  if (obstacle) return say("no_drawing_layer", { name: obstacle.name, reason: say(`reason_${obstacle.reason}`) });
  return state.epoch === null ? null : say("no_drawing_epoch");
}

function thumbnail(image, gallery) {
  const canvas = element("canvas", { "aria-hidden": "true" });
  paintImage(canvas, image.pixels, steps[0].shape, range);
  const name = imageName(image);
  gallery.append(
    element(
      "button",
      { type: "button", role: "radio", "data-index": image.index, "aria-label": name, title: name, onclick: () => change({ image: image.index }) },
      canvas,
    ),
  );
  return canvas;
}

function toolbar() {
  const modes = [false, true].map((erases) =>
    element("button", { type: "button", "aria-pressed": String(!erases), onclick: () => choose(erases) }, say(erases ? "erase" : "draw")),
  );
  function choose(erases) {
    brush.erases = erases;
    modes.forEach((mode, index) => mode.setAttribute("aria-pressed", String(Boolean(index) === erases)));
  }
  const largest = Math.max(imageHeight, imageWidth) / 6;
  const size = element("input", {
    type: "range", min: 0.5, max: largest, step: "any", value: brush.radius, "aria-label": say("brush"),
    oninput: (event) => {
      brush.radius = Number(event.target.value);
      event.target.setAttribute("aria-valuetext", say("brush_pixels", { size: number(2 * brush.radius) }));
    },
  });
  const file = element("input", { type: "file", accept: "image/*", class: "spoken", tabindex: "-1", "aria-label": say("open"), onchange: () => readFile(file.files[0]) });
  const doing = Object.entries(actions).map(([name, run]) => element("button", { type: "button", onclick: run, title: say(`${name}_title`) }, say(name)));
  return element(
    "div",
    { class: "tools", role: "toolbar", "aria-label": say("tools") },
    element("div", { class: "switch" }, ...modes),
    element("label", { class: "brush" }, element("span", {}, say("brush")), size),
    element("div", { class: "doing" }, ...doing, element("button", { type: "button", onclick: () => file.click(), title: say("open_title") }, say("open")), file),
  );
}

function listenToPointer(canvas) {
  let last = null;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * imageWidth, y: ((event.clientY - box.top) / box.height) * imageHeight };
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (whyNot() !== null || event.button > 0) return;
    canvas.setPointerCapture(event.pointerId);
    last = place(event);
    stroke(currentImage(), last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (last === null) return;
    // All points since the last frame, so that a quick hand draws a round line.
    for (const each of event.getCoalescedEvents?.() ?? [event]) {
      const next = place(each);
      stroke(currentImage(), last, next);
      last = next;
    }
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (last = null));
}

function listenToFiles(box) {
  for (const name of ["dragenter", "dragover"]) {
    box.addEventListener(name, (event) => {
      event.preventDefault();
      box.classList.add("dropping");
    });
  }
  for (const name of ["dragleave", "drop"]) box.addEventListener(name, () => box.classList.remove("dropping"));
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) readFile(event.dataTransfer.files[0]);
  });
}

// Puts a picture in place of the current image: its middle square, or what has the image's proportions.
export async function readFile(file) {
  if (whyNot() !== null || !file) return;
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    document.getElementById("said").textContent = say("no_picture", { name: file.name });
    return;
  }
  const canvas = element("canvas", { width: imageWidth, height: imageHeight });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.fillRect(0, 0, imageWidth, imageHeight);
  const zoom = Math.max(imageWidth / picture.width, imageHeight / picture.height);
  const [width, height] = [picture.width * zoom, picture.height * zoom];
  context.drawImage(picture, (imageWidth - width) / 2, (imageHeight - height) / 2, width, height);
  const { data } = context.getImageData(0, 0, imageWidth, imageHeight);
  refill((_, place, channel) => {
    const [red, green, blue] = data.subarray(4 * Math.floor(place / imageChannels));
    // Grey as Pillow makes it (ITU-R 601-2).
    const part = imageChannels === 3 ? [red, green, blue][channel] : 0.299 * red + 0.587 * green + 0.114 * blue;
    return range.black[channel] + ((range.white[channel] - range.black[channel]) * part) / 255;
  });
}
