"use strict";
// Filters, and clouds that can be turned. Everything here works on what is already in the page.

const byId = (id) => document.getElementById(id);
const cards = [...document.querySelectorAll(".card")];

function filter() {
  const task = byId("by-task").value, status = byId("by-status").value;
  let shown = 0;
  for (const card of cards) {
    card.hidden = (task !== "" && card.dataset.task !== task) || (status !== "" && card.dataset.status !== status);
    shown += !card.hidden;
  }
  for (const section of document.querySelectorAll("section.task")) {
    section.hidden = (task !== "" && section.dataset.task !== task) || (status !== "" && !section.querySelector(".card:not([hidden])"));
  }
  byId("count").textContent = `${shown} of ${cards.length} shown`;
  byId("none").hidden = shown > 0;
}

function drawn() {
  document.body.classList.toggle("hide-truth", !byId("show-truth").checked);
  document.body.classList.toggle("hide-said", !byId("show-said").checked);
  for (const view of views.values()) view.draw();
}

const stored = JSON.parse(byId("clouds").textContent);
const unpacked = new Map();

// x, y, z as uint16 fractions of the extent, then colours as bytes (lamm_bench/report/pictures.py)
function cloud(number) {
  if (!unpacked.has(number)) {
    const { data, count, low, high } = stored[number];
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    const numbers = new DataView(bytes.buffer);
    const places = new Float32Array(count * 3);
    for (let i = 0; i < count * 3; i++) {
      const axis = i % 3;
      places[i] = low[axis] + (numbers.getUint16(i * 2, true) / 65535) * (high[axis] - low[axis]);
    }
    const centre = low.map((value, axis) => (value + high[axis]) / 2);
    const half = low.map((value, axis) => (high[axis] - value) / 2 || 1), reach = Math.hypot(...half);
    unpacked.set(number, { places, colours: bytes.subarray(count * 6), count, centre, half, reach });
  }
  return unpacked.get(number);
}

const EDGES = [[0, 1], [1, 3], [3, 2], [2, 0], [4, 5], [5, 7], [7, 6], [6, 4], [0, 4], [1, 5], [2, 6], [3, 7]];
const COLOURS = { truth: "#12d8a0", said: "#ff8a3d" };

class View {
  constructor(canvas) {
    this.canvas = canvas;
    this.boxes = JSON.parse(canvas.dataset.boxes);
    this.yaw = 0;
    this.pitch = 0; // 0 looks down from above
    this.zoom = 0; // of the whole, once it is known how wide that is
  }

  // As many pixels as the screen has, so that names can be read on a phone, too.
  fit() {
    const { canvas } = this, ratio = Math.min(devicePixelRatio || 1, 3), wide = Math.round(canvas.clientWidth * ratio) || canvas.width;
    if (canvas.width !== wide) [canvas.width, canvas.height] = [wide, Math.round(wide * 0.733)];
    this.pixel = ratio;
    this.zoom = this.zoom || this.whole();
  }

  // how much larger the cloud can be while one looks down from above
  whole() {
    const { width, height } = this.canvas, { half, reach } = this.cloud;
    return Math.max(1, (0.9 * Math.min(width / half[0], height / half[1])) / (Math.min(width, height) / reach));
  }

  // pixels of a metre at which the whole cloud is in the picture, however it is turned
  get scale() {
    return (Math.min(this.canvas.width, this.canvas.height) / 2 / this.cloud.reach) * 0.96 * this.zoom;
  }

  // screen x, y and depth of a point in metres; z is up
  project([x, y, z]) {
    const { centre } = this.cloud;
    const a = x - centre[0], b = y - centre[1], c = z - centre[2];
    const u = a * Math.cos(this.yaw) - b * Math.sin(this.yaw), v = a * Math.sin(this.yaw) + b * Math.cos(this.yaw);
    const up = v * Math.cos(this.pitch) + c * Math.sin(this.pitch), depth = c * Math.cos(this.pitch) - v * Math.sin(this.pitch);
    const scale = this.scale;
    return [this.canvas.width / 2 + u * scale, this.canvas.height / 2 - up * scale, depth];
  }

