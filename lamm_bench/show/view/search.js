"use strict";
// Search over all answers: each file's texts stand once more in small letters behind one another, so that a word is looked for in one stroke.

const searchable = new WeakMap(); // rows of a file -> their texts

// Whether a row holds every word of a query in question, id, image, class or an answer of the runs that are looked at.
function holding(rows, query, runs) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean), columns = textsOf(rows, runs);
  const found = words.map((word) => {
    const hit = new Uint8Array(rows.id.length);
    for (const text of columns) note(text, word, hit);
    return hit;
  });
  return (at) => found.every((one) => one[at]);
}

// Notes the rows of a text in which a word stands.
function note({ text, ends }, word, found) {
  for (let at = text.indexOf(word), row = 0; at >= 0; at = text.indexOf(word, ends[row])) {
    while (ends[row] <= at) row++;
    found[row] = 1;
  }
}

// The texts of a file: what all runs share, and each run's answers; made when they are searched for the first time.
function textsOf(rows, runs) {
  if (!searchable.has(rows)) searchable.set(rows, new Map());
  const texts = searchable.get(rows);
  const text = (key, lines) => texts.get(key) || texts.set(key, together(lines())).get(key);
  return [text("asked", () => rows.id.map((id, at) => `${id}\n${rows.asked[at]}\n${rows.group[at]}\n${rows.true[at].join("\n")}`)), ...runs.map((run) => text(run, () => rows[`said${run}`]))];
}

function together(lines) {
  const ends = new Uint32Array(lines.length), small = lines.map((line) => `${line.toLowerCase()}\n`);
  let end = 0;
  small.forEach((line, row) => { ends[row] = end += line.length; });
  return { text: small.join(""), ends };
}

// Makes the texts ahead, a file at a time, so that nothing else has to wait for all of them.
async function prepareSearch() {
  const runs = shownRuns();
  for (const rows of lammView.store.blocks) {
    if (!rows || (searchable.has(rows) && runs.every((run) => searchable.get(rows).has(run)))) continue;
    textsOf(rows, runs);
    await new Promise((go) => setTimeout(go, 0));
  }
}
