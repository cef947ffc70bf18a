"use strict";
// The samples as a list of rows of one height, of which only those in sight exist; a row that leaves is filled again for another sample.
// Nothing here asks for a place or a size that would have to be laid out first: the scroll event and the observer tell both.
const HIGH = 76, SPARE = 6; // pixels of a row (page.css says the same), rows beyond both ends
const NARROWEST = 4, INDENT = 84; // pixels of a letter, at least in the mean of a line; before the line (page.css)

class List {
  constructor() {
    Object.assign(this, { numbers: [], rows: new Map(), top: 0, high: 800, drawn: 0, shape: "", letters: 200 }); // rows: place -> row
    this.inner = el("div.inner");
    this.none = el("p.hint");
    this.box = el("div.list", { id: "list", tabindex: "0", role: "listbox", "aria-label": "samples", onscroll: () => { this.top = this.box.scrollTop; this.queue(); } }, this.inner, this.none);
    new ResizeObserver(([told]) => { this.measured(told.contentRect); }).observe(this.box);
  }

  // A line is no longer than can be seen, since the browser shapes every letter of it. A wider list is filled anew.
  measured({ width, height }) {
    this.high = height || 800;
    const letters = width > INDENT ? Math.ceil((width - INDENT) / NARROWEST) : 200;
    if (letters > this.letters) this.shape = "";
    this.letters = letters;
    this.queue();
  }

  queue() {
    if (this.queued) return;
    this.queued = true;
    requestAnimationFrame(() => {
      this.queued = false;
      this.draw();
    });
  }

  // Other samples, from the first one on.
  show(numbers) {
    this.numbers = numbers;
    this.stretch();
    this.to(0);
    this.draw(() => true);
  }

  stretch() {
    const high = `${this.numbers.length * HIGH}px`;
    if (this.inner.style.height !== high) this.inner.style.height = high;
  }

  to(top) {
    if (top === this.top) return;
    this.top = top;
    this.box.scrollTop = top;
  }

  // Other samples, or the same ones with something new: what is in sight stays where it is.
  update(numbers, changed) {
    const first = Math.floor(this.top / HIGH), now = this.top ? numbers.indexOf(this.numbers[first]) : 0;
    this.numbers = numbers;
    this.stretch();
    if (now > 0 && now !== first) this.to(this.top + (now - first) * HIGH);
    else this.top = Math.min(this.top, Math.max(0, numbers.length * HIGH - this.high)); // as the browser will
    this.draw(changed);
  }

  // The first place in sight, and the one behind the last.
  sight(spare) {
    const first = Math.max(0, Math.floor(this.top / HIGH) - spare);
    return [first, Math.min(this.numbers.length, Math.ceil((this.top + this.high) / HIGH) + spare)];
  }

  // After a jump those in sight come first, and their neighbours a frame later.
  draw(changed = () => false) {
    if (this.none.hidden !== this.numbers.length > 0) this.none.hidden = !this.none.hidden; // it would lie on the rows
    if (!this.none.hidden) this.none.textContent = noneText();
    const jumped = Math.abs(this.top - this.drawn) > this.high, [from, to] = this.sight(SPARE), [first, last] = this.sight(jumped ? 0 : SPARE);
    const shape = `${shownRuns().length} ${lammView.data.runs.length > 1}`, free = [];
    if (shape !== this.shape) this.clear();
    this.shape = shape;
    this.drawn = this.top;
    for (const [place, row] of this.rows) {
      if (place >= from && place < to) {
        if (row.number !== this.numbers[place] || changed(row.number)) fill(row, this.numbers[place], place);
        continue;
      }
      if (row.element === document.activeElement) this.box.focus({ preventScroll: true }); // it becomes another sample's
      free.push(row);
      this.rows.delete(place);
    }
    for (let place = first; place < last; place++) {
      if (this.rows.has(place)) continue;
      const row = free.pop() || rowOf(this.inner);
      fill(row, this.numbers[place], place);
      this.rows.set(place, row);
    }
    for (const row of free) row.element.remove();
    if (jumped) this.queue();
  }

  clear() {
    this.rows.clear();
    this.inner.replaceChildren();
  }

