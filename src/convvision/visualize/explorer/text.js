// What the page says, in the language it was exported in, and how it writes numbers.

const texts = JSON.parse(document.getElementById("texts").textContent);

// Gives the sentence of a key, with {names} in it filled in.
export function say(key, values = {}) {
  const text = texts[key];
  if (text === undefined) throw new Error(`No text for ${key}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

export function hasText(key) {
  return key in texts;
}

// A number as a person would write it: three digits that matter, and a true minus sign.
export function number(value) {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size === 0) return "0";
  const digits = size >= 1000 || size < 0.001 ? value.toPrecision(2) : size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(size >= 1 ? 2 : 3);
  return digits.replace("-", "−").replace("e−", "e-");
}

export function whole(value) {
  return value.toLocaleString("en-US");
}

export function percent(value) {
  return value > 0.9995 ? "100 %" : value < 0.0005 ? "0 %" : `${(100 * value).toFixed(value < 0.0995 ? 1 : 0)} %`;
}

export function size(shape) {
  return shape.join(" × ");
}
