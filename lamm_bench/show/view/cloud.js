"use strict";
// Point clouds that can be turned: WebGL2, and a canvas where it is missing. z is up; boxes are centre and extents in metres.
const EDGES = [[0, 1], [1, 3], [3, 2], [2, 0], [4, 5], [5, 7], [7, 6], [6, 4], [0, 4], [1, 5], [2, 6], [3, 7]];
const COLOURS = { truth: [0.07, 0.72, 0.42], a: [0.95, 0.45, 0.05], b: [0.25, 0.5, 1] };
const THICK = [[-1, -1], [-1, 1], [1, -1], [1, 1], [0, 0]]; // half pixels
const FEW = 8000; // points that a canvas without WebGL draws
const STEPS = [1, 2, 4, 8, 16]; // of the points, while it moves; a vertex' stride is 255 bytes at most
const SLOW = 40, QUICK = 20, REST = 250; // milliseconds of a frame: fewer points, more of them; without motion: all
const VERTEX = `#version 300 es
in vec3 place; in vec3 colour; uniform mat3 turn; uniform vec3 centre; uniform vec2 scale; uniform float size; uniform float deep; uniform vec2 aside; out vec3 shade;
void main() { vec3 at = turn * (place - centre); gl_Position = vec4(at.xy * scale + aside, -at.z * deep, 1.0); gl_PointSize = size; shade = colour; }`;
const FRAGMENT = `#version 300 es
precision mediump float; in vec3 shade; out vec4 pixel; void main() { pixel = vec4(shade, 1.0); }`;

// Places as float32 and colours as bytes of what pictures.py packed.
function unpack({ data, count: points, low, high }) {
  const letters = atob(data), bytes = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at++) bytes[at] = letters.charCodeAt(at);
  const packed = new Uint16Array(bytes.buffer, 0, points * 3), places = new Float32Array(points * 3);
  for (let axis = 0; axis < 3; axis++) {
    const step = (high[axis] - low[axis]) / 65535;
    for (let at = axis; at < packed.length; at += 3) places[at] = low[axis] + packed[at] * step;
  }
  const centre = low.map((value, axis) => (value + high[axis]) / 2);
  const reach = Math.hypot(...low.map((value, axis) => (high[axis] - value) / 2)) || 1;
  return { places, colours: bytes.subarray(points * 6, points * 9), points, centre, reach };
}

