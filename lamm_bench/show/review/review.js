"use strict";
// Decisions by keyboard: kept in this browser as they are made, and saved as lines that `data review --take` reads.

{ // a scope of its own beside the report's script, which makes filters and clouds work

const review = JSON.parse(document.getElementById("review").textContent);
const KEY = `lamm-bench review ${review.page}`;
const all = [...document.querySelectorAll(".card[data-id]")];
const made = []; // cards in the order in which they were decided, for undo
let current = -1;

function stored() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) || {};
  } catch {
    return {}; // a browser that keeps nothing for pages from the disk
  }
}

function keep() {
  try {
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(all.map((card) => [card.dataset.id, card.dataset.decision]).filter((pair) => pair[1]))));
  } catch {
    // saving as a file still works
  }
}

function show() {
  const count = (said) => all.filter((card) => card.dataset.decision === said).length;
  document.getElementById("decided").textContent = `${count("accept")} accepted, ${count("reject")} rejected`;
  for (const card of all) card.querySelector(".pill.decision").textContent = card.dataset.decision;
}

function decide(card, said) {
  made.push([card, card.dataset.decision]);
  card.dataset.decision = card.dataset.decision === said ? "" : said;
  keep();
  show();
}

function go(step) {
  const open = all.filter((card) => !card.hidden);
  if (!open.length) return;
  const place = open.indexOf(all[current]);
  const next = open[Math.max(0, Math.min(open.length - 1, place < 0 ? 0 : place + step))];
  if (all[current]) all[current].classList.remove("current");
  current = all.indexOf(next);
  next.classList.add("current");
  next.scrollIntoView({ block: "nearest" });
}

function lines() {
  return all.filter((card) => card.dataset.decision).map((card) => JSON.stringify({ id: card.dataset.id, text: card.dataset.text, decision: card.dataset.decision }) + "\n").join("");
}

function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([lines()], { type: "application/jsonl" }));
  link.download = "decisions.jsonl";
  link.click();
  URL.revokeObjectURL(link.href);
}

function press(key) {
  if (key === "j" || key === "ArrowDown") go(1);
  else if (key === "k" || key === "ArrowUp") go(-1);
  else if ((key === "a" || key === "r") && all[current]) {
    decide(all[current], key === "a" ? "accept" : "reject");
    go(1);
  } else if (key === "u" && made.length) {
    const [card, before] = made.pop();
    card.dataset.decision = before;
    keep();
    show();
  } else if (key === "s") save();
  else return false;
  return true;
}

const before = stored();
for (const card of all) {
  if (card.dataset.id in before) card.dataset.decision = before[card.dataset.id];
  for (const button of card.querySelectorAll("button[data-say]")) button.addEventListener("click", () => decide(card, button.dataset.say));
}
document.getElementById("save").addEventListener("click", save);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(?:INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  if (press(event.key)) event.preventDefault();
});
show();

}
