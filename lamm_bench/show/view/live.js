"use strict";
// A page over runs that are still being asked: it asks every second what has changed and takes it in where it stands, so that the place
// in the list, the open sample, what is typed and what is unfolded stay as they are.
const EVERY = 1000; // milliseconds between two questions

const isLive = () => Boolean(lammView.data.live);
const going = () => isLive() && !lammView.lost && (lammView.data.live.loading > 0 || lammView.data.runs.some((run) => !run.finished));

lammView.listen = () => {
  if (isLive()) setTimeout(askOn, EVERY);
};

async function askOn() {
  const { epoch, revision } = lammView.data.live, lost = lammView.lost;
  lammView.lost = !(await again(`data/since-${epoch}-${revision}.js`));
  if (lost !== lammView.lost) showBadge();
  setTimeout(askOn, document.hidden ? 5 * EVERY : EVERY);
}

// Loads a script that may say something else each time; gives whether it came.
function again(source) {
  return new Promise((done) => {
    const made = el("script", { src: source, onload: () => end(true), onerror: () => end(false) });
    const end = (came) => { made.remove(); done(came); };
    document.head.append(made);
  });
}

lammView.heard = async (since, text) => {
  const told = JSON.parse(text), { live } = lammView.data;
  if (told.epoch !== live.epoch) return location.reload(); // the address keeps what is looked at
  if (since !== live.revision || told.revision === live.revision) return;
  const changed = new Set(told.numbers);
  told.rows.forEach((row, at) => setRow(told.numbers[at], row));
  for (const block of told.blocks) await again(`data/rows-${block}.js`); // many at once come as files
  if (lammView.data.live !== live) return;
  lammView.data = told.meta;
  for (const number of changed) lammView.details.delete(Math.floor(number / lammView.data.more));
  if (told.blocks.length) lammView.details.clear();
  lammView.store.version++;
  lammView.refresh((number) => changed.has(number) || told.blocks.includes(Math.floor(number / lammView.data.rows)));
};

function setRow(number, row) {
  const { blocks } = lammView.store, size = lammView.data.rows, block = Math.floor(number / size), at = number % size;
  const columns = (blocks[block] = blocks[block] || Object.fromEntries(Object.keys(row).map((key) => [key, []])));
  for (const key of Object.keys(row)) columns[key][at] = row[key];
  searchable.delete(columns);
}

// Brings what is seen up to date. `changed` tells whether a sample has.
lammView.refresh = (changed) => {
  readState();
  const page = byId("page");
  if (state.page === "samples" && byId("list")) return refreshSamples(page, changed);
  const unfolded = [...page.querySelectorAll("details")].map((one) => one.open), aside = [...page.querySelectorAll(".wide")].map((one) => one.scrollLeft);
  const at = document.activeElement && page.contains(document.activeElement) ? [...page.querySelectorAll("a, button, select, summary")].indexOf(document.activeElement) : -1;
  if (at >= 0 && document.activeElement.tagName === "SELECT") return showBadge(); // somebody is choosing
  lammView.show(true);
  page.querySelectorAll("details").forEach((one, number) => { if (number in unfolded) one.open = unfolded[number]; });
  page.querySelectorAll(".wide").forEach((one, number) => { one.scrollLeft = aside[number] || 0; });
  if (at >= 0) page.querySelectorAll("a, button, select, summary")[at]?.focus({ preventScroll: true });
};

function refreshSamples(page, changed) {
  const list = lammView.list, bar = byId("bar");
  list.update(wanted(), changed);
  lammView.filtered = filterKey();
  byId("count").textContent = countText();
  if (!bar.contains(document.activeElement)) renewBar(bar);
  showBadge();
  if (!state.open) return open(true);
  const number = numberOf(state.open), walked = document.querySelector(".walk small");
  if (number >= 0 && (changed(number) || lammView.shown === "")) {
    lammView.shown = shownKey();
    showSample(byId("detail"), number, list, true);
  } else {
    lammView.shown = shownKey();
    if (walked) walked.textContent = walkText(list, number);
  }
}

// How far the runs have come, in the head of the page.
function badge() {
  if (!isLive()) return null;
  const { runs, live } = lammView.data, sum = (key) => runs.reduce((total, run) => total + run[key], 0);
  const words = lammView.lost ? "the server has ended" : live.trouble ? "cannot be read" : going() ? `${sum("said").toLocaleString("en")} of ${sum("asked").toLocaleString("en")}` : "finished";
  const kind = lammView.lost || live.trouble ? "off" : going() ? "on" : "done";
  return el(`span.live.${kind}`, { id: "live", role: "status", title: live.trouble || runs.map((run) => `${run.name}: ${run.said.toLocaleString("en")} of ${count(run.asked, "sample")}`).join("\n") }, el("i"), words);
}

function showBadge() {
  if (byId("live")) byId("live").replaceWith(badge());
}

// One line for each run that is not finished, on the first page.
function comingPage() {
  if (!isLive()) return null;
  const { runs, live } = lammView.data;
  return [live.trouble && el("p.broken", { id: "trouble" }, live.trouble), runs.some((run) => !run.finished) && el("div.coming", {}, runs.map((run, place) => {
    const bar = svg("svg.bar-chart", { viewBox: "0 0 200 14", preserveAspectRatio: "none" }, svg("rect.track", { width: 200, height: 10, y: 2 }), svg("rect.value", { width: run.asked ? (200 * run.said) / run.asked : 0, height: 10, y: 2 }));
    return el("div.come", {}, runs.length > 1 && el("span.who", {}, letterOf(place)), el("span", {}, run.name), bar, el("span.n", {}, run.finished ? "finished" : `${run.said.toLocaleString("en")} of ${run.asked.toLocaleString("en")}`));
  }), el("p.legend", {}, "Figures are those of the samples that have been answered so far; this page follows by itself."))];
}
