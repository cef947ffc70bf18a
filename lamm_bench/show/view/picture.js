"use strict";
// A picture with the places that were asked for and said, and the dialog in which it is seen large.
const LAYERS = { truth: "right", a: "A", b: "B" };
lammView.layers = { truth: true, a: true, b: true };

// `shapes`: [who, label, numbers] with numbers in fractions of the picture: a point of two, a box of four.
function overlay(shapes, width, height) {
  const unit = Math.max(width, height), letters = unit / (shapes.length > 8 ? 34 : 28), parts = [];
  const clip = (value) => Math.min(Math.max(value, -0.05), 1.05);
  for (const [who, label, numbers] of shapes) {
    const title = svg("title", {}, `${who === "truth" ? "right" : letterOf(who === "a" ? state.a : state.b)}: ${label || "place"}`);
    const [x, y] = [clip(numbers[0]) * width, clip(numbers[1]) * height];
    if (numbers.length === 2) {
      parts.push(svg(`circle.shape.${who}`, { cx: x, cy: y, r: unit / (who === "truth" ? 60 : 85) }, title));
      if (label) parts.push(svg(`text.shape-name.${who}`, { x: x + unit / 70, y: y + letters / 3, "font-size": letters * 0.75 }, label));
    } else if (numbers.length === 4) {
      const [u, v] = [clip(numbers[2]) * width, clip(numbers[3]) * height], left = Math.min(x, u), top = Math.min(y, v), bottom = Math.max(y, v);
      parts.push(svg(`rect.shape.${who}`, { x: left, y: top, width: Math.abs(u - x), height: Math.abs(v - y) }, title));
      const line = who === "truth" ? top + letters : bottom - letters * (who === "a" ? 0.3 : 1.35);
      if (label) parts.push(svg(`text.shape-name.${who}`, { x: left + unit / 120, y: line, "font-size": letters }, label));
    }
  }
  return svg("svg.overlay", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none" }, parts);
}

function pictureOf(medium, shapes, large = false) {
  const { file, width, height, tiny, name } = medium;
  const image = el(`img${tiny ? ".tiny" : ""}`, { src: file, alt: name, width, height, draggable: "false" });
  const frame = el("div.frame", {}, image, overlay(shapes, width, height));
  // small pictures are enlarged, large ones fit; both keep their shape
  frame.style.setProperty("--shape", `${width} / ${height}`);
  frame.style.setProperty("--wide", large ? `min(94vw, calc(88vh * ${width / height}))` : `min(100%, calc(44vh * ${width / height}), ${Math.max(width, 420)}px)`);
  if (!large) {
    frame.setAttribute("role", "button");
    frame.setAttribute("tabindex", "0");
    frame.setAttribute("title", `${name}, ${width} × ${height}; click to enlarge`);
    frame.addEventListener("click", () => enlarge(medium, shapes));
    frame.addEventListener("keydown", (event) => { if (event.key === "Enter") enlarge(medium, shapes); });
  }
  return frame;
}

function enlarge(medium, shapes) {
  const made = el("dialog.large", { onclick: () => made.close(), onclose: () => made.remove() }, pictureOf(medium, shapes, true), el("p", {}, `${medium.name}, ${medium.width} × ${medium.height} pixels`));
  document.body.append(made);
  made.showModal();
}

// One medium as an element; clouds come when their script does.
function mediumOf(medium, shapes) {
  if (medium.broken) return el("p.broken", {}, `${medium.name}: ${medium.broken}`);
  if (medium.file && !medium.cloud) return pictureOf(medium, shapes);
  if (!medium.cloud) return el("p.broken", {}, `${medium.name}: this page was written without pictures`);
  const place = el("div.stage.loading", {}, "loading the cloud …");
  const boxes = shapes.filter(([, , numbers]) => numbers.length === 6);
  cloudOf(medium.cloud).then((packed) => {
    if (!place.isConnected) return;
    if (!packed) return put(place, el("p.broken", {}, `${medium.name}: its file is not there`));
    if (lammView.turning) lammView.turning.free();
    lammView.turning = new Cloud(packed, boxes);
    place.replaceWith(lammView.turning.element);
    hideLayers();
  });
  return place;
}

// What is drawn of truth and answers.
function layerBox(shapes) {
  const there = ["truth", "a", "b"].filter((who) => shapes.some(([one]) => one === who));
  if (!there.length) return null;
  return el("div.layers", {}, there.map((who) => {
    const text = who === "truth" ? "right" : lammView.data.runs.length > 1 ? letterOf(who === "a" ? state.a : state.b) : "answer";
    const box = el("input", { type: "checkbox", id: `layer-${who}`, onchange: (event) => { lammView.layers[who] = event.target.checked; hideLayers(); } });
    box.checked = lammView.layers[who];
    return el(`label.layer.${who}`, {}, box, text, el("small", {}, `${shapes.filter(([one]) => one === who).length}`));
  }));
}

function hideLayers() {
  for (const who of Object.keys(LAYERS)) document.body.classList.toggle(`hide-${who}`, !lammView.layers[who]);
  if (lammView.turning) {
    lammView.turning.hidden = new Set(Object.keys(LAYERS).filter((who) => !lammView.layers[who]));
    lammView.turning.draw();
  }
}
