"use strict";
// What is looked at, as the part of the address behind `#`: every view of the page has a link.
const PAGES = ["overview", "samples", "charts"];
const FILTERS = ["task", "status", "tone", "pair", "class", "as", "group", "q"];
const state = { page: "overview", a: 0, b: 1, sort: "", open: "", theme: "" };

function readState() {
  const text = location.hash.slice(1);
  const [page, rest] = [text.split("&")[0], text.includes("&") ? text.slice(text.indexOf("&") + 1) : ""];
  const told = new URLSearchParams(rest);
  state.page = PAGES.includes(page) ? page : "overview";
  for (const key of FILTERS) state[key] = told.get(key) || "";
  state.sort = told.get("sort") || "";
  state.open = told.get("open") || "";
  state.theme = ["light", "dark"].includes(told.get("theme")) ? told.get("theme") : "";
  const runs = lammView.data.runs.length;
  const run = (key, usual) => Math.min(Math.max(parseInt(told.get(key) ?? usual, 10) || 0, 0), runs - 1);
  state.a = run("a", 0);
  state.b = run("b", 1);
}

function linkOf(change = {}) {
  const now = { ...state, ...change };
  const told = new URLSearchParams();
  if (now.a !== 0) told.set("a", now.a);
  if (now.b !== 1 && lammView.data.runs.length > 1) told.set("b", now.b);
  for (const key of [...FILTERS, "sort", "open", "theme"]) if (now[key]) told.set(key, now[key]);
  const rest = told.toString();
  return `#${now.page}${rest ? `&${rest}` : ""}`;
}

// Changes what is looked at. `quietly` leaves no entry to go back to: for typing, and for walking from sample to sample.
function go(change, quietly = false) {
  const link = linkOf(change);
  if (link === location.hash) return;
  if (quietly) {
    history.replaceState(null, "", link);
    lammView.show();
  } else location.hash = link; // tells `hashchange`
}

// Only what is said here is asked for: all other filters are taken away.
const only = (change) => ({ ...Object.fromEntries(FILTERS.map((key) => [key, ""])), open: "", sort: "", page: "samples", ...change });

const pairOf = () => (lammView.data.runs.length > 1 && state.a !== state.b ? [state.a, state.b] : null);
const shownRuns = () => pairOf() || [state.a];

// A link that looks at this run as A: B stays, unless it is the same one.
const leading = (run) => (run === state.b ? { a: run, b: state.a } : { a: run });
