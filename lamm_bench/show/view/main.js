"use strict";
// Puts the page together and keeps it in step with its address.
lammView.unfolded = {};
const KEYS = [["j  ↓", "next sample"], ["k  ↑", "sample before"], ["← →", "task before, next task"], ["/", "search"], ["Esc", "close the sample"], ["1 2 3", "overview, samples, charts"], ["p", "unfold the prompts"], ["x", "exchange A and B"], ["t", "light or dark"], ["?", "these keys"]];

lammView.begin = () => {
  readState();
  lammView.list = new List();
  window.addEventListener("hashchange", () => lammView.show());
  document.addEventListener("keydown", onKey);
  lammView.show();
  loadRows(() => (lammView.loaded || lammView.broken ? lammView.show(true) : come())).then(lammView.listen);
};

// More rows have come: the list takes them in where it stands, at most some times a second.
function come() {
  const now = performance.now();
  if (state.page !== "samples" || !byId("list") || (lammView.came && now - lammView.came < 200)) return;
  lammView.came = now;
  lammView.list.update(wanted(), () => false);
  lammView.filtered = filterKey();
  byId("count").textContent = countText();
  open(true);
}

// `again`: data have come and nothing else has changed.
lammView.show = (again = false) => {
  readState();
  document.documentElement.dataset.theme = state.theme;
  document.body.dataset.page = state.page;
  document.body.classList.toggle("opened", state.page === "samples" && Boolean(state.open));
  const page = byId("page");
  if (state.page === "samples") showSamples(page, again);
  else put(page, header(), state.page === "charts" ? chartsPage() : overviewPage());
};

function header() {
  const { runs } = lammView.data;
  const tab = (key, text) => el("a", { href: linkOf({ page: key, open: key === "samples" ? state.open : "" }), "aria-current": state.page === key ? "page" : null, id: `tab-${key}` }, text);
  const run = (key) => {
    const made = el(`select.who-${key}`, { id: `run-${key}`, "aria-label": `run ${key.toUpperCase()}`, onchange: (event) => go({ [key]: Number(event.target.value) }) },
      runs.map((one, place) => el("option", { value: place, selected: state[key] === place }, `${letterOf(place)}  ${one.name}`)));
    return made;
  };
  return el("header.top", {}, el("nav", {}, tab("overview", "Overview"), tab("samples", "Samples"), tab("charts", "Charts")),
    runs.length > 1 ? el("div.runs", {}, run("a"), el("button", { type: "button", id: "exchange", title: "exchange (x)", onclick: () => go({ a: state.b, b: state.a }) }, "⇄"), run("b")) : el("div.runs", {}, el("b", {}, runs[0].name)),
    badge(),
    el("div.tools", {}, el("button", { type: "button", title: "light or dark (t)", id: "theme", onclick: turnTheme }, "◐"), el("button", { type: "button", title: "keys (?)", id: "help", onclick: help }, "?")));
}

lammView.filtered = "";
const filterKey = () => JSON.stringify([FILTERS.map((one) => state[one]), state.sort, state.a, state.b, lammView.store.version]);

function countText() {
  const waiting = lammView.loaded ? "" : `, ${ready().toLocaleString("en")} loaded`, shown = lammView.list.numbers.length.toLocaleString("en");
  if (!isLive()) return `${shown} of ${count(lammView.data.count, "sample")}${waiting}`;
  const said = (rows, at) => lammView.data.runs.some((_, run) => rows[`status${run}`][at]);
  const answered = lammView.store.blocks.reduce((total, rows) => total + rows.id.reduce((sum, _, at) => sum + said(rows, at), 0), 0);
  return `${shown} of ${count(answered, "sample")}${going() ? ` so far, ${lammView.data.count.toLocaleString("en")} in all` : ""}`;
}

// Why the list is empty.
function noneText() {
  if (!lammView.loaded) return "loading …";
  return FILTERS.some((key) => state[key]) ? "No sample is left by these filters." : isLive() ? "No sample has been answered yet." : "There are no samples in this page.";
}

