// The row of thumbnails.

import { canvasOf, pixelsOf } from "./pixels.js";
import { photos, select, state } from "./state.js";
import { text } from "./text.js";

const THUMBNAIL = 96; // longer side, pixels
const queue = document.querySelector("#queue");
const list = document.querySelector("#photos");

/** A small canvas of a picture or canvas. */
export function thumbnailOf(picture) {
  const scale = THUMBNAIL / Math.max(picture.width, picture.height);
  const canvas = canvasOf(picture.width * scale, picture.height * scale);
  const pixels = pixelsOf(picture, canvas.width, canvas.height);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

/** Show all pictures. */
export function showStrip() {
  photos.forEach((photo, index) => {
    photo.item ??= newItem(photo);
    if (list.children[index] !== photo.item) list.insertBefore(photo.item, list.children[index] ?? null);
    const button = photo.item.firstChild;
    const told = photo.noSubject ? "nobody" : photo.state;
    button.setAttribute("aria-label", text("strip.photo", { name: photo.name, state: text(`state.${told}`) }));
    button.setAttribute("aria-current", String(photo === state.selected));
    button.dataset.state = photo.state;
    if (photo.thumbnail && button.firstChild !== photo.thumbnail) button.replaceChildren(photo.thumbnail);
  });
  showQueue();
  while (list.children.length > photos.length) list.lastChild.remove();
}

/** How far the queue is, while there is one. */
function showQueue() {
  const waiting = photos.filter(({ state: step }) => step === "waiting" || step === "working").length;
  queue.hidden = !waiting || photos.length < 2;
  const done = photos.length - waiting;
  Object.assign(queue.querySelector("progress"), { max: photos.length, value: done });
  queue.querySelector("span").textContent = text("queue.count", { done, all: photos.length });
}

function newItem(photo) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.draggable = true;
  button.title = photo.name;
  button.addEventListener("click", () => select(photo));
  item.append(button);
  return item;
}
