"use strict";
// The samples as a list of rows of one height, of which only those in sight exist.
const HIGH = 76, SPARE = 6; // pixels of a row (page.css says the same), rows beyond both ends

class List {
  constructor() {
    this.numbers = [];
    this.rows = new Map(); // place -> element
    this.inner = el("div.inner");
    this.none = el("p.hint");
    this.box = el("div.list", { id: "list", tabindex: "0", role: "listbox", "aria-label": "samples", onscroll: () => this.queue() }, this.inner, this.none);
    new ResizeObserver(() => this.queue()).observe(this.box);
  }

  queue() {
    if (this.queued) return;
    this.queued = true;
    requestAnimationFrame(() => {
      this.queued = false;
      this.draw();
    });
  }

  show(numbers) {
    this.numbers = numbers;
    for (const row of this.rows.values()) row.remove();
    this.rows.clear();
    this.inner.style.height = `${numbers.length * HIGH}px`;
    this.draw();
  }

  // Other samples, or the same ones with something new: what is in sight stays where it is.
  update(numbers, changed) {
    const top = this.box.scrollTop, first = Math.floor(top / HIGH), now = top ? numbers.indexOf(this.numbers[first]) : 0;
    const old = new Map([...this.rows.values()].map((row) => [Number(row.dataset.number), row]));
    this.numbers = numbers;
    this.rows.clear();
    this.inner.style.height = `${numbers.length * HIGH}px`;
    if (now > 0 && now !== first) this.box.scrollTop = top + (now - first) * HIGH;
    const [from, to] = this.sight();
    for (let place = from; place < to; place++) {
      const row = old.get(numbers[place]);
      if (!row || changed(numbers[place])) continue;
      row.style.top = `${place * HIGH}px`;
      this.rows.set(place, row);
      old.delete(numbers[place]);
    }
    for (const row of old.values()) row.remove();
    this.draw();
  }

  // The first place in sight, and the one behind the last.
  sight() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / HIGH) - SPARE);
    return [first, Math.min(this.numbers.length, Math.ceil((this.box.scrollTop + (this.box.clientHeight || 800)) / HIGH) + SPARE)];
  }

  draw() {
    this.none.hidden = this.numbers.length > 0; // it would lie on the rows
    this.none.textContent = noneText();
    const [first, last] = this.sight();
    for (const [place, row] of this.rows) {
      if (place < first || place >= last) {
        row.remove();
        this.rows.delete(place);
      }
    }
    for (let place = first; place < last; place++) {
      if (this.rows.has(place)) continue;
      const row = this.row(this.numbers[place]);
      row.style.top = `${place * HIGH}px`;
      this.rows.set(place, row);
      this.inner.append(row);
    }
  }

  row(number) {
    const name = linkName(number), task = taskOf(number), file = cell(number, "file");
    const picture = file ? el("img.thumb", { src: file, alt: "", loading: "lazy", decoding: "async", onerror: (event) => event.target.replaceWith(el("span.thumb.none", {}, "–")) }) : el("span.thumb.none", {}, "–");
    const said = shownRuns().map((run) => {
      const tone = cell(number, `tone${run}`), status = cell(number, `status${run}`), value = cell(number, `value${run}`);
      const words = status && status !== "ok" ? status : "";
      return el("span.say", {},
        el(`span.dot.${tone || "none"}`, { title: `${status || "not asked"}: ${WORDS[tone]}` }, TONES[tone]),
        lammView.data.runs.length > 1 && el("span.who", {}, letterOf(run)),
        words && el("span.status", {}, words),
        el("span.words", {}, cell(number, `said${run}`) || (words ? "" : "(empty)")),
        value !== null && value !== undefined && tone !== "right" && tone !== "wrong" && el("span.value", {}, figure(value)));
    });
    return el("a.row", { href: linkOf({ open: name }), role: "option", "aria-selected": String(state.open === name), "data-number": number, "data-tone": cell(number, `tone${state.a}`) },
      picture,
      el("span.text", {}, el("span.id", {}, !state.task && el("b", {}, task.name), " ", cell(number, "true").length > 0 && el("span.true", { title: "right" }, cell(number, "true").slice(0, 4).join(", ")), " ", el("small", {}, cell(number, "id"))), said));
  }

  // Where a sample stands; -1 where the filters leave it out.
  place(name) {
    return name ? this.numbers.findIndex((number) => linkName(number) === name) : -1;
  }

  // Marks the open sample and brings it into sight.
  mark(name) {
    for (const row of this.rows.values()) row.setAttribute("aria-selected", String(linkName(Number(row.dataset.number)) === name));
    const place = this.place(name);
    if (place < 0) return;
    const top = place * HIGH, high = this.box.clientHeight || 800;
    if (top < this.box.scrollTop || top + HIGH > this.box.scrollTop + high) this.box.scrollTop = Math.max(0, top - high / 2);
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
