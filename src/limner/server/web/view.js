// How the picture is looked at: its zoom and what of it is in the frame.

import { changed } from "./state.js";

const frame = document.querySelector("#frame");
const planes = frame.querySelectorAll(".plane");
const CLOSEST = 12; // CSS pixels of one of the picture
const STEP = 1.25; // of the zoom, by button or key

/** `zoom` is 1 where all fits; `x` and `y` are where its corner lies, in CSS pixels of the frame. */
export const view = { zoom: 1, x: 0, y: 0, width: 1, height: 1 };

/** Look at a picture of this size, in its pixels; the same part of it where the size is the same. */
export function lookAt(width, height) {
  frame.style.setProperty("--ratio", String(width / height));
  const same = view.width === width && view.height === height;
  Object.assign(view, { width, height });
  if (same) place();
  else fit();
}

/** CSS pixels of one of the picture. */
export function closeness() {
  return (view.zoom * frame.clientWidth) / view.width;
}

/** The zoom, where 1 is one pixel of the screen for each of the picture. */
export function magnification() {
  return closeness() * devicePixelRatio;
}

/** Show all. */
export function fit() {
  Object.assign(view, { zoom: 1, x: 0, y: 0 });
  place();
}

/** Show so many pixels of the screen for one of the picture; `at`, by default the middle, stays where it is. */
export function magnify(wanted, at = middle()) {
  const full = (frame.clientWidth * devicePixelRatio) / view.width;
  const zoom = Math.min(Math.max(wanted / full, Math.min(1, 1 / full)), Math.max(1, (CLOSEST * devicePixelRatio) / full));
  const factor = zoom / view.zoom;
  view.x = at.x - (at.x - view.x) * factor;
  view.y = at.y - (at.y - view.y) * factor;
  view.zoom = zoom;
  place();
}

/** Nearer by steps, or further away. */
export function zoomBy(steps, at) {
  magnify(magnification() * STEP ** steps, at);
}

/** Move the picture, in CSS pixels. */
export function pan(x, y) {
  view.x += x;
  view.y += y;
  place();
}

/** A point of the screen in the frame, CSS pixels. */
export function inFrame({ clientX, clientY }) {
  const box = frame.getBoundingClientRect();
  return { x: clientX - box.left, y: clientY - box.top };
}

/** A point of the frame in pixels of the picture. */
export function toPicture({ x, y }) {
  return { x: (x - view.x) / closeness(), y: (y - view.y) / closeness() };
}

/** A point of the picture in the frame. */
export function toFrame({ x, y }) {
  return { x: x * closeness() + view.x, y: y * closeness() + view.y };
}

/** What of the picture is in the frame, in its pixels. */
export function seen() {
  const first = toPicture({ x: 0, y: 0 });
  const last = toPicture({ x: frame.clientWidth, y: frame.clientHeight });
  const [x, y] = [Math.max(0, Math.floor(first.x)), Math.max(0, Math.floor(first.y))];
  return { x, y, width: Math.min(view.width, Math.ceil(last.x)) - x, height: Math.min(view.height, Math.ceil(last.y)) - y };
}

function middle() {
  return { x: frame.clientWidth / 2, y: frame.clientHeight / 2 };
}

function place() {
  const within = (start, length) => {
    const rest = length * (1 - view.zoom);
    return rest > 0 ? rest / 2 : Math.min(0, Math.max(rest, start));
  };
  view.x = within(view.x, frame.clientWidth);
  view.y = within(view.y, frame.clientHeight);
  for (const plane of planes) plane.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.zoom})`;
  frame.classList.toggle("near", view.zoom > 1 && magnification() >= 3);
  frame.classList.toggle("zoomed", view.zoom > 1);
  changed("view");
}

let before = frame.clientWidth;

/** The same part of the picture in a frame of another size. */
function resized() {
  const factor = before ? frame.clientWidth / before : 1;
  before = frame.clientWidth;
  view.x *= factor;
  view.y *= factor;
  place();
}

new ResizeObserver(resized).observe(frame);
