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
  byId("count").textContent = `${shown} of ${cards.length} samples shown`;
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
    const reach = Math.hypot(...low.map((value, axis) => (high[axis] - value) / 2)) || 1;
    unpacked.set(number, { places, colours: bytes.subarray(count * 6), count, centre, reach });
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
    this.zoom = 1;
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
    const { places, colours, count } = this.cloud;
    const pen = this.canvas.getContext("2d");
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const points = [];
    for (let i = 0; i < count; i++) points.push([i, this.project([places[3 * i], places[3 * i + 1], places[3 * i + 2]])]);
    points.sort((one, other) => one[1][2] - other[1][2]);
    for (const [i, [x, y]] of points) {
      pen.fillStyle = `rgb(${colours[3 * i]},${colours[3 * i + 1]},${colours[3 * i + 2]})`;
      pen.fillRect(x - 2, y - 2, 4, 4);
    }
    for (const [who, label, box] of this.boxes) {
      if (byId(`show-${who}`)?.checked !== false) this.drawBox(pen, who, label, box);
    }
  }

  drawBox(pen, who, label, [x, y, z, l, w, h]) {
    const corners = [];
    for (const i of [-1, 1]) for (const j of [-1, 1]) for (const k of [-1, 1]) corners.push(this.project([x + (i * l) / 2, y + (j * w) / 2, z + (k * h) / 2]));
    pen.strokeStyle = pen.fillStyle = COLOURS[who];
    pen.lineWidth = 2;
    pen.setLineDash(who === "said" ? [8, 4] : []);
    pen.beginPath();
    for (const [from, to] of EDGES) {
      pen.moveTo(corners[from][0], corners[from][1]);
      pen.lineTo(corners[to][0], corners[to][1]);
    }
    pen.stroke();
    const top = corners.reduce((one, other) => (other[1] < one[1] ? other : one));
    pen.font = "16px sans-serif";
    pen.fillText(label, top[0] + 4, top[1] - 4);
  }

  turn(dx, dy) {
    this.yaw += dx * 0.01;
    this.pitch = Math.max(0, Math.min(Math.PI / 2, this.pitch + dy * 0.01));
    this.draw();
  }

  look(how) {
    if (how === "top") [this.yaw, this.pitch] = [0, 0];
    if (how === "side") [this.yaw, this.pitch] = [0.6, 1.1];
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
