"use strict";
// Charts as SVG, and the page of them. Every chart tells how many samples stand behind it; its parts lead to those samples.

// A score on its scale with its interval and the marks of chance, majority and oracle.
function scoreBar(entry, metric, wide = 260) {
  if (metric.value === null || metric.value === undefined) return el("span", {}, "–");
  const marks = Object.entries(entry.references || {}).filter(([name, value]) => ["chance", "majority", "oracle"].includes(name) && value !== null);
  const top = metric.unit === "percent" ? 100 : Math.max(metric.value, ...(metric.ci95 || []), ...marks.map(([, value]) => value)) * 1.05 || 1;
  const x = (value) => Math.min(Math.max(value / top, 0), 1) * wide;
  const told = `${figure(metric.value)}${metric.ci95 ? `, 95 % interval ${figure(metric.ci95[0])} to ${figure(metric.ci95[1])}` : ""}`;
  const made = svg("svg.bar-chart", { viewBox: `-4 0 ${wide + 8} 24`, role: "img", "aria-label": told, preserveAspectRatio: "none" },
    svg("rect.track", { x: 0, y: 7, width: wide, height: 10, rx: 2 }),
    svg("rect.value", { x: 0, y: 7, width: x(metric.value), height: 10, rx: 2 }));
  for (const [name, value] of marks) made.append(svg(`path.mark.${name}`, { d: `M${x(value)} 2V22` }, svg("title", {}, `${name} ${figure(value)}`)));
  if (metric.ci95) {
    const [low, high] = metric.ci95.map(x);
    made.append(svg("path.whisker", { d: `M${low} 12H${high}M${low} 7v10M${high} 7v10` }, svg("title", {}, told)));
  }
  return made;
}

// Means of groups as bars; `open` makes the link of one.
function meansChart(title, rows, task, run, open) {
  const top = task.share ? 1 : task.unit === "percent" ? 100 : Math.max(...rows.map((row) => row[1])) || 1;
  const lines = rows.map(([name, mean, n]) => el("tr", {},
    el("th", {}, open ? el("a", { href: open(name) }, name) : name),
    el("td.fill", {}, svg("svg.bar-chart", { viewBox: "0 0 200 14", preserveAspectRatio: "none" }, svg("rect.track", { width: 200, height: 10, y: 2, rx: 2 }), svg("rect.value", { width: Math.min(Math.max(mean / top, 0), 1) * 200, height: 10, y: 2, rx: 2 }))),
    el("td.n", {}, task.share ? `${(mean * 100).toFixed(1)} %` : figure(mean)), el("td.n.soft", {}, count(n, "sample"))));
  return chart(title, run, el("div.wide", {}, el("table.means", {}, el("tbody", {}, lines))));
}

function chart(title, run, ...content) {
  const who = lammView.data.runs.length > 1 ? el("span.who", { title: lammView.data.runs[run].name }, letterOf(run)) : null;
  return el("figure.chart", {}, el("figcaption", {}, who, " ", title), content);
}

function histogramChart(told, task, run) {
  const { counts, edges } = told, most = Math.max(...counts), wide = 320, high = 120, step = wide / counts.length;
  const made = svg("svg.histogram", { viewBox: `0 0 ${wide} ${high + 22}`, role: "img", "aria-label": "histogram of values" });
  counts.forEach((number, at) => {
    const tall = (number / most) * (high - 14);
    made.append(svg("rect.value", { x: at * step + 1, y: high - tall, width: step - 2, height: tall },
      svg("title", {}, `${figure(edges[at])} to ${figure(edges[at + 1])}: ${count(number, "sample")}`)));
    if (number) made.append(svg("text.tick", { x: (at + 0.5) * step, y: high - tall - 3, "text-anchor": "middle" }, number));
  });
  made.append(svg("path.axis", { d: `M0 ${high}H${wide}` }));
  for (const at of [0, counts.length / 2, counts.length]) {
    made.append(svg("text.tick", { x: at * step, y: high + 14, "text-anchor": at === 0 ? "start" : at === counts.length ? "end" : "middle" }, figure(edges[at])));
  }
  return chart(`values of samples (${task.metric}${task.better === "lower" ? ", lower is better" : ""})`, run, made);
}

