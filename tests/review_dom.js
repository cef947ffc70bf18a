// Runs the scripts of a review page in a page of stubs, as a browser would, presses keys, and prints what was decided and saved.
"use strict";
const vm = require("vm");
const { scripts, data, cards, keys } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const listeners = {};
const saved = [];

function element(extra = {}) {
  return {
    dataset: {}, classList: { add() {}, remove() {}, toggle() {} }, textContent: "", hidden: false, value: "", checked: true,
    addEventListener(name, what) { this[`on${name}`] = what; }, querySelectorAll: () => [], querySelector: () => element(), scrollIntoView() {}, ...extra,
  };
}

const shown = cards.map((card) => {
  const pill = element();
  const buttons = ["accept", "reject"].map((said) => element({ dataset: { say: said } }));
  return element({ dataset: { ...card }, querySelector: () => pill, querySelectorAll: () => buttons, pill, buttons });
});
const ids = { clouds: element({ textContent: data.clouds }), review: element({ textContent: data.review }) };
for (const id of ["by-task", "by-status", "show-truth", "show-said", "count", "none", "decided", "save"]) ids[id] = element();
const context = vm.createContext({
  JSON, Map, Uint8Array, Float32Array, Math, Object, console,
  localStorage: { getItem: (key) => context.kept?.[key] ?? null, setItem: (key, value) => { context.kept = { ...context.kept, [key]: value }; } },
  IntersectionObserver: class { observe() {} },
  URL: { createObjectURL: (blob) => { saved.push(blob.text); return "blob:"; }, revokeObjectURL() {} },
  Blob: class { constructor(parts) { this.text = parts.join(""); } },
  document: {
    body: element(),
    getElementById: (id) => ids[id],
    querySelectorAll: (what) => (what.startsWith(".card") && !what.includes("figure") ? shown : []),
    createElement: () => element({ click() {} }),
    addEventListener: (name, what) => { listeners[name] = what; },
  },
});
for (const script of scripts) vm.runInContext(script, context);
for (const key of keys) listeners.keydown({ key, target: { tagName: "BODY" }, preventDefault() {} });
console.log(JSON.stringify({ decisions: shown.map((card) => card.dataset.decision), saved, told: ids.decided.textContent, kept: context.kept ?? null }));
