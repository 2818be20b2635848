// What the whole page shares: its data, names of elements, swatches, tables that can be sorted.
"use strict";

const byId = id => document.getElementById(id);
const data = JSON.parse(byId("page-data").textContent);
const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function drawn(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const known = value => value !== null && value !== undefined;
const number = (value, digits = 1) => (known(value) ? value.toFixed(digits) : "–");

// A score and its interval in words; a point is [value] or [value, low, high].
function inWords(point, digits = 1) {
  if (!point || !known(point[0])) return "–";
  const ends = known(point[1])
    ? ` (${number(point[1], digits)} to ${number(point[2], digits)})`
    : "";
  return number(point[0], digits) + ends;
}

const night = matchMedia("(prefers-color-scheme: dark)");
const shade = style => (night.matches ? style.night : style.colour);

// How a network or an attack is drawn: a line of its colour and dashes, its mark in the middle.
function swatch(style) {
  const line = { x1: 0, y1: 8, x2: 36, y2: 8, stroke: "currentColor", "stroke-width": 2.5 };
  if (style.dashes.length) line["stroke-dasharray"] = style.dashes.map(one => 2.5 * one).join(" ");
  const mark = { d: style.mark, fill: "currentColor", transform: "translate(18 8) scale(5)" };
  const box = {
    class: "swatch",
    viewBox: "0 0 36 16",
    width: 36,
    height: 16,
    "aria-hidden": "true",
    style: `--day: ${style.colour}; --night: ${style.night}`,
  };
  return drawn("svg", box, drawn("line", line), drawn("path", mark));
}

function fill(select, names, labels = names) {
  const kept = select.value;
  select.replaceChildren(...names.map((name, i) => new Option(labels[i], name)));
  if (names.map(String).includes(kept)) select.value = kept;
}

// Rows of a table by the cells of a column; a dash is always last.
function sortRows(table, column, up) {
  const value = row => {
    const cell = row.cells[column],
      text = (cell.dataset.value ?? cell.textContent).trim();
    return /^[-+]?[\d.]+( ±.*)?$/.test(text) ? parseFloat(text) : text;
  };
  const rank = one => (one === "–" || one === "" ? 2 : typeof one === "string" ? 1 : 0);
  const rows = [...table.tBodies[0].rows].map(row => [value(row), row]);
  const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b));
  rows.sort(([a], [b]) => rank(a) - rank(b) || (rank(a) < 2 ? (up ? 1 : -1) * compare(a, b) : 0));
  table.tBodies[0].append(...rows.map(([, row]) => row));
}

function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) =>
    head.querySelector("button")?.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      sortRows(table, column, up);
    }),
  );
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
document.querySelectorAll("svg[data-swatch]").forEach(place => {
  place.replaceWith(swatch(data.networks.find(one => one.name === place.dataset.swatch)));
});

// Tells of a table that is wider than its place that it goes on.
function tellWidths() {
  for (const box of document.querySelectorAll(".wide"))
    box.classList.toggle("goes-on", box.scrollWidth > box.clientWidth);
}
addEventListener("resize", tellWidths);
const widths = new ResizeObserver(tellWidths);
document.querySelectorAll(".wide > table").forEach(table => widths.observe(table));

byId("filter")?.addEventListener("change", event => {
  for (const row of document.querySelectorAll("#all-scores tbody tr")) {
    row.hidden = event.target.value && row.dataset.network !== event.target.value;
  }
});
