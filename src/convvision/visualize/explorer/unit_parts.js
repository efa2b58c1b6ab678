// Pieces of the arithmetic: numbered parts, matrices of coloured numbers, equations, and bars.

import { css, inkOn, scaleFor } from "./colours.js";
import { element } from "./dom.js";
import { number } from "./text.js";

export function part(title, ...children) {
  return element("div", { class: "part" }, element("h4", {}, title), ...children);
}

// A small matrix; cells that are null lie on padding. Numbers that share a meaning share a scale.
export function matrix(title, cells, columns, scale) {
  const big = cells.length > 49;
  const grid = element("div", { class: big ? "cells big" : "cells", style: `--columns: ${columns}` });
  for (const value of cells) {
    const shown = value ?? 0;
    const style = `background: ${css(scale, shown)}; color: ${inkOn(scale, shown)}`;
    const name = value === null ? "padding" : null;
    grid.append(element("span", { style: name ? null : style, class: name, title: number(shown) }, big ? "" : number(shown)));
  }
  return element("figure", { class: "matrix" }, grid, element("figcaption", {}, title));
}

export function sign(text) {
  return element("span", { class: "sign", "aria-hidden": "true" }, text);
}

// An equation from terms: strings are signs, the others [label, value].
export function equation(...terms) {
  const row = element("p", { class: "equation" });
  for (const term of terms.filter(Boolean)) {
    if (typeof term === "string") {
      row.append(element("span", { class: "sign" }, term));
    } else {
      const [label, value, isResult] = term;
      row.append(
        element(
          "span",
          { class: isResult ? "term result" : "term" },
          element("b", {}, typeof value === "number" ? number(value) : value),
          element("small", {}, label),
        ),
      );
    }
  }
  return row;
}

// Bars side by side from zero, up or down, each a button.
export function columns(label, values, chosen, names, choose) {
  const largest = Math.max(...values.map(Math.abs)) || 1;
  const scale = scaleFor(-largest, largest);
  const low = Math.min(0, ...values);
  const span = Math.max(0, ...values) - low || 1;
  const group = element("div", { class: "columns", role: "radiogroup", "aria-label": label });
  values.forEach((value, index) => {
    const bottom = (100 * (Math.min(value, 0) - low)) / span;
    const style = `bottom: ${bottom}%; height: ${Math.max((100 * Math.abs(value)) / span, 0.8)}%; background: ${css(scale, value)}`;
    group.append(
      element(
        "button",
        {
          type: "button",
          role: "radio",
          "data-index": index,
          "aria-checked": String(index === chosen),
          tabindex: index === chosen ? 0 : -1,
          "aria-label": `${names[index]}: ${number(value)}`,
          title: `${names[index]}: ${number(value)}`,
          onclick: () => choose(index),
        },
        element("span", { style }),
      ),
    );
  });
  group.style.setProperty("--zero", `${(100 * -low) / span}%`);
  return group;
}

// Bars beneath each other, as rows of a table: name, bar, text.
export function rows(entries) {
  const largest = Math.max(...entries.map(({ value, plain }) => (plain ? 0 : Math.abs(value)))) || 1;
  const scale = scaleFor(-largest, largest);
  const table = element("div", { class: "rows", role: "table" });
  for (const { name, value, text, detail, plain } of entries) {
    const width = plain ? 0 : (50 * Math.abs(value)) / largest;
    const style = `width: ${width}%; ${value < 0 ? "right: 50%" : "left: 50%"}; background: ${css(scale, value)}`;
    table.append(
      element(
        "div",
        { class: plain ? "row plain" : "row", role: "row" },
        element("span", { class: "row-name", role: "cell" }, name),
        element("span", { class: "row-detail", role: "cell" }, detail ?? ""),
        element("span", { class: "row-bar", role: "cell", "aria-hidden": "true" }, plain ? null : element("span", { style })),
        element("span", { class: "row-text", role: "cell" }, text ?? number(value)),
      ),
    );
  }
  return table;
}
