"use strict";
// Data come as scripts that call these functions, since a page on a disk may not fetch. Rows fill one store of columns.
lammView.store = { version: 0, blocks: [] };
lammView.details = new Map();
lammView.clouds = new Map();
const waiting = new Map(); // name of a script -> what waits for it
const KEPT = 40; // files of details that are remembered
const AHEAD = 4; // files of rows that are fetched before they are needed

lammView.meta = (text) => {
  lammView.data = JSON.parse(text);
  lammView.begin();
};

lammView.rows = (number, text) => {
  const told = JSON.parse(text);
  for (const key of Object.keys(told)) told[key] = column(told[key]);
  lammView.store.blocks[number] = told;
  lammView.store.version++;
};

// A column of few different values comes as these and their places.
function column(told) {
  if (Array.isArray(told)) return told;
  const { of, at } = told;
  return at.map((place) => of[place]);
}

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
      made.async = false; // several are fetched at once and run in their order
      document.head.append(made);
    }));
  }
  return waiting.get(source);
}

const ready = () => lammView.store.blocks.reduce((total, rows) => total + rows.id.length, 0);

// All rows, some files ahead; `tell` hears after each, so that a list can show what is there. The first one has the disk for itself.
async function loadRows(tell) {
  const { count, rows } = lammView.data, asked = [], files = Math.ceil(count / rows), name = (number) => `data/rows-${number}.js`;
  for (let number = 0; number < files; number++) {
    while (number > 0 && asked.length < Math.min(number + AHEAD, files)) asked.push(script(name(asked.length)));
    if (!(await (asked[number] ??= script(name(number))))) lammView.broken = `${name(number)} cannot be loaded: the page's folder is not whole`;
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

// A sample by its name; -1 where there is none, or not yet.
function numberOf(name) {
  if (lammView.named && lammView.named.name === name && linkName(lammView.named.number) === name) return lammView.named.number;
  const { tasks, rows: size } = lammView.data, { blocks } = lammView.store;
  for (const [task, { name: own }] of tasks.entries()) {
    if (!name.startsWith(`${own}/`)) continue;
    const id = name.slice(own.length + 1);
    for (const [block, rows] of blocks.entries()) {
      for (let at = rows ? rows.id.indexOf(id) : -1; at >= 0; at = rows.id.indexOf(id, at + 1)) {
        if (rows.task[at] !== task) continue;
        lammView.named = { name, number: block * size + at };
        return lammView.named.number;
      }
    }
  }
  return -1;
}