function reliabilityChart(told, run) {
  const side = 220, made = svg("svg.reliability", { viewBox: `-34 -8 ${side + 46} ${side + 44}`, role: "img", "aria-label": "reliability diagram" },
    svg("rect.track", { width: side, height: side }), svg("path.ideal", { d: `M0 ${side}L${side} 0` }));
  const most = Math.max(...told.bins.map((bin) => bin[0]));
  const at = ([, sure, right]) => [sure * side, side - right * side];
  made.append(svg("path.curve", { d: `M${told.bins.map((bin) => at(bin).join(" ")).join("L")}` }));
  for (const bin of told.bins) {
    const [x, y] = at(bin);
    made.append(svg("circle.value", { cx: x, cy: y, r: 3 + 4 * Math.sqrt(bin[0] / most) }, svg("title", {}, `${count(bin[0], "answer")}: ${(bin[1] * 100).toFixed(1)} % sure, ${(bin[2] * 100).toFixed(1)} % right`)));
  }
  for (const share of [0, 0.5, 1]) {
    made.append(svg("text.tick", { x: share * side, y: side + 14, "text-anchor": "middle" }, share), svg("text.tick", { x: -6, y: side - share * side + 4, "text-anchor": "end" }, share));
  }
  made.append(svg("text.tick", { x: side / 2, y: side + 30, "text-anchor": "middle" }, "how sure (probability of the option chosen)"),
    svg("text.tick", { transform: `translate(-24 ${side / 2}) rotate(-90)`, "text-anchor": "middle" }, "how often right"));
  const ends = told.ci95 ? ` [${(told.ci95[0] * 100).toFixed(1)}, ${(told.ci95[1] * 100).toFixed(1)}]` : "";
  return chart(`reliability: calibration error ${(told.ece * 100).toFixed(1)} %${ends}, ${count(told.n, "answer")}`, run, made);
}

function confusionChart(told, task, run) {
  const { rows, columns, counts } = told;
  const body = rows.map((name, at) => {
    const total = counts[at].reduce((sum, one) => sum + one, 0);
    return el("tr", {}, el("th", { scope: "row", title: name }, name), counts[at].map((number, column) => {
      const share = total ? number / total : 0, right = columns[column] === name;
      const link = linkOf(only({ task: task.name, class: name, as: columns[column], ...leading(run) }));
      const listed = !["(others)"].includes(name) && columns[column] !== "(others)";
      const made = el(`td.cell${right ? ".hit" : ".miss"}`, { title: `${name} read as ${columns[column]}: ${count(number, "sample")} of ${total}` },
        number === 0 ? "" : listed ? el("a", { href: link }, number) : number);
      made.style.setProperty("--share", `${Math.round(share * 70)}%`);
      return made;
    }));
  });
  return chart(`true class (rows) and class read (columns), ${count(counts.flat().reduce((sum, one) => sum + one, 0), "sample")}`, run,
    el("div.wide", {}, el("table.confusion", {}, el("thead", {}, el("tr", {}, el("th"), columns.map((name) => el("th", { scope: "col", title: name }, el("span", {}, name))))), el("tbody", {}, body))));
}

const BY = { by_class: "mean value by true class", by_size: "by size of the things asked for", by_count: "by number of things" };

function chartsPage() {
  const tasks = lammView.data.tasks.filter((task) => task.figures.some((one) => Object.keys(one).length));
  if (!tasks.length) return el("main.page", {}, el("p.note", {}, "Charts need ten samples of a task, and data that are still there."));
  const chosen = tasks.find((task) => task.name === state.task) || tasks[0];
  const pick = el("select", { id: "by-task", onchange: (event) => go({ task: event.target.value }) }, tasks.map((task) => el("option", { value: task.name, selected: task === chosen }, task.name)));
  const found = shownRuns().map((run) => {
    const told = chosen.figures[run] || {};
    return el("div.column", {},
      told.confusion && confusionChart(told.confusion, chosen, run),
      told.reliability && reliabilityChart(told.reliability, run),
      told.histogram && histogramChart(told.histogram, chosen, run),
      Object.keys(BY).filter((key) => told[key] && !(key === "by_class" && told[key].length > 60)).map((key) =>
        meansChart(BY[key], told[key], chosen, run, key === "by_class" ? (name) => linkOf(only({ task: chosen.name, class: name, ...leading(run) })) : null)));
  });
  return el("main.page", {}, el("div.bar", {}, el("label.choice", {}, el("span", {}, "task"), pick), el("a.plain", { href: linkOf(only({ task: chosen.name })) }, "its samples")),
    el("div.columns", {}, found));
}
