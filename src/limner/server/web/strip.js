// The row of thumbnails.

import { photos, select, state } from "./state.js";
import { text } from "./text.js";

const list = document.querySelector("#photos");

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
  while (list.children.length > photos.length) list.lastChild.remove();
}

function newItem(photo) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.title = photo.name;
  button.addEventListener("click", () => select(photo));
  item.append(button);
  return item;
}
