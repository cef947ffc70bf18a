"use strict";
// One sample with everything about it: media, question, truth, and each run's answer, reading, prompt and values.
// `again`: it is shown already, and something about it is new.
async function showSample(place, number, list, again = false) {
  const name = linkName(number), top = again ? place.scrollTop : 0;
  if (!again && !lammView.details.has(Math.floor(number / lammView.data.more))) put(place, head(number, list), el("p.hint", {}, "loading …"));
  const more = await detailOf(number);
  if (state.open !== name) return; // another one was opened meanwhile
  if (lammView.turning) lammView.turning.free();
  lammView.turning = null;
  if (!more) return put(place, head(number, list), el("p.broken", {}, `data/more-${Math.floor(number / lammView.data.more)}.js cannot be loaded: the page's folder is not whole`));
  const runs = shownRuns();
  const shapes = [...more.shapes.map(([label, numbers]) => ["truth", label, numbers]), ...runs.flatMap((run, at) => ((more.said[run] || {}).shapes || []).map(([label, numbers]) => ["ab"[at], label, numbers]))];
  put(place, head(number, list),
    el("div.media", {}, layerBox(shapes), more.media.map((medium) => mediumOf(medium, shapes))),
    el("dl.asked", {},
      el("dt", {}, "question"), el("dd", {}, el("p.text", {}, more.question), choicesOf(more)),
      more.truth.length > 0 && [el("dt", {}, "right answer"), el("dd.truth", {}, answerOf(more.truth))]),
    el("div.sides", {}, runs.map((run, at) => side(number, more, run, at))));
  hideLayers();
  place.scrollTop = top;
}

const walkText = (list, number) => ` ${(list.place(linkName(number)) + 1).toLocaleString("en")} of ${list.numbers.length.toLocaleString("en")}`;

function head(number, list) {
  const at = list.place(linkName(number)), group = cell(number, "group");
  const walk = (by, text, title) => el("button", { type: "button", title, onclick: () => list.step(by) }, text);
  return el("header.sample-head", {},
    el("button.close", { type: "button", id: "close", title: "back to the list (Esc)", onclick: () => go({ open: "" }) }, "✕"),
    el("h2", {}, taskOf(number).name, " ", el("small", {}, cell(number, "id"))),
    el("span.walk", {}, walk(-1, "↑", "the sample before (k)"), walk(1, "↓", "the next sample (j)"), at >= 0 && el("small", {}, walkText(list, number))),
    group && el("a.plain", { href: linkOf(only({ group, task: "" })), title: "every sample of this image or room" }, "same media"));
}

function choicesOf(more) {
  if (!more.choices.length || more.choices.every((choice) => more.question.includes(choice))) return null;
  return el("ol.choices", { type: "A" }, more.choices.map((choice) => el("li", {}, choice)));
}

// Parts of an answer; what was read is marked.
function answerOf(parts) {
  const text = (runs) => runs.map(([words, read]) => (read ? el("mark", { title: "this was read" }, words) : words));
  if (parts.length === 1 && !parts[0][0]) return el("p.text", {}, parts[0][1].length ? text(parts[0][1]) : el("i", {}, "empty"));
  return el("table.parts", {}, el("tbody", {}, parts.map(([part, runs]) => el("tr", {}, el("th", {}, part), el("td.text", {}, runs.length ? text(runs) : el("i", {}, "empty"))))));
}

function side(number, more, run, at) {
  const own = more.said[run], status = cell(number, `status${run}`), tone = cell(number, `tone${run}`), value = cell(number, `value${run}`);
  const several = lammView.data.runs.length > 1;
  const title = el("h3", {}, several && el(`span.who.${"ab"[at]}`, {}, letterOf(run)), several && el("span.run-name", {}, lammView.data.runs[run].name), verdict(status, tone), value !== null && value !== undefined && el("span.value", { title: taskOf(number).metric }, figure(value, 3)));
  if (!own) return el("section.side", { "data-run": run }, title, el("p.soft", {}, lammView.data.runs[run].finished === false ? "This run has not been asked about this sample yet." : "This run was not asked about this sample."));
  return el(`section.side.edge-${tone || "none"}`, { "data-run": run }, title,
    own.error && el("p.broken", {}, own.error),
    own.answer && el("div.said", {}, answerOf(own.answer)),
    own.reading && el("p.reading", {}, el("b", {}, "read as "), own.reading),
    own.weights && weightsOf(own, more),
    own.thoughts && folded(own.thoughts.length === 1 ? "the thought before the answer" : `${own.thoughts.length} thoughts`, own.thoughts.map((text) => el("p.text", {}, text)), "thought"),
    own.dialogue && folded(`${own.dialogue.length} responses`, el("ol", {}, own.dialogue.map((text) => el("li.text", {}, text)))),
    own.asked && folded(`the prompt as sent${own.asked.length > 1 ? ` (${own.asked.length} requests)` : ""}`, own.asked.map(promptOf), "prompt"),
    own.values && folded("values", el("dl.values", {}, own.values.map(([name, text]) => [el("dt", {}, name), el("dd", {}, text)]))),
    own.seconds && el("p.soft", {}, `${own.seconds} s`));
}

function folded(title, content, name = "fold") {
  const made = el(`details.${name}`, { ontoggle: () => { lammView.unfolded[name] = made.open; } }, el("summary", {}, title), content);
  made.open = Boolean(lammView.unfolded[name]);
  return made;
}

function promptOf(request) {
  return el("div.request", {},
    request.other && el("p.note", {}, "Not word for word: today's code would ask this, and the run's records answer other words."),
    request.part && el("b", {}, request.part),
    request.messages.map(([role, text]) => el("div.message", {}, el("span.role", {}, role), el("p.text", {}, text))),
    request.begun && el("div.message", {}, el("span.role", {}, "answer begins"), el("p.text", {}, request.begun)),
    request.options && el("div.message", {}, el("span.role", {}, "options weighed"), el("ol", {}, request.options.map((option) => el("li.text", {}, option)))));
}

// What the model gave each option, where likelihood decided.
function weightsOf(own, more) {
  const best = Math.max(...own.weights);
  return el("table.means.weights", {}, el("tbody", {}, own.weights.map((weight, at) => {
    const prob = own.probs ? own.probs[at] : null;
    return el(`tr${weight === best ? ".chosen" : ""}`, {}, el("th", {}, more.choices[at] ?? LETTERS[at] ?? at + 1),
      el("td.fill", {}, prob !== null && svg("svg.bar-chart", { viewBox: "0 0 100 14", preserveAspectRatio: "none" }, svg("rect.track", { width: 100, height: 10, y: 2 }), svg("rect.value", { width: prob * 100, height: 10, y: 2 }))),
      el("td.n", { title: `log-likelihood ${weight}` }, prob !== null ? `${(prob * 100).toFixed(1)} %` : figure(weight)));
  })));
}
