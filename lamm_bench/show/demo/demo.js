"use strict";
// A conversation with one model or two about a picture or a cloud. The models are asked at the same address as any client would.
const names = JSON.parse(document.body.dataset.models), cloudKind = document.body.dataset.cloud;
const state = { a: 0, b: 1 };
const talk = { shown: null, turns: names.map(() => []), busy: 0 }; // shown: { kind, url, name, size } or nothing
const WHO = ["a", "b"];

function build() {
  const file = el("input", { type: "file", id: "file", accept: "image/*,.npy", onchange: () => file.files[0] && take(file.files[0]) });
  const words = el("textarea", { id: "words", rows: 2, placeholder: `Ask about it …${matchMedia("(pointer: coarse)").matches ? "" : "  (Enter sends, Shift+Enter breaks the line)"}`, onkeydown: (event) => { if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); send(); } } });
  put(byId("page"),
    el("header.top", {}, el("b", {}, "lamm-bench demo"), el("span.soft.names", {}, names.join(" and ")), el("div.tools", {}, el("button", { type: "button", id: "again", onclick: begin }, "begin anew"))),
    el("main.demo", {},
      el("section.shown", { ondragover: (event) => event.preventDefault(), ondrop: (event) => { event.preventDefault(); if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]); } },
        el("label.drop", {}, el("span", { id: "named" }, `Choose or drop a picture${cloudKind ? ", or a cloud (.npy)" : ""}`), el("small", {}, "choose another"), file), el("div", { id: "shown" })),
      el("section.talks", { id: "talks" }, names.map((name, at) => el("div.talk", { "data-model": name }, el("h2", {}, names.length > 1 && el(`span.who.${WHO[at]}`, {}, letterOf(at)), " ", name), el("ol.turns", { id: `turns-${at}`, "aria-live": "polite" })))),
      el("form.say", { id: "say", onsubmit: (event) => { event.preventDefault(); send(); } }, words, el("button", { id: "send" }, "send"))));
}

// A file becomes what is talked about, and the conversation begins anew.
function take(file) {
  const reader = new FileReader();
  reader.onload = () => show(file.name, String(reader.result));
  reader.readAsDataURL(file);
}

async function show(name, url) {
  begin();
  byId("named").textContent = name;
  document.body.classList.add("showing");
  const place = byId("shown"), data = url.slice(url.indexOf(",") + 1);
  if (/\.npy$/i.test(name) && cloudKind) {
    talk.shown = { kind: cloudKind, url: `data:application/octet-stream;base64,${data}`, name, size: null };
    const heard = await post("/demo/cloud", { type: cloudKind, url: talk.shown.url });
    if (heard.error) return fail(place, heard.error.message);
    talk.shown.packed = heard;
    return draw([]);
  }
  const image = new Image();
  image.onload = () => {
    talk.shown = { kind: "image_url", url, name, size: [image.naturalWidth, image.naturalHeight] };
    draw([]);
  };
  image.onerror = () => fail(place, `${name} is no picture that this browser can show`);
  image.src = url;
}

function fail(place, message) {
  talk.shown = null;
  put(place, el("p.broken", {}, message));
}

function begin() {
  talk.turns = names.map(() => []);
  names.forEach((_, at) => put(byId(`turns-${at}`)));
  if (talk.shown) draw([]);
}

// What is shown, with the places of the latest answers.
function draw(shapes) {
  const { packed, url, size, name } = talk.shown;
  if (lammView.turning) lammView.turning.free();
  lammView.turning = null;
  if (packed) {
    lammView.turning = new Cloud(packed, shapes.filter(([, , numbers]) => numbers.length === 6));
    put(byId("shown"), layerOf(shapes), lammView.turning.element);
    lammView.turning.draw();
  } else put(byId("shown"), layerOf(shapes), pictureOf({ file: url, width: size[0], height: size[1], tiny: Math.max(...size) <= 96, name }, shapes));
}

function layerOf(shapes) {
  return el("p.layers", {}, names.map((name, at) => { const found = shapes.filter(([who]) => who === WHO[at]).length; return found > 0 && el(`span.layer.${WHO[at]}`, {}, `${count(found, "place")} of ${name}`); }));
}

async function send() {
  const words = byId("words").value.trim();
  if (!words || talk.busy) return;
  byId("words").value = "";
  talk.busy = names.length;
  byId("send").disabled = true;
  const found = await Promise.all(names.map((name, at) => ask(name, at, words)));
  talk.busy = 0;
  byId("send").disabled = false;
  if (talk.shown) draw(found.flat());
}

// One question to one model; gives the places in its answer.
async function ask(name, at, words) {
  const list = byId(`turns-${at}`), said = el("p.text"), turns = talk.turns[at];
  list.append(el("li.user", {}, el("p.text", {}, words)), el("li.model", {}, said));
  const first = !turns.length && talk.shown ? [{ type: talk.shown.kind, [talk.shown.kind]: { url: talk.shown.url, name: talk.shown.name } }] : [];
  const asked = { role: "user", content: [...first, { type: "text", text: words }] };
  try {
    const text = await streamed({ model: name, messages: [...turns, asked], stream: true }, (so_far) => { said.textContent = so_far; });
    turns.push(asked, { role: "assistant", content: text });
    if (!text) said.append(el("i", {}, "empty"));
    if (!talk.shown) return [];
    const places = await post("/demo/places", { model: name, text, size: talk.shown.size });
    return Array.isArray(places) ? places.map(([label, numbers]) => [WHO[at], label, numbers]) : [];
  } catch (error) {
    said.parentElement.classList.add("broken"); // a question that failed leaves no trace in the conversation
    said.textContent = error.message;
    return [];
  }
}

const sent = (body) => ({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

async function post(path, body) {
  return (await fetch(path, sent(body))).json();
}

// Reads server-sent events; gives the whole text. Throws the server's sentence.
async function streamed(body, tell) {
  const answer = await fetch("/v1/chat/completions", sent(body));
  if (!answer.ok) throw new Error((await answer.json()).error.message);
  const reader = answer.body.getReader(), decoder = new TextDecoder();
  let text = "", rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return text;
    const events = (rest + decoder.decode(value, { stream: true })).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const data = event.replace(/^data: /, "");
      if (data === "[DONE]") continue;
      const told = JSON.parse(data);
      if (told.error) throw new Error(told.error.message);
      text += told.choices[0].delta.content || "";
    }
    tell(text);
  }
}

build();
