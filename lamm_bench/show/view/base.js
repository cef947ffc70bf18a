"use strict";
// Small tools. Text reaches the document through `el` alone, which never reads it as markup.
const lammView = {};
const SVG = "http://www.w3.org/2000/svg";
const TONES = { right: "✓", partly: "◐", wrong: "✗", read: "·", "": "–" };
const WORDS = { right: "right", partly: "partly right", wrong: "wrong", read: "read", "": "no answer" };
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

// el("b.name", { title: "x", onclick: f }, "text", child, ...): an element; children that are null or false are left out
function el(name, given = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  return furnish(document.createElement(tag), classes, given, children);
}

// the same for drawings
function svg(name, given = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  return furnish(document.createElementNS(SVG, tag), classes, given, children);
}

function furnish(made, classes, given, children) {
  if (classes.length) made.setAttribute("class", classes.join(" "));
  for (const [key, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children.flat(9)) {
    if (child === null || child === undefined || child === false) continue;
    made.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return made;
}

function put(place, ...children) {
  place.replaceChildren(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return place;
}

const byId = (id) => document.getElementById(id);

// A number as tables show it; a dash where there is none.
function figure(value, digits = 2) {
  if (value === null || value === undefined) return "–";
  if (Number.isInteger(value)) return value.toLocaleString("en");
  return decimal(value, digits);
}

// With as many digits always, so that a column can be compared; one more where it is small.
function decimal(value, digits = 2) {
  if (value === null || value === undefined) return "–";
  const small = Math.abs(value) < 0.1 && Math.abs(value) >= 0.0005;
  return (Math.abs(value) < 0.0005 ? 0 : value).toFixed(small ? Math.max(digits, 3) : digits);
}

const count = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;

// The letter by which a run is called where two stand side by side.
const letterOf = (run) => (run < 26 ? LETTERS[run] : `R${run + 1}`);

// Runs a function once the user pauses.
function later(wait, what) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => what(...given), wait);
  };
}

function verdict(status, tone) {
  if (status === "ok") return el(`span.tone.${tone || "none"}`, { title: WORDS[tone] }, `${TONES[tone]} ${WORDS[tone]}`);
  return el(`span.tone.${tone || "none"}`, { title: `${status}: ${WORDS[tone]}` }, `${TONES[tone]} ${status || "not asked"}`);
}