  // Where a sample stands; -1 where the filters leave it out.
  place(name) {
    return name ? this.numbers.indexOf(numberOf(name)) : -1;
  }

  // Marks the open sample and brings it into sight.
  mark(name) {
    const number = numberOf(name), place = this.numbers.indexOf(number), top = place * HIGH;
    for (const row of this.rows.values()) select(row, row.number === number);
    if (place < 0) return;
    if (top < this.top || top + HIGH > this.top + this.high) this.to(Math.min(Math.max(0, top - this.high / 2), Math.max(0, this.numbers.length * HIGH - this.high)));
    this.draw();
  }

  // Opens the sample so many places further on.
  step(by) {
    if (!this.numbers.length) return;
    const now = this.place(state.open);
    const next = now < 0 ? 0 : Math.min(Math.max(now + by, 0), this.numbers.length - 1);
    go({ open: linkName(this.numbers[next]) }, true);
  }
}

// An empty row with a line for every run that is looked at, and what of it changes.
function rowOf(place) {
  const texts = () => document.createTextNode(""), several = lammView.data.runs.length > 1;
  const row = { number: -1, picture: el("span.thumb.none"), task: texts(), truth: texts(), id: texts() };
  row.says = shownRuns().map(() => {
    const one = { value: el("span.value"), dot: el("span.dot"), who: several && el("span.who"), status: el("span.status"), words: texts() };
    one.element = el("span.say", {}, one.dot, " ", one.who, " ", one.status, " ", one.value, " ", el("span.words", {}, one.words));
    return one;
  });
  row.truthBox = el("span.true", { title: "right" }, row.truth);
  row.element = el("a.row", { role: "option", "aria-selected": "false" }, row.picture,
    el("span.text", {}, el("span.id", {}, el("b", {}, row.task), " ", row.truthBox, " ", el("small", {}, row.id)), row.says.map((one) => one.element)));
  place.append(row.element);
  return row;
}

function fill(row, number, place) {
  const { element } = row, name = linkName(number), truth = cell(number, "true");
  if (row.number !== number || row.place !== place) element.style.top = `${place * HIGH}px`;
  Object.assign(row, { number, place });
  row.task.data = state.task ? "" : taskOf(number).name;
  row.truth.data = truth.length > 4 ? truth.slice(0, 4).join(", ") : truth.join(", ");
  row.id.data = cell(number, "id");
  const picture = pictureIn(row, cell(number, "file"));
  if (picture !== row.picture) row.picture.replaceWith(picture);
  row.picture = picture;
  shownRuns().forEach((run, at) => say(row.says[at], number, run));
  element.setAttribute("href", linkOf({ open: name }));
  element.dataset.number = number;
  element.dataset.tone = cell(number, `tone${state.a}`);
  select(row, state.open === name);
}

function say(one, number, run) {
  const tone = cell(number, `tone${run}`), status = cell(number, `status${run}`), value = cell(number, `value${run}`);
  const words = status && status !== "ok" ? status : "", shown = value !== null && value !== undefined && tone !== "right" && tone !== "wrong";
  one.dot.className = `dot ${tone || "none"}`;
  one.dot.title = `${status || "not asked"}: ${WORDS[tone]}`;
  one.dot.textContent = TONES[tone];
  if (one.who) one.who.textContent = letterOf(run);
  one.status.textContent = words;
  one.value.textContent = shown ? figure(value) : "";
  one.words.data = cell(number, `said${run}`).slice(0, lammView.list.letters) || (words ? "" : "(empty)");
}

// A picture's element is made anew, since an old one shows the old picture until the new one has come.
function pictureIn(row, file) {
  if (row.file === file && file) return row.picture;
  row.file = file;
  const none = () => el("span.thumb.none", {}, "–");
  return file ? el("img.thumb", { src: file, alt: "", width: 64, height: 63, decoding: "async", onerror: (event) => { row.picture = none(); row.file = ""; event.target.replaceWith(row.picture); } }) : none();
}

function select(row, selected) {
  if (row.selected !== selected) row.element.setAttribute("aria-selected", String(selected));
  row.selected = selected;
}
