// Painting numbers onto canvases, a pixel a number.

import { css, level, scaleFor } from "./colours.js";

// A short vector, such as the classes, is shown as bars, a longer one as a grid of colours.
export function isShort(step) {
  return !step.isMap && step.length <= 20;
}

// Paints one channel of flat values (rows × columns × channels) onto a canvas.
export function paint(canvas, values, [rows, columns, channels], channel, scale) {
  if (canvas.width !== columns || canvas.height !== rows) Object.assign(canvas, { width: columns, height: rows });
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(columns, rows);
  for (let i = 0; i < rows * columns; i++) {
    const at = 4 * level(scale, values[i * channels + channel]);
    for (let part = 0; part < 4; part++) pixels.data[4 * i + part] = scale.colours[at + part];
  }
  context.putImageData(pixels, 0, 0);
}

// Paints several channels beside and beneath each other, in one go.
export function paintMosaic(canvas, values, [rows, columns, channels], scale, most = 64) {
  const shown = Math.min(channels, most);
  const across = Math.ceil(Math.sqrt(shown));
  const gap = columns > 8 ? 2 : 1;
  const width = across * (columns + gap) - gap;
  const height = Math.ceil(shown / across) * (rows + gap) - gap;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  const data = new Uint32Array(pixels.data.buffer);
  const colours = new Uint32Array(scale.colours.buffer);
  for (let channel = 0; channel < shown; channel++) {
    const top = Math.floor(channel / across) * (rows + gap);
    const left = (channel % across) * (columns + gap);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const value = values[(row * columns + column) * channels + channel];
        data[(top + row) * width + left + column] = colours[level(scale, value)];
      }
    }
  }
  context.putImageData(pixels, 0, 0);
}

// Paints an image, grey or in colour, from black to white.
export function paintImage(canvas, pixels, [rows, columns, channels], { black, white }) {
  if (canvas.width !== columns || canvas.height !== rows) Object.assign(canvas, { width: columns, height: rows });
  const context = canvas.getContext("2d");
  const painted = context.createImageData(columns, rows);
  for (let i = 0; i < rows * columns; i++) {
    for (let part = 0; part < 3; part++) {
      const channel = channels === 3 ? part : 0;
      painted.data[4 * i + part] =
        (255 * (pixels[i * channels + channel] - black[channel])) / (white[channel] - black[channel]);
    }
    painted.data[4 * i + 3] = 255;
  }
  context.putImageData(painted, 0, 0);
}

// A short vector, such as the classes, as bars from zero.
export function paintBars(canvas, values) {
  const side = 120;
  Object.assign(canvas, { width: side, height: side });
  const context = canvas.getContext("2d");
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values, low + 1e-6);
  const width = side / values.length;
  const scale = scaleFor(low, high);
  const zero = (side - 8) * (high / (high - low)) + 4;
  const style = getComputedStyle(document.documentElement);
  const largest = values.indexOf(Math.max(...values));
  values.forEach((value, index) => {
    const top = zero - ((side - 8) * value) / (high - low);
    context.fillStyle = scale.signed ? css(scale, value) : style.getPropertyValue(index === largest ? "--accent" : "--bar");
    context.fillRect(index * width + 1, Math.min(top, zero) - 1, width - 2, Math.abs(zero - top) + 2);
  });
}
