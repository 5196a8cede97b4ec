// The tool in hand: to compare, to keep or erase by brush, or to choose people.

import { redo, undo } from "./edits.js";
import { open } from "./open.js";
import { changed, on, state } from "./state.js";
import { text } from "./text.js";
import { fit, magnification, magnify, zoomBy } from "./view.js";

const $ = (selector) => document.querySelector(selector);
const frame = $("#frame");

/** `name` is compare, keep, erase or people; all but the first change the alpha. */
export const tool = {
  name: "compare",
  get edits() {
    return this.name !== "compare";
  },
  get paints() {
    return this.name === "keep" || this.name === "erase";
  },
};

/** Take a tool. */
export function take(name) {
  tool.name = name;
  for (const button of document.querySelectorAll("button[data-tool]")) {
    button.setAttribute("aria-pressed", String(button.dataset.tool === name));
  }
  frame.dataset.tool = name;
  frame.classList.toggle("editing", tool.edits);
  $("#brush").hidden = !tool.paints;
  $("#people").hidden = name !== "people";
  changed("tool");
}

async function step(change) {
  const photo = state.selected;
  if (photo?.state === "done") change(await open(photo));
}

const ACTIONS = {
  undo: () => step(undo),
  redo: () => step(redo),
  "zoom-in": () => zoomBy(2),
  "zoom-out": () => zoomBy(-2),
  "zoom-full": () => (Math.abs(magnification() - 1) < 0.01 ? fit() : magnify(1)),
};

for (const button of document.querySelectorAll("button[data-tool]")) button.addEventListener("click", () => take(button.dataset.tool));
for (const button of document.querySelectorAll("[data-act]")) button.addEventListener("click", ACTIONS[button.dataset.act]);

const KEYS = {
  "+": ACTIONS["zoom-in"],
  "=": ACTIONS["zoom-in"],
  "-": ACTIONS["zoom-out"],
  0: fit,
  1: () => magnify(1),
  c: () => take("compare"),
  k: () => take("keep"),
  e: () => take("erase"),
  p: () => take("people"),
};

document.addEventListener("keydown", (event) => {
  if ($("#work").hidden || document.querySelector("dialog[open]")) return;
  const writes = event.target.matches("input:not([type=range], [type=checkbox], [type=radio]), select");
  if (writes || event.altKey) return;
  const key = event.key.toLowerCase();
  let act = null;
  if (event.ctrlKey || event.metaKey) {
    if (key === "z") act = event.shiftKey ? ACTIONS.redo : ACTIONS.undo;
    if (key === "y") act = ACTIONS.redo;
  } else {
    act = KEYS[key];
  }
  if (!act) return;
  event.preventDefault();
  act();
});

function showSteps() {
  const edits = state.selected?.edits;
  $("[data-act=undo]").disabled = !edits?.done.length;
  $("[data-act=redo]").disabled = !edits?.undone.length;
}

on("view", () => {
  $("#zoom").textContent = text("zoom.percent", { percent: Math.round(100 * magnification()) });
});
on("alpha", showSteps);
on("photos", showSteps);
