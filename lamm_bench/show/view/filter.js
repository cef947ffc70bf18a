"use strict";
// Which samples are asked for, and the bar of choices that says so.
const PAIRS = {
  "a>b": ["right in A, not in B", (a, b) => a === "right" && b !== "right"],
  "b>a": ["right in B, not in A", (a, b) => b === "right" && a !== "right"],
  "differ": ["A and B differ", (a, b) => a !== b],
  "both-right": ["right in both", (a, b) => a === "right" && b === "right"],
  "both-not": ["right in neither", (a, b) => a !== "right" && b !== "right"],
  "said": ["other words in A than in B", null],
};

function wanted() {
  const pair = pairOf(), [a, b] = pair || [state.a, state.a];
  const runs = shownRuns(), columns = lammView.store.blocks, size = lammView.data.rows;
  const task = lammView.data.tasks.findIndex((one) => one.name === state.task);
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const rule = pair && PAIRS[state.pair];
  const found = [], every = isLive() && lammView.data.runs.map((_, run) => run);
  for (let block = 0; block < columns.length; block++) {
    const rows = columns[block];
    if (!rows) continue;
    const [statusA, toneA, statusB, toneB] = [rows[`status${a}`], rows[`tone${a}`], rows[`status${b}`], rows[`tone${b}`]];
    for (let at = 0; at < rows.id.length; at++) {
      if (every && !every.some((run) => rows[`status${run}`][at])) continue; // not asked yet
      if (state.task && rows.task[at] !== task) continue;
      if (state.group && rows.group[at] !== state.group) continue;
      if (state.status && !runs.some((run) => rows[`status${run}`][at] === state.status)) continue;
      if (state.tone && toneA[at] !== (state.tone === "none" ? "" : state.tone)) continue;
      if (state.class && !rows.true[at].includes(state.class)) continue;
      if (state.as && !fits(rows[`as${a}`][at], statusA[at], state.as)) continue;
      if (rule) {
        if (!statusA[at] || !statusB[at]) continue;
        if (rule[1] ? !rule[1](toneA[at], toneB[at]) : rows[`said${a}`][at] === rows[`said${b}`][at]) continue;
      }
      if (words.length) {
        const text = [rows.id[at], rows.asked[at], rows.group[at], ...rows.true[at], ...runs.map((run) => rows[`said${run}`][at])].join("\n").toLowerCase();
        if (!words.every((word) => text.includes(word))) continue;
      }
      found.push(block * size + at);
    }
  }
  return sorted(found);
}

// `(unread)` and `(several)` are columns of a confusion matrix, and no classes.
function fits(said, status, asked) {
  if (asked === "(unread)") return said.length === 0;
  if (asked === "(several)") return said.length > 1;
  return said.includes(asked);
}

// By how good A is, or by how far A lies before B; files' order where they are equal.
function sorted(found) {
  if (!["worst", "best", "gap"].includes(state.sort)) return found;
  const good = (number, run) => {
    const value = cell(number, `value${run}`);
    if (value === null || value === undefined) return -Infinity;
    return taskOf(number).better === "lower" ? -value : value;
  };
  const gap = (number) => {
    const [one, other] = shownRuns().map((run) => good(number, run));
    return Number.isFinite(one) && Number.isFinite(other) ? other - one : Infinity;
  };
  const by = { worst: (n) => good(n, state.a), best: (n) => -good(n, state.a), gap };
  const keys = new Map(found.map((number) => [number, by[state.sort](number)]));
  return found.sort((one, other) => (keys.get(one) === keys.get(other) ? one - other : keys.get(one) < keys.get(other) ? -1 : 1));
}

function choice(key, label, options, title = "") {
  const made = el("select", { id: `by-${key}`, title, onchange: (event) => go({ [key]: event.target.value, open: "" }) });
  for (const [value, text] of options) made.append(el("option", { value, selected: state[key] === value }, text));
  made.value = state[key];
  return el("label.choice", {}, el("span", {}, label), made);
}

function filterBar() {
  const { tasks, runs, statuses } = lammView.data, pair = pairOf();
  const classes = classesOf();
  const type = later(180, (event) => go({ q: event.target.value, open: "" }, true));
  const chips = FILTERS.filter((key) => ["as", "group"].includes(key) && state[key]).map((key) =>
    el("button.chip", { type: "button", title: "take this filter away", onclick: () => go({ [key]: "" }) }, `${key === "as" ? "read as" : "same media"}: ${state[key]} ✕`));
  return el("form.bar", { id: "bar", role: "search", onsubmit: (event) => event.preventDefault() },
    el("input.search", { id: "search", type: "search", placeholder: matchMedia("(pointer: coarse)").matches ? "search answers" : "search  ( / )", value: state.q, oninput: type, title: "all words must stand in the question, an answer, the id or a class (first 600 characters of each)", "aria-label": "search in answers" }),
    choice("task", "task", [["", "all tasks"], ...tasks.filter((task) => task.total).map((task) => [task.name, `${task.name} (${task.total.toLocaleString("en")})`])]),
    pair && choice("pair", "A and B", [["", "any"], ...Object.entries(PAIRS).map(([key, [text]]) => [key, text])], "compares the two runs that stand side by side"),
    choice("tone", runs.length > 1 ? "A is" : "answer", [["", "any"], ["right", "✓ right"], ["partly", "◐ partly right"], ["wrong", "✗ wrong"], ["read", "· read (no share)"], ["none", "– no answer"]]),
    choice("status", "status", [["", "any"], ...statuses.map((status) => [status, status])]),
    classes.length > 1 && choice("class", "class", [["", "any"], ...classes.map((name) => [name, name])], "the true class"),
    choice("sort", "order", [["", "as in the file"], ["worst", "worst first"], ["best", "best first"], ...(pair ? [["gap", "A far before B first"]] : [])]),
    chips,
    FILTERS.some((key) => state[key]) && el("button.plain", { type: "button", id: "clear", onclick: () => go(only({})) }, "clear"));
}

// The true classes of the task that is looked at, the most frequent first.
function classesOf() {
  const task = lammView.data.tasks.findIndex((one) => one.name === state.task), often = new Map();
  if (task < 0 && !state.class) return [];
  for (const rows of lammView.store.blocks) {
    for (let at = 0; rows && at < rows.id.length; at++) {
      if (rows.task[at] === task) for (const name of rows.true[at]) often.set(name, (often.get(name) || 0) + 1);
    }
  }
  if (state.class && !often.has(state.class)) often.set(state.class, 0);
  return [...often].sort((one, other) => other[1] - one[1]).slice(0, 300).map(([name]) => name);
}