  draw() {
    this.cloud = cloud(Number(this.canvas.dataset.cloud));
    this.fit();
    const { places, colours, count } = this.cloud;
    const pen = this.canvas.getContext("2d");
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const points = [], dot = Math.max(2, this.canvas.width / 150);
    for (let i = 0; i < count; i++) points.push([i, this.project([places[3 * i], places[3 * i + 1], places[3 * i + 2]])]);
    points.sort((one, other) => one[1][2] - other[1][2]);
    for (const [i, [x, y]] of points) {
      pen.fillStyle = `rgb(${colours[3 * i]},${colours[3 * i + 1]},${colours[3 * i + 2]})`;
      pen.fillRect(x - dot / 2, y - dot / 2, dot, dot);
    }
    for (const [who, label, box] of this.boxes) {
      if (byId(`show-${who}`)?.checked !== false) this.drawBox(pen, who, label, box);
    }
  }

  drawBox(pen, who, label, [x, y, z, l, w, h]) {
    const corners = [];
    for (const i of [-1, 1]) for (const j of [-1, 1]) for (const k of [-1, 1]) corners.push(this.project([x + (i * l) / 2, y + (j * w) / 2, z + (k * h) / 2]));
    pen.strokeStyle = pen.fillStyle = COLOURS[who];
    pen.lineWidth = 1.6 * this.pixel;
    pen.setLineDash(who === "said" ? [6 * this.pixel, 4 * this.pixel] : []);
    pen.beginPath();
    for (const [from, to] of EDGES) {
      pen.moveTo(corners[from][0], corners[from][1]);
      pen.lineTo(corners[to][0], corners[to][1]);
    }
    pen.stroke();
    const top = corners.reduce((one, other) => (other[1] < one[1] ? other : one));
    pen.font = `600 ${12 * this.pixel}px sans-serif`;
    pen.setLineDash([]);
    pen.strokeStyle = "#000c";
    pen.lineWidth = 3 * this.pixel;
    pen.lineJoin = "round";
    const [left, line] = [Math.min(top[0] + 4, this.canvas.width - pen.measureText(label).width - 4), Math.max(top[1] - 4, 13 * this.pixel)];
    pen.strokeText(label, left, line); // dark around the letters, whatever lies behind them
    pen.fillText(label, left, line);
  }

  turn(dx, dy) {
    this.yaw += dx * 0.01;
    this.pitch = Math.max(0, Math.min(Math.PI / 2, this.pitch + dy * 0.01));
    this.draw();
  }

  look(how) {
    if (how === "top") [this.yaw, this.pitch, this.zoom] = [0, 0, this.whole()];
    if (how === "side") [this.yaw, this.pitch, this.zoom] = [0.6, 1.1, 1];
    if (how === "in") this.zoom *= 1.25;
    if (how === "out") this.zoom /= 1.25;
    this.draw();
  }
}

const views = new Map();
const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting || views.has(target)) continue;
    const view = new View(target);
    views.set(target, view);
    view.draw();
  }
}, { rootMargin: "400px" });

for (const canvas of document.querySelectorAll("canvas[data-cloud]")) {
  seen.observe(canvas);
  let last = null;
  canvas.addEventListener("pointerdown", (event) => { last = event; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    views.get(canvas).turn(event.clientX - last.clientX, event.clientY - last.clientY);
    last = event;
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { last = null; });
  canvas.parentElement.addEventListener("click", (event) => {
    if (event.target.dataset.view) views.get(canvas).look(event.target.dataset.view);
  });
}

for (const figure of document.querySelectorAll(".card figure:not(.cloud)")) {
  figure.addEventListener("click", () => figure.closest(".card").classList.toggle("large"));
}

if (byId("by-task")) {
  for (const id of ["by-task", "by-status"]) byId(id).addEventListener("change", filter);
  for (const id of ["show-truth", "show-said"]) byId(id).addEventListener("change", drawn);
  filter();
}
