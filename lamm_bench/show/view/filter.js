"use strict";
// Which samples are asked for, and the bar of choices that says so.
const PAUSE = 30; // milliseconds between two letters that are taken as one
const PAIRS = {
  "a>b": ["right in A, not in B", (a, b) => a === "right" && b !== "right"],
  "b>a": ["right in B, not in A", (a, b) => b === "right" && a !== "right"],
  "differ": ["A and B differ", (a, b) => a !== b],
  "both-right": ["right in both", (a, b) => a === "right" && b === "right"],
  "both-not": ["right in neither", (a, b) => a !== "right" && b !== "right"],
  "said": ["other words in A than in B", null],
};

function wanted() {
  const pair = pairOf(), [a, b] = pair || [state.a, state.a], runs = shownRuns(), size = lammView.data.rows, found = [];
  const task = lammView.data.tasks.findIndex((one) => one.name === state.task), rule = pair && PAIRS[state.pair], every = isLive() && lammView.data.runs.map((_, run) => run);
  lammView.store.blocks.forEach((rows, block) => {
    const passes = rows ? [...demands({ rows, a, b, runs, task, rule, every }), ...(state.q ? [holding(rows, state.q, runs)] : [])] : [];
    for (let at = 0, count = rows ? rows.id.length : 0; at < count; at++) {
      let held = true;
      for (let n = 0; held && n < passes.length; n++) held = passes[n](at);
      if (held) found.push(block * size + at);
    }
  });
  return sorted(found);
}

// What a file's rows must meet, each as a function of a place in it; only what is asked for.
function demands({ rows, a, b, runs, task, rule, every }) {
  const statuses = runs.map((run) => rows[`status${run}`]), [statusA, toneA, statusB, toneB, asA] = [`status${a}`, `tone${a}`, `status${b}`, `tone${b}`, `as${a}`].map((key) => rows[key]);
  const tone = state.tone === "none" ? "" : state.tone, [saidA, saidB] = [rows[`said${a}`], rows[`said${b}`]];
  const asked = every && every.map((run) => rows[`status${run}`]);
  return [
    every && ((at) => asked.some((one) => one[at])),
    state.task && ((at) => rows.task[at] === task),
    state.group && ((at) => rows.group[at] === state.group),
    state.status && ((at) => statuses.some((one) => one[at] === state.status)),
    state.tone && ((at) => toneA[at] === tone),
    state.class && ((at) => rows.true[at].includes(state.class)),
    state.as && ((at) => fits(asA[at], statusA[at], state.as)),
    rule && ((at) => statusA[at] && statusB[at] && (rule[1] ? rule[1](toneA[at], toneB[at]) : saidA[at] !== saidB[at])),
  ].filter(Boolean);
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
  const { rows: size, tasks } = lammView.data, { blocks } = lammView.store;
  const good = (number, run) => {
    const rows = blocks[Math.floor(number / size)], at = number % size, value = rows[`value${run}`][at];
    if (value === null || value === undefined) return -Infinity;
    return tasks[rows.task[at]].better === "lower" ? -value : value;
  };
  const gap = (number) => {
    const [one, other] = shownRuns().map((run) => good(number, run));
    return Number.isFinite(one) && Number.isFinite(other) ? other - one : Infinity;
  };
  const by = { worst: (n) => good(n, state.a), best: (n) => -good(n, state.a), gap }[state.sort];
  const alike = new Map(); // key -> samples: there are few different ones, or they are sorted as plain numbers
  for (const number of found) {
    const key = by(number) + 0; // -0 is 0
    const own = alike.get(key);
    if (own) own.push(number);
    else alike.set(key, [number]);
  }
  return [...Float64Array.from(alike.keys()).sort()].flatMap((key) => alike.get(key));
}

function choice(key, label, options, title = "") {
  const made = el("select", { id: `by-${key}`, title, onchange: (event) => go({ [key]: event.target.value, open: "" }) });
  for (const [value, text] of options) made.append(el("option", { value, selected: state[key] === value }, text));
  made.value = state[key];
  return el("label.choice", {}, el("span", {}, label), made);
}

// The bar as it is now; what is being typed in stays where it is.
function renewBar(bar) {
  const search = byId("search"), made = filterBar(), aside = bar.scrollLeft;
  if (document.activeElement !== search && search.value !== state.q) search.value = state.q;
  while (bar.lastChild !== search) bar.lastChild.remove();
  bar.append(...[...made.children].slice(1));
  bar.scrollLeft = aside;
}

function filterBar() {
  const { tasks, runs, statuses } = lammView.data, pair = pairOf();
  const classes = classesOf();
  const type = later(PAUSE, (event) => prepareSearch().then(() => go({ q: event.target.value, open: "" }, true)));
  const chips = FILTERS.filter((key) => ["as", "group"].includes(key) && state[key]).map((key) =>
    el("button.chip", { type: "button", title: "take this filter away", onclick: () => go({ [key]: "" }) }, `${key === "as" ? "read as" : "same media"}: ${state[key]} ✕`));
  return el("form.bar", { id: "bar", role: "search", onsubmit: (event) => event.preventDefault() },
    el("input.search", { id: "search", type: "search", placeholder: matchMedia("(pointer: coarse)").matches ? "search answers" : "search  ( / )", value: state.q, oninput: type, onfocus: prepareSearch, title: "all words must stand in the question, an answer, the id or a class (first 600 characters of each)", "aria-label": "search in answers" }),
    choice("task", "task", [["", "all tasks"], ...tasks.filter((task) => task.total).map((task) => [task.name, `${task.name} (${task.total.toLocaleString("en")})`])]),
    pair && choice("pair", "A and B", [["", "any"], ...Object.entries(PAIRS).map(([key, [text]]) => [key, text])], "compares the two runs that stand side by side"),
    choice("tone", runs.length > 1 ? "A is" : "answer", [["", "any"], ["right", "✓ right"], ["partly", "◐ partly right"], ["wrong", "✗ wrong"], ["read", "· read (no share)"], ["none", "– no answer"]]),
    choice("status", "status", [["", "any"], ...statuses.map((status) => [status, status])]),
    classes.length > 1 && choice("class", "class", [["", "any"], ...classes.map((name) => [name, name])], "the true class"),
    choice("sort", "order", [["", "as in the file"], ["worst", "worst first"], ["best", "best first"], ...(pair ? [["gap", "A far before B first"]] : [])]),
    chips,
    FILTERS.some((key) => state[key]) && el("button.plain", { type: "button", id: "clear", onclick: () => go(only({})) }, "clear"));
}

// The true classes of the task that is looked at, the most frequent first; they are counted once.
function classesOf() {
  const key = `${state.task} ${state.class} ${lammView.store.version}`;
  if (!lammView.classes || lammView.classes.key !== key) lammView.classes = { key, names: countedClasses() };
  return lammView.classes.names;
}

function countedClasses() {
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