// Only what has changed is made anew: the list and what is typed keep their places in the document.
function showSamples(page, again) {
  const key = filterKey(), changed = key !== lammView.filtered, { list } = lammView;
  const standing = byId("list") && page.contains(list.box);
  if (standing) {
    page.querySelector("header.top").replaceWith(header());
    renewBar(byId("bar"));
  } else {
    const told = el("p.count", { id: "count", role: "status" });
    put(page, header(), filterBar(), el("main.samples", {}, el("div.left", {}, told, list.box), el("article.detail", { id: "detail", tabindex: "-1" })));
    lammView.shown = "";
  }
  if (lammView.broken && !byId("broken")) page.querySelector("header.top").after(el("p.broken", { id: "broken" }, lammView.broken));
  if (changed && !again) list.show(wanted());
  else if (!standing) list.show(changed ? wanted() : list.numbers);
  else list.update(changed ? wanted() : list.numbers, () => true); // links name what is looked at
  byId("count").textContent = countText();
  lammView.filtered = key;
  open(again);
}

const shownKey = () => `${state.open} ${state.a} ${state.b} ${lammView.list.numbers.length} ${lammView.list.numbers[0]}`;

function open(again) {
  const place = byId("detail"), list = lammView.list;
  if (!state.open) {
    lammView.shown = "";
    return put(place, el("p.hint", {}, list.numbers.length ? "Open a sample: click it, or press j." : ""));
  }
  const shown = shownKey();
  if (again && lammView.shown === shown) return;
  const number = numberOf(state.open);
  if (number < 0) return put(place, el("p.hint", {}, lammView.loaded ? `There is no sample ${state.open}.` : "loading …"));
  list.mark(state.open);
  if (lammView.shown !== shown) showSample(place, number, list);
  lammView.shown = shown;
}

function turnTheme() {
  const dark = state.theme ? state.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  go({ theme: dark ? "light" : "dark" }, true);
}

function help() {
  const made = el("dialog.help", { onclick: () => made.close(), onclose: () => made.remove() }, el("h2", {}, "Keys"), el("dl", {}, KEYS.map(([key, text]) => [el("dt", {}, key), el("dd", {}, text)])));
  document.body.append(made);
  made.showModal();
}

function stepTask(by) {
  const names = ["", ...lammView.data.tasks.filter((task) => task.total).map((task) => task.name)];
  const at = names.indexOf(state.task);
  go({ task: names[(at + by + names.length) % names.length], class: "", as: "", open: "" });
}

function onKey(event) {
  const dialog = document.querySelector("dialog[open]"), tag = event.target.tagName;
  if (event.ctrlKey || event.metaKey || event.altKey || dialog) return;
  if (event.key === "Escape") {
    if (document.activeElement === byId("search")) document.activeElement.blur();
    else if (state.open) go({ open: "" });
    return;
  }
  if (["INPUT", "SELECT", "TEXTAREA"].includes(tag) && event.target.type !== "checkbox") return;
  const samples = state.page === "samples", keys = {
    j: () => lammView.list.step(1), ArrowDown: () => lammView.list.step(1), k: () => lammView.list.step(-1), ArrowUp: () => lammView.list.step(-1),
    ArrowLeft: () => stepTask(-1), ArrowRight: () => stepTask(1), p: () => unfold("prompt"),
    "/": () => (samples ? byId("search").focus() : (go({ page: "samples", open: "" }), setTimeout(() => byId("search").focus(), 0))),
    1: () => go({ page: "overview", open: "" }), 2: () => go({ page: "samples" }), 3: () => go({ page: "charts", open: "" }),
    x: () => pairOf() && go({ a: state.b, b: state.a }), t: turnTheme, "?": help };
  const does = keys[event.key];
  if (!does || (!samples && ["j", "k", "ArrowDown", "ArrowUp", "p"].includes(event.key)) || (state.page === "overview" && event.key.startsWith("Arrow"))) return;
  event.preventDefault();
  does();
}

function unfold(name) {
  const found = [...document.querySelectorAll(`details.${name}`)], open = !found.some((one) => one.open);
  for (const one of found) one.open = open;
}
