// Which people are kept, where several stand apart.

import { edit } from "./edits.js";
import { open } from "./open.js";
import { partsOf } from "./parts.js";
import { canvasOf, pixelsOf } from "./pixels.js";
import { on, state } from "./state.js";
import { text } from "./text.js";
import { tool } from "./tools.js";
import { toPicture } from "./view.js";

const SIDE = 320; // longer side of the alpha that is looked at, pixels
const list = document.querySelector("#people-list");
const note = document.querySelector("#people-note");

/** Keep or drop whoever is at a point of the frame. */
export async function choose(at) {
  const opened = await open(state.selected);
  const people = peopleIn(opened);
  const label = labelAt(people, opened, toPicture(at));
  const person = people.parts.find((one) => one.label === label);
  if (person) toggle(opened, people, person);
}

/** { width, height, labels, parts } of the engine's alpha at low resolution, from left to right. */
function peopleIn(opened) {
  if (opened.people) return opened.people;
  const scale = Math.min(1, SIDE / Math.max(opened.width, opened.height));
  const [width, height] = [opened.width, opened.height].map((length) => Math.max(1, Math.round(length * scale)));
  const { data } = pixelsOf(opened.cut, width, height);
  const { labels, parts } = partsOf(data.filter((_, i) => i % 4 === 3), width, height);
  opened.people = { width, height, labels, parts: parts.sort((one, other) => one.x - other.x) };
  return opened.people;
}

function labelAt({ width, height, labels }, opened, { x, y }) {
  const column = Math.min(width - 1, Math.max(0, Math.floor((x * width) / opened.width)));
  const row = Math.min(height - 1, Math.max(0, Math.floor((y * height) / opened.height)));
  return labels[row * width + column];
}

/** Whether a person is in the alpha now: the places where the engine was sure tell. */
function isKept(opened, { width, height }, person) {
  return person.places.some((place) => {
    const x = Math.floor((((place % width) + 0.5) * opened.width) / width);
    const y = Math.floor(((Math.floor(place / width) + 0.5) * opened.height) / height);
    return opened.alpha[y * opened.width + x] > 0;
  });
}

/** Drop a person, or take them back as the engine found them. */
function toggle(opened, people, person) {
  const { width, height } = opened;
  const context = canvasOf(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(opened.cut, 0, 0);
  const found = context.getImageData(0, 0, width, height).data;
  const kept = isKept(opened, people, person);
  const values = new Uint8ClampedArray(opened.alpha);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      if (labelAt(people, opened, { x, y }) === person.label) values[i] = kept ? 0 : found[4 * i + 3];
    }
  }
  edit(opened, { x: 0, y: 0, width, height }, values);
}

/** A button for each person, for the keyboard and for screen readers. */
async function show() {
  const photo = state.selected;
  if (tool.name !== "people" || photo?.state !== "done") return;
  const opened = await open(photo);
  const people = peopleIn(opened);
  note.textContent = text(people.parts.length > 1 ? "people.choose" : "people.one");
  const buttons = people.parts.map((person, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text("people.person", { number: i + 1 });
    button.setAttribute("aria-pressed", String(isKept(opened, people, person)));
    button.addEventListener("click", () => toggle(opened, people, person));
    return button;
  });
  const focused = [...list.children].indexOf(document.activeElement);
  list.replaceChildren(...(people.parts.length > 1 ? buttons : []));
  list.children[focused]?.focus();
}

for (const what of ["tool", "photos", "alpha"]) on(what, show);
