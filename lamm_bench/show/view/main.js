"use strict";
// Puts the page together and keeps it in step with its address.
lammView.unfolded = {};
const KEYS = [["j  ↓", "next sample"], ["k  ↑", "sample before"], ["← →", "task before, next task"], ["/", "search"], ["Esc", "close the sample"], ["1 2 3", "overview, samples, charts"], ["p", "unfold the prompts"], ["x", "exchange A and B"], ["t", "light or dark"], ["?", "these keys"]];

lammView.begin = () => {
  readState();
  lammView.list = new List();
  const tell = later(30, () => { if (!lammView.typing()) lammView.show(true); });
  window.addEventListener("hashchange", () => lammView.show());
  document.addEventListener("keydown", onKey);
  lammView.show();
  loadRows(() => (lammView.loaded ? lammView.show(true) : tell())).then(lammView.listen);
};

lammView.typing = () => document.activeElement && document.activeElement.id === "search";

// `again`: data have come and nothing else has changed.
lammView.show = (again = false) => {
  readState();
  document.documentElement.dataset.theme = state.theme;
  document.body.dataset.page = state.page;
  document.body.classList.toggle("opened", state.page === "samples" && Boolean(state.open));
  const page = byId("page"), typed = lammView.typing() ? byId("search").selectionStart : null;
  if (state.page === "samples") showSamples(page, again);
  else put(page, header(), state.page === "charts" ? chartsPage() : overviewPage());
  if (typed !== null && byId("search")) {
    byId("search").focus();
    byId("search").setSelectionRange(typed, typed);
  }
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

function showSamples(page, again) {
  const key = filterKey(), filtered = lammView.filtered;
  const standing = byId("list") && page.contains(lammView.list.box);
  if (key !== filtered || !standing) {
    lammView.list.numbers = key === filtered ? lammView.list.numbers : wanted();
    const told = el("p.count", { id: "count", role: "status" }, countText());
    const detail = byId("detail") || el("article.detail", { id: "detail", tabindex: "-1" });
    put(page, header(), lammView.broken && el("p.broken", {}, lammView.broken), filterBar(), el("main.samples", {}, el("div.left", {}, told, lammView.list.box), detail));
    if (key !== filtered && !again) lammView.list.box.scrollTop = 0;
    lammView.list.show(lammView.list.numbers);
    lammView.filtered = key;
  } else page.querySelector("header.top").replaceWith(header());
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
    if (lammView.typing()) byId("search").blur();
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
