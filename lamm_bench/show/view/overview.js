"use strict";
// What was run, and the score of every task with its interval; where two runs are looked at, who is right where.

function headline(entries) {
  return (entries || []).find((entry) => entry.protocol === "standard") || (entries || [])[0];
}

// How many samples of each task were right in A, in B, in both, in neither; once all rows are there.
function tallies() {
  const pair = pairOf();
  if (!pair || !lammView.loaded) return null;
  const [a, b] = pair, found = lammView.data.tasks.map(() => ({ "a>b": 0, "b>a": 0, "both-right": 0, "both-not": 0 }));
  for (const rows of lammView.store.blocks) {
    for (let at = 0; rows && at < rows.id.length; at++) {
      if (!rows[`status${a}`][at] || !rows[`status${b}`][at]) continue;
      const one = rows[`tone${a}`][at] === "right", other = rows[`tone${b}`][at] === "right";
      found[rows.task[at]][one ? (other ? "both-right" : "a>b") : other ? "b>a" : "both-not"]++;
    }
  }
  return found;
}

function overviewPage() {
  const { runs, tasks } = lammView.data;
  const told = tallies(), compared = pairOf() && lammView.data.differences.find((one) => state.a === 0 && one.run === state.b);
  const rows = tasks.flatMap((task, at) => taskRows(task, told && told[at], compared));
  return el("main.page", {},
    comingPage(),
    runs.some((run) => run.miniature) && el("p.note", {}, "Asked about the miniature benchmark: these numbers are not comparable with published ones."),
    told && pairSummary(told),
    el("div.wide", {}, el("table.scores", {},
      el("thead", {}, el("tr", {}, ["task", "metric", runs.length > 1 ? "run" : "", "score", "95 % interval", "", "n", "read", "unread", "no answer"].map((text, at) => el(`th${[3, 4, 6, 7, 8, 9].includes(at) ? ".n" : ""}`, {}, text)), pairOf() && [el("th.n", {}, "A − B"), el("th.n", {}, "only one is right")])),
      el("tbody", {}, rows))),
    el("p.legend", {}, "Bars: the score with its 95 % interval over images or scenes; ", el("i.key.chance"), " chance, ", el("i.key.majority"), " most frequent answer, ", el("i.key.oracle"), " oracle. ↓: lower is better. A task's name leads to its samples."),
    compared && compared.note && el("p.note", {}, `A and B are not compared by a test: ${compared.note}`),
    pairOf() && !compared && el("p.legend", {}, "The paired test is there for the first run against another one."),
    el("div.facts", {}, runs.map((run, place) => runFacts(run, place))));
}

function pairSummary(told) {
  const sum = (key) => told.reduce((total, one) => total + one[key], 0);
  const tile = (key, tone, text) => el(`a.tile.${tone}`, { href: linkOf(only({ pair: key, sort: key === "a>b" ? "gap" : "" })), id: `tile-${key.replace(">", "-")}` }, el("b", {}, sum(key).toLocaleString("en")), text);
  return el("div.tiles", {}, tile("a>b", "a", "right in A, not in B"), tile("b>a", "b", "right in B, not in A"), tile("both-right", "right", "right in both"), tile("both-not", "wrong", "right in neither"));
}

function taskRows(task, told, compared) {
  const places = lammView.data.runs.map((_, place) => place).filter((place) => task.results[place].length);
  if (!places.length && isLive()) return [el("tr.first", {}, el("td", {}, task.name), el("td.soft", { colspan: 11 }, `not asked yet, ${count(task.total, "sample")}`))];
  return places.map((place, number) => {
    const entry = headline(task.results[place]), [name, metric] = Object.entries(entry.metrics)[0] || ["–", { value: null }];
    const counts = entry.counts, failed = ["model_error", "media_error", "judge_error", "missing"].reduce((sum, key) => sum + (counts[key] || 0), 0);
    const unread = (counts.unread || 0) + (counts.truncated || 0) + (counts.refused || 0);
    const link = (change) => linkOf(only({ task: task.name, ...leading(place), ...change }));
    const many = (value, change) => (value && task.total ? el("a", { href: link(change) }, figure(value)) : figure(value));
    const first = number === 0;
    return el(`tr${first ? ".first" : ""}`, { "data-task": task.name, "data-run": place },
      el("td", {}, first && (task.total ? el("a", { href: linkOf(only({ task: task.name })) }, task.name) : task.name)),
      el("td", {}, first && `${name}${metric.better === "lower" ? " ↓" : ""}${entry.protocol === "standard" ? "" : ` (${entry.protocol})`}`),
      el("td", {}, lammView.data.runs.length > 1 && el("span.who", { title: lammView.data.runs[place].name }, letterOf(place))),
      el("td.n", {}, el("b", {}, decimal(metric.value))),
      el("td.n.soft", {}, metric.ci95 ? `${decimal(metric.ci95[0])} to ${decimal(metric.ci95[1])}` : "–"),
      el("td.chart-cell", {}, scoreBar(entry, metric)),
      el("td.n", {}, figure(metric.n)), el("td.n", {}, figure(counts.ok)),
      el(`td.n${unread ? ".odd" : ""}`, {}, many(unread, { status: counts.unread ? "unread" : counts.truncated ? "truncated" : "refused" })),
      el(`td.n${failed ? ".bad" : ""}`, {}, figure(failed), task.notes[place] ? el("span", { title: task.notes[place] }, " ⚠") : ""),
      pairOf() && [el("td.n", {}, first && difference(task, compared)), el("td.n", {}, first && told && onlyOne(task, told))]);
  });
}

function difference(task, compared) {
  const found = compared && compared.tasks[task.name];
  if (!found || found.difference === null) return "–";
  const better = found.verdict ? (found.verdict === "first" ? "A is better" : "B is better") : "no difference shown";
  const ends = found.ci95 ? `[${decimal(found.ci95[0])}, ${decimal(found.ci95[1])}]` : "";
  return el(`span${found.verdict ? "" : ".soft"}`, { title: `${better}; p ${figure(found.p, 3)} after Holm, ${count(found.n, "sample")} that both answered` }, `${found.difference > 0.005 ? "+" : ""}${decimal(found.difference)} ${ends}`, found.verdict ? ` ${found.verdict === "first" ? "A" : "B"}` : "");
}

function onlyOne(task, told) {
  if (!Object.values(told).some(Boolean)) return "–"; // no sample was answered by both
  const link = (key, text) => el("a", { href: linkOf(only({ task: task.name, pair: key })) }, text);
  return [link("a>b", `A ${told["a>b"]}`), " · ", link("b>a", `B ${told["b>a"]}`)];
}

function runFacts(run, place) {
  return el("details.run", { open: lammView.data.runs.length === 1 },
    el("summary", {}, lammView.data.runs.length > 1 && el("span.who", {}, letterOf(place)), " ", el("b", {}, run.name), " ", run.model),
    el("dl", {}, run.facts.map(([key, value]) => [el("dt", {}, key), el("dd", {}, value)]), run.absent.map(([task, why]) => [el("dt", {}, task), el("dd.bad", {}, why)])),
    notesOf(place));
}

// What is to be said of a run's tasks, every sentence once.
function notesOf(place) {
  const said = new Map();
  for (const task of lammView.data.tasks) {
    for (const note of [task.notes[place], ...(task.results[place] || []).flatMap((entry) => entry.notes)]) {
      if (note) said.set(note, [...(said.get(note) || []), task.name]);
    }
  }
  return said.size > 0 && el("ul.notes", {}, [...said].map(([note, names]) => el("li", {}, `${[...new Set(names)].join(", ")}: ${note}`)));
}
