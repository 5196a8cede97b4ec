// Pointers and wheel over the picture: comparing, panning and zooming; painting belongs to brush.js.

import { paintStart } from "./brush.js";
import { choose } from "./people.js";
import { tool } from "./tools.js";
import { inFrame, pan, view, zoomBy } from "./view.js";

const frame = document.querySelector("#frame");
const split = document.querySelector("#split");
const pad = document.querySelector("#pad");
const REACH = 26; // CSS pixels from the line within which it is taken hold of
const pointers = new Map(); // the pointers that are down -> where, in the frame
let stroke = null;

function splitAt({ x }) {
  split.value = String((100 * x) / frame.clientWidth);
  split.dispatchEvent(new Event("input"));
}

function dragOf(event, at) {
  const line = (Number(split.value) / 100) * frame.clientWidth;
  if (event.button === 1 || spaceHeld) return "pan";
  if (tool.name === "people") return "choose";
  if (tool.paints) return "paint";
  return view.zoom > 1 && Math.abs(at.x - line) > REACH ? "pan" : "split";
}

let drag = null;

pad.addEventListener("pointerdown", (event) => {
  if (event.button > 1) return;
  const at = inFrame(event);
  pad.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, at);
  if (pointers.size === 2) {
    stroke?.cancel();
    stroke = null;
    drag = "pinch";
    return;
  }
  drag = dragOf(event, at);
  if (drag === "split") splitAt(at);
  if (drag === "choose") choose(at);
  if (drag === "paint") stroke = paintStart(at, event);
});

pad.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const at = inFrame(event);
  if (drag === "pinch") pinch(event.pointerId, before, at);
  pointers.set(event.pointerId, at);
  if (drag === "pan") pan(at.x - before.x, at.y - before.y);
  if (drag === "split") splitAt(at);
  if (drag === "paint") {
    const all = event.getCoalescedEvents?.() ?? [];
    for (const one of all.length ? all : [event]) stroke?.move(inFrame(one), one);
  }
});

for (const name of ["pointerup", "pointercancel"]) {
  pad.addEventListener(name, (event) => {
    if (!pointers.delete(event.pointerId)) return;
    if (drag === "paint" && stroke) name === "pointerup" ? stroke.end() : stroke.cancel();
    stroke = null;
    if (!pointers.size) drag = null;
  });
}

/** Two fingers: the picture follows them. */
function pinch(id, before, at) {
  const [other] = [...pointers].filter(([one]) => one !== id).map(([, place]) => place);
  if (!other) return;
  const distance = (one) => Math.hypot(one.x - other.x, one.y - other.y);
  pan((at.x - before.x) / 2, (at.y - before.y) / 2);
  const middle = { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 };
  zoomBy(Math.log(distance(at) / Math.max(1, distance(before))) / Math.log(1.25), middle);
}

frame.addEventListener("wheel", (event) => {
  if (event.ctrlKey || event.metaKey) zoomBy(-event.deltaY / 60, inFrame(event));
  else if (view.zoom > 1) pan(-event.deltaX, -event.deltaY);
  else return;
  event.preventDefault();
}, { passive: false });

pad.addEventListener("dblclick", (event) => {
  if (!tool.edits) zoomBy(view.zoom > 1 ? -20 : 4, inFrame(event));
});

let spaceHeld = false;
document.addEventListener("keydown", ({ code }) => (spaceHeld ||= code === "Space"));
document.addEventListener("keyup", ({ code }) => (spaceHeld &&= code !== "Space"));

split.addEventListener("input", () => frame.style.setProperty("--split", `${split.value}%`));