// A canvas and its context, without smooth edges where no graphics card makes them: they take half the time there.
function drawable(canvas) {
  const made = canvas(), gl = made.getContext("webgl2", { antialias: !lammView.noCard });
  if (!gl || lammView.noCard) return [made, gl];
  const told = gl.getExtension("WEBGL_debug_renderer_info");
  lammView.noCard = /swiftshader|llvmpipe|software|basic render/i.test(gl.getParameter(told ? told.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  return lammView.noCard ? drawable(canvas) : [made, gl];
}

class Cloud {
  constructor(packed, boxes) {
    Object.assign(this, { cloud: unpack(packed), boxes, yaw: 0.6, pitch: 0.75, zoom: 1, hidden: new Set(), step: 1, smooth: 0 });
    const canvas = () => el("canvas.cloud", { tabindex: "0", "aria-label": `point cloud of ${this.cloud.points} points; drag to turn, wheel to come nearer` });
    this.labels = el("div.labels");
    [this.canvas, this.gl] = drawable(canvas);
    if (lammView.noCard) this.step = STEPS.at(-1);
    if (this.gl) this.prepare();
    this.listen();
    const button = (text, what, title) => el("button", { type: "button", title, onclick: what }, text);
    this.element = el("div.stage", { "data-drawn": this.gl ? "webgl2" : "canvas" }, this.canvas, this.labels, el("div.buttons", {},
      button("top", () => this.look(0, 0), "look down from above"), button("side", () => this.look(0.6, 1.25), "look from the side"),
      button("↻", () => this.spin(), "turn by itself, or stop"),
      button("+", () => this.near(1.25), "nearer"), button("−", () => this.near(0.8), "farther")));
    new ResizeObserver(([told]) => { this.size = [told.contentRect.width, told.contentRect.height]; this.draw(); }).observe(this.canvas);
  }

  prepare() {
    const { gl } = this, program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    const known = {};
    this.at = (name) => (known[name] ??= gl.getUniformLocation(program, name));
    this.points = this.buffers(program, this.cloud.places, this.cloud.colours, STEPS);
    const lines = this.boxes.map(([who, , box]) => [who, this.corners(box)]);
    this.lines = lines.map(([who, corners]) => {
      const places = new Float32Array(EDGES.flatMap(([from, to]) => [...corners[from], ...corners[to]]));
      const colours = new Uint8Array(EDGES.flatMap(() => [...COLOURS[who], ...COLOURS[who]].map((part) => part * 255)));
      return [who, this.buffers(program, places, colours, [1])[0]];
    });
    gl.enable(gl.DEPTH_TEST);
  }

  // For each step an array that takes every so manieth vertex of the same buffers.
  buffers(program, places, colours, steps) {
    const { gl } = this, made = steps.map(() => gl.createVertexArray());
    for (const [name, data, type] of [["place", places, gl.FLOAT], ["colour", colours, gl.UNSIGNED_BYTE]]) {
      const at = gl.getAttribLocation(program, name);
      gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
      gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
      made.forEach((own, number) => {
        gl.bindVertexArray(own);
        gl.enableVertexAttribArray(at);
        gl.vertexAttribPointer(at, 3, type, type !== gl.FLOAT, 3 * data.BYTES_PER_ELEMENT * steps[number], 0);
      });
    }
    return made;
  }

  corners([x, y, z, l, w, h]) {
    const found = [];
    for (const i of [-1, 1]) for (const j of [-1, 1]) for (const k of [-1, 1]) found.push([x + (i * l) / 2, y + (j * w) / 2, z + (k * h) / 2]);
    return found;
  }

  // rows of the turn: right, up and towards the eye
  get turn() {
    const [c, s, p, q] = [Math.cos(this.yaw), Math.sin(this.yaw), Math.cos(this.pitch), Math.sin(this.pitch)];
    return [[c, -s, 0], [s * p, c * p, q], [-s * q, -c * q, p]];
  }

  project(place, wide, high) {
    const from = place.map((value, axis) => value - this.cloud.centre[axis]);
    const [x, y, z] = this.turn.map((row) => row.reduce((sum, value, axis) => sum + value * from[axis], 0));
    const scale = (Math.min(wide, high) / 2 / this.cloud.reach) * this.zoom;
    return [wide / 2 + x * scale, high / 2 - y * scale, z];
  }

  // Every `step`-th point.
  draw(step = 1) {
    const [width, height] = this.size || [this.canvas.clientWidth, this.canvas.clientHeight];
    const ratio = Math.min(window.devicePixelRatio || 1, 2), wide = Math.round(width * ratio), high = Math.round(height * ratio);
    if (!wide || !high) return;
    if (this.canvas.width !== wide || this.canvas.height !== high) [this.canvas.width, this.canvas.height] = [wide, high];
    if (this.gl) this.drawFast(wide, high, ratio, step);
    else this.drawPlain(wide, high);
    this.name(wide / ratio, high / ratio);
  }

  drawFast(wide, high, ratio, step) {
    const { gl, cloud } = this, points = Math.floor(cloud.points / step), scale = (Math.min(wide, high) / cloud.reach) * this.zoom;
    gl.viewport(0, 0, wide, high);
    gl.clearColor(0.1, 0.11, 0.13, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.uniformMatrix3fv(this.at("turn"), true, this.turn.flat());
    gl.uniform3fv(this.at("centre"), cloud.centre);
    gl.uniform2f(this.at("scale"), scale / wide, scale / high);
    gl.uniform1f(this.at("deep"), 0.9 / cloud.reach);
    gl.uniform1f(this.at("size"), Math.max(1, Math.min(7, (scale * cloud.reach) / Math.sqrt(points) / 1.3)) * Math.max(1, ratio * 0.75));
    gl.uniform2f(this.at("aside"), 0, 0);
    gl.bindVertexArray(this.points[STEPS.indexOf(step)]);
    gl.drawArrays(gl.POINTS, 0, points);
    gl.disable(gl.DEPTH_TEST); // a box is seen through what stands before it
    for (const [who, lines] of this.lines) {
      if (this.hidden.has(who)) continue;
      gl.bindVertexArray(lines);
      for (const [x, y] of THICK) { // WebGL draws lines of one pixel: a few beside each other can be seen
        gl.uniform2f(this.at("aside"), (x * ratio) / wide, (y * ratio) / high);
        gl.drawArrays(gl.LINES, 0, EDGES.length * 2);
      }
    }
    gl.enable(gl.DEPTH_TEST);
  }

  drawPlain(wide, high) {
    const pen = this.canvas.getContext("2d"), { places, colours, points } = this.cloud, step = Math.max(1, Math.floor(points / FEW)), found = [];
    pen.fillStyle = "#1a1c21";
    pen.fillRect(0, 0, wide, high);
    for (let at = 0; at < points; at += step) found.push([at, this.project([places[3 * at], places[3 * at + 1], places[3 * at + 2]], wide, high)]);
    found.sort((one, other) => one[1][2] - other[1][2]);
    for (const [at, [x, y]] of found) {
      pen.fillStyle = `rgb(${colours[3 * at]},${colours[3 * at + 1]},${colours[3 * at + 2]})`;
      pen.fillRect(x - 2, y - 2, 4, 4);
    }
    pen.lineWidth = 2;
    for (const [who, , box] of this.boxes) {
      if (this.hidden.has(who)) continue;
      const corners = this.corners(box).map((corner) => this.project(corner, wide, high));
      pen.strokeStyle = `rgb(${COLOURS[who].map((part) => Math.round(part * 255)).join(",")})`;
      pen.beginPath();
      for (const [from, to] of EDGES) {
        pen.moveTo(corners[from][0], corners[from][1]);
        pen.lineTo(corners[to][0], corners[to][1]);
      }
      pen.stroke();
    }
  }

  // Labels are elements over the canvas, so that they can be read whatever its resolution; they are moved, never laid out.
  name(wide, high) {
    const shown = this.boxes.filter(([who, label]) => label && !this.hidden.has(who)), key = [...this.hidden].join();
    if (key !== this.named) put(this.labels, shown.map(([who, label]) => el(`span.label.${who}`, {}, label)));
    this.named = key;
    shown.forEach(([, , box], at) => {
      const [x, y] = this.corners(box).map((corner) => this.project(corner, wide, high)).reduce((one, other) => (other[1] < one[1] ? other : one));
      this.labels.children[at].style.transform = `translate(${x}px, ${y}px) translate(-50%, -100%)`;
    });
  }

  look(yaw, pitch) {
    [this.yaw, this.pitch] = [yaw, pitch];
    this.draw();
  }

  // Something about the view has changed: it is drawn once, in the next frame.
  moved() {
    if (this.queued) return;
    this.queued = true;
    requestAnimationFrame((now) => {
      this.queued = false;
      this.follow(now);
    });
  }

  // While the view moves, each so manieth point is drawn, as many as keep it smooth; all of them once it rests.
  follow(now) {
    const took = now - (this.before ?? now);
    this.before = now;
    if (took > SLOW && took < 20 * REST) [this.step, this.smooth] = [Math.min(this.step * 2, STEPS.at(-1)), 0];
    else if (took < QUICK && ++this.smooth > 60) [this.step, this.smooth] = [Math.max(1, this.step / 2), 0];
    clearTimeout(this.rest);
    this.rest = setTimeout(() => { this.before = undefined; if (this.canvas.isConnected && this.step > 1) this.draw(); }, Math.max(REST, 2 * took));
    this.draw(this.step);
  }

  // A slow turn, until it is touched or taken away.
  spin() {
    this.spinning = !this.spinning;
    let before = 0;
    const step = (now) => {
      if (!this.spinning || !this.canvas.isConnected) return;
      this.yaw += Math.min(now - (before || now), 100) * 0.0006;
      before = now;
      this.follow(now);
      requestAnimationFrame(step);
    };
    if (this.spinning) requestAnimationFrame(step);
  }

  zoomBy(by) {
    this.zoom = Math.min(Math.max(this.zoom * by, 0.3), 20);
  }

  near(by) {
    this.zoomBy(by);
    this.draw();
  }

  listen() {
    const { canvas } = this, held = new Map();
    const apart = () => { const [[x, y], [u, v]] = held.values(); return Math.hypot(u - x, v - y) || 1; };
    canvas.addEventListener("pointerdown", (event) => { this.spinning = false; held.set(event.pointerId, [event.clientX, event.clientY]); canvas.setPointerCapture(event.pointerId); });
    canvas.addEventListener("pointermove", (event) => {
      const last = held.get(event.pointerId), was = held.size === 2 && apart();
      if (!last) return;
      held.set(event.pointerId, [event.clientX, event.clientY]);
      if (was) this.zoomBy(apart() / was); // two fingers
      if (held.size === 1) [this.yaw, this.pitch] = [this.yaw + (event.clientX - last[0]) * 0.01, Math.max(0, Math.min(Math.PI / 2, this.pitch + (event.clientY - last[1]) * 0.01))];
      this.moved();
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => held.delete(event.pointerId));
    canvas.addEventListener("wheel", (event) => { event.preventDefault(); this.zoomBy(event.deltaY < 0 ? 1.15 : 0.87); this.moved(); }, { passive: false });
  }

  // Browsers allow some sixteen of these contexts to a page.
  free() {
    if (this.gl) this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}
