// What the page holds: the network's steps with their weights, the images, and what was recorded.

export const facts = JSON.parse(document.getElementById("facts").textContent);

const bytes = decode(document.getElementById("blocks").textContent.trim());

function decode(text) {
  const letters = atob(text);
  const decoded = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) decoded[i] = letters.charCodeAt(i);
  return decoded;
}

// Gives the array that Blocks.add has put into the block of bytes.
export function read({ type, at, shape }) {
  const length = shape.reduce((product, side) => product * side, 1);
  return type === "uint8" ? new Uint8Array(bytes.buffer, at, length) : new Float32Array(bytes.buffer, at, length);
}

export const steps = facts.steps.map((step, index) => ({
  ...step,
  index,
  length: step.shape.reduce((product, side) => product * side, 1),
  isMap: step.shape.length === 3,
  weights: Object.fromEntries(Object.entries(step.weights).map(([name, where]) => [name, read(where)])),
  kernelShape: step.weights.kernel ? step.weights.kernel.shape : null,
  recorded: step.values ? read(step.values) : null,
}));

// Why the image cannot be changed: the first step that the page cannot compute.
export const obstacle = steps.find((step) => step.recorded) ?? null;

export const [imageHeight, imageWidth, imageChannels] = steps[0].shape;

const { stored, scale, shift, black, white } = facts.pixels;
export const range = { black, white };

export const images = unpack();

function unpack() {
  const [count] = stored.shape;
  const all = read(stored);
  const length = imageHeight * imageWidth * imageChannels;
  return Array.from({ length: count }, (_, index) => {
    const original = new Float32Array(length);
    for (let i = 0; i < length; i++) {
      const channel = i % imageChannels;
      original[i] = all[index * length + i] * scale[channel] + shift[channel];
    }
    return { index, original, pixels: original.slice(), label: facts.labels?.[index] ?? null, changed: false };
  });
}

export function className(index) {
  return facts.classes?.[index] ?? String(index);
}

// The output that names classes, the logits behind it, and how these become probabilities: null where there is none. A
// single number tells class 1 from class 0.
export const head = findHead();

function findHead() {
  const output = facts.outputs.map((index) => steps[index]).find((step) => step.shape.length === 1);
  if (!output) return null;
  let last = output;
  while (last.op === "identity" && last.inputs.length) last = steps[last.inputs[0]];
  const isSoftmax = last.op === "activation" && last.activation.name === "softmax";
  const isSquashed = last.activation?.name === "sigmoid";
  const isBinary = output.length === 1;
  const classes = isBinary ? 2 : output.length;
  const logits = isSoftmax ? steps[last.inputs[0]] : last;
  return { output, logits, classes, isSoftmax, isBinary, isSquashed, isSigmoid: isSquashed || isBinary };
}
