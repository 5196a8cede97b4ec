// The brush: strokes by mouse, touch, pen and keyboard that keep or erase.

import { edit } from "./edits.js";
import { tell } from "./notices.js";
import { open } from "./open.js";
import { canvasOf } from "./pixels.js";
import { painted, snapped } from "./snap.js";
import { on, state } from "./state.js";
import { rasterised } from "./strokes.js";
import { text } from "./text.js";
import { tool } from "./tools.js";
import { closeness, inFrame, toFrame, toPicture } from "./view.js";

const $ = (selector) => document.querySelector(selector);
const pad = $("#pad");
const overlay = $("#overlay");
const size = $("#brush-size");
const softness = $("#brush-softness");
const snaps = $("#brush-snap");
const SPACING = 0.5; // of the radius, between points of a stroke
const COLOURS = { keep: "rgb(64 190 130 / 0.5)", erase: "rgb(230 70 60 / 0.5)" };

let cursor = null; // where the brush is, in the frame
let points = []; // of the stroke that is being drawn, in pixels of the picture

/** Begin a stroke at a point of the frame; gives { move, end, cancel }. */
export function paintStart(at, event) {
  points = [];
  const name = tool.name;
  const move = (place, { pressure = 0.5, pointerType = "" } = {}) => {
    cursor = place;
    const point = { ...toPicture(place), radius: radius() * (pointerType === "pen" ? 0.4 + 1.2 * pressure : 1) };
    const last = points.at(-1);
    if (!last || Math.hypot(point.x - last.x, point.y - last.y) >= SPACING * point.radius) points.push(point);
    drawOverlay();
  };
  move(at, event);
  return {
    move,
    async end() {
      const stroke = points;
      points = [];
      await apply(stroke, name === "keep");
      drawOverlay();
    },
    cancel() {
      points = [];
      drawOverlay();
    },
  };
}

async function apply(stroke, keeps) {
  const opened = await open(state.selected);
  const part = rasterised(stroke, Number(softness.value) / 100, opened);
  if (!part) return;
  const { x, y, width, height } = part;
  const context = canvasOf(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(opened.before, -x, -y);
  const region = { ...part, colours: context.getImageData(0, 0, width, height).data, alpha: alphaIn(opened, part) };
  const start = performance.now();
  const values = (snaps.checked ? snapped : painted)(region, keeps);
  performance.measure("stroke", { start });
  edit(opened, { x, y, width, height }, values);
  tell(text(keeps ? "brush.kept" : "brush.erased"));
}

function alphaIn(opened, { x, y, width, height }) {
  const alpha = new Uint8ClampedArray(width * height);
  for (let row = 0; row < height; row++) {
    const start = (y + row) * opened.width + x;
    alpha.set(opened.alpha.subarray(start, start + width), row * width);
  }
  return alpha;
}

/** Half the brush, in pixels of the picture: it has the same size on the screen, however near the picture is. */
function radius() {
  return Number(size.value) / 2 / closeness();
}

// ---- what is seen of it ----

function drawOverlay() {
  const ratio = devicePixelRatio;
  overlay.width = overlay.clientWidth * ratio;
  overlay.height = overlay.clientHeight * ratio;
  if (!tool.paints) return;
  const context = overlay.getContext("2d");
  context.scale(ratio, ratio);
  if (points.length) drawStroke(context);
  if (cursor) drawRing(context, Number(size.value) / 2);
}

function drawStroke(context) {
  context.strokeStyle = context.fillStyle = COLOURS[tool.name];
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = 2 * points[0].radius * closeness();
  context.beginPath();
  for (const point of [points[0], ...points]) {
    const { x, y } = toFrame(point);
    context.lineTo(x + 0.01, y);
  }
  context.stroke();
}

function drawRing(context, half) {
  for (const [colour, width] of [["#000000", 3], ["#ffffff", 1.5]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.arc(cursor.x, cursor.y, half, 0, 2 * Math.PI);
    context.stroke();
  }
}

pad.addEventListener("pointermove", (event) => {
  if (!tool.paints || points.length) return;
  cursor = inFrame(event);
  drawOverlay();
});
pad.addEventListener("pointerleave", () => {
  cursor = null;
  drawOverlay();
});
for (const what of ["view", "tool"]) on(what, drawOverlay);
size.addEventListener("input", drawOverlay);

// ---- by keyboard ----

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
let held = null; // the stroke that Enter began

pad.addEventListener("keydown", (event) => {
  if (!tool.paints) return;
  if (event.key === "[" || event.key === "]") {
    size.value = String(Number(size.value) * (event.key === "]" ? 1.25 : 0.8));
    size.dispatchEvent(new Event("input", { bubbles: true }));
    return;
  }
  cursor ??= { x: pad.clientWidth / 2, y: pad.clientHeight / 2 };
  const arrow = ARROWS[event.key];
  if (arrow) {
    const step = event.shiftKey ? 1 : Math.max(2, Number(size.value) / 4);
    const clamp = (place, length) => Math.min(length, Math.max(0, place));
    cursor = { x: clamp(cursor.x + step * arrow[0], pad.clientWidth), y: clamp(cursor.y + step * arrow[1], pad.clientHeight) };
    if (held) held.move(cursor);
    else drawOverlay();
  } else if (event.key === "Enter" || event.key === " ") {
    if (held) held.end();
    held = held ? null : paintStart(cursor);
    tell(text(held ? "brush.down" : "brush.up"));
  } else if (event.key === "Escape" && held) {
    held.cancel();
    held = null;
  } else {
    return;
  }
  event.preventDefault();
});
pad.addEventListener("blur", () => {
  held?.cancel();
  held = null;
});
