"use strict";
// Data come as scripts that call these functions, since a page on a disk may not fetch. Rows fill one store of columns.
lammView.store = { version: 0, blocks: [] };
lammView.details = new Map();
lammView.clouds = new Map();
const waiting = new Map(); // name of a script -> what waits for it
const KEPT = 40; // files of details that are remembered

lammView.meta = (text) => {
  lammView.data = JSON.parse(text);
  lammView.begin();
};

lammView.rows = (number, text) => {
  lammView.store.blocks[number] = JSON.parse(text);
  lammView.store.version++;
};

lammView.more = (number, text) => {
  lammView.details.set(number, JSON.parse(text));
  if (lammView.details.size > KEPT) lammView.details.delete(lammView.details.keys().next().value);
};

lammView.cloud = (name, packed) => lammView.clouds.set(name, packed);

// Loads a script once; gives whether it came.
function script(source) {
  if (!waiting.has(source)) {
    waiting.set(source, new Promise((done) => {
      const made = el("script", { src: source, onload: () => done(true), onerror: () => done(false) });
      document.head.append(made);
    }));
  }
  return waiting.get(source);
}

const ready = () => lammView.store.blocks.reduce((total, rows) => total + rows.id.length, 0);

// All rows, file by file; `tell` hears after each, so that a list can show what is there.
async function loadRows(tell) {
  const { count, rows } = lammView.data;
  for (let number = 0; number * rows < count; number++) {
    if (!(await script(`data/rows-${number}.js`))) lammView.broken = `data/rows-${number}.js cannot be loaded: the page's folder is not whole`;
    tell();
  }
  lammView.loaded = true;
  tell();
}

// The details of a sample by its number; null where its file is not there.
async function detailOf(number) {
  const block = Math.floor(number / lammView.data.more);
  if (!lammView.details.has(block)) {
    waiting.delete(`data/more-${block}.js`);
    await script(`data/more-${block}.js`);
  }
  const found = lammView.details.get(block);
  return found ? found[number % lammView.data.more] : null;
}

async function cloudOf(name) {
  await script(`media/${name.slice(0, 2)}/${name}.js`);
  return lammView.clouds.get(name) || null;
}

// A column's value of a sample.
function cell(number, column) {
  const block = lammView.store.blocks[Math.floor(number / lammView.data.rows)];
  return block ? block[column][number % lammView.data.rows] : undefined;
}

const taskOf = (number) => lammView.data.tasks[cell(number, "task")];
const linkName = (number) => `${taskOf(number).name}/${cell(number, "id")}`;

function numberOf(name) {
  for (let number = 0; number < lammView.data.count; number++) {
    if (cell(number, "id") !== undefined && name.endsWith(cell(number, "id")) && linkName(number) === name) return number;
  }
  return -1;
}
