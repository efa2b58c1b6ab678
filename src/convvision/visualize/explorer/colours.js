// Colours of numbers. Lightness rises evenly with the number; where numbers have a sign, zero is the paper's colour.

// Seventeen stops of Matplotlib's inferno (CC0), and of its RdBu and berlin for light and dark paper.
const INFERNO =
  "000004 0b0724 210c4a 3d0965 57106e 71196e 8a226a a32c61 bc3754 d24644 e45a31 f1731d f98e09 fcac11 f9cb35 f2ea69 fcffa4";
const SIGNED = {
  light: "053061 2065ab 4393c3 90c4dd d1e5f0 f7f6f6 fddbc7 f3a481 d6604d b1182b 67001f",
  dark: "9eb0ff 62a6e0 3280a6 20526a 112732 17130f 371000 61200b 964a36 ca7b71 ffadad",
};

// A table of 256 colours, as a canvas stores pixels: red, green, blue, opaque.
function table(stops) {
  const colours = stops.split(" ").map((stop) => [0, 2, 4].map((at) => parseInt(stop.slice(at, at + 2), 16)));
  const filled = new Uint8ClampedArray(256 * 4);
  for (let i = 0; i < 256; i++) {
    const place = (i / 255) * (colours.length - 1);
    const below = Math.min(Math.floor(place), colours.length - 2);
    for (let part = 0; part < 3; part++) {
      const [from, to] = [colours[below][part], colours[below + 1][part]];
      filled[4 * i + part] = from + (to - from) * (place - below);
    }
    filled[4 * i + 3] = 255;
  }
  return filled;
}

const GREY = table("000000 ffffff");
const TABLES = { inferno: table(INFERNO), light: table(SIGNED.light), dark: table(SIGNED.dark), grey: GREY };

export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

// A scale from a range of numbers: from 0 up in inferno, or both ways from 0 where there are negative ones.
export function scaleFor(low, high) {
  const span = Math.max(Math.abs(low), Math.abs(high)) || 1;
  return low < 0
    ? { low: -span, high: span, colours: TABLES[isDark() ? "dark" : "light"], signed: true }
    : { low: 0, high: span, colours: TABLES.inferno, signed: false };
}

export function greyScale(low, high) {
  return { low, high, colours: TABLES.grey, signed: false };
}

// Position in a scale's table, from 0 to 255.
export function level(scale, value) {
  const place = ((value - scale.low) / (scale.high - scale.low)) * 255;
  return place <= 0 || Number.isNaN(place) ? 0 : place >= 255 ? 255 : Math.round(place);
}

export function css(scale, value) {
  const at = 4 * level(scale, value);
  return `rgb(${scale.colours[at]} ${scale.colours[at + 1]} ${scale.colours[at + 2]})`;
}

// The colour of text on a number's colour: black or white, of which one always has the contrast of 4.5 that WCAG 2 asks for.
export function inkOn(scale, value) {
  const at = 4 * level(scale, value);
  const [red, green, blue] = [...scale.colours.subarray(at, at + 3)].map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  // Where (luminance + 0.05) / 0.05 = 1.05 / (luminance + 0.05).
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
}

export function gradient(scale) {
  const stops = Array.from({ length: 17 }, (_, i) => css(scale, scale.low + ((scale.high - scale.low) * i) / 16));
  return `linear-gradient(to right, ${stops.join(", ")})`;
}
