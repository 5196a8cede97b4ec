// Results dragged out of the page: a thumbnail is let go over a folder or another program.

import { shownIfRefused, tell } from "./notices.js";
import { nameOf, readyResultOf, resultOf } from "./save.js";
import { photos } from "./state.js";
import { text } from "./text.js";

const list = document.querySelector("#photos");

function photoAt(target) {
  const item = target.closest("li");
  return photos.find((photo) => photo.item === item && photo.state === "done");
}

// It has to be there when the drag begins, so it is made as soon as the button is down.
list.addEventListener("pointerdown", ({ target }) => {
  const photo = photoAt(target);
  if (photo && !readyResultOf(photo)) shownIfRefused(() => resultOf(photo));
});

list.addEventListener("dragstart", (event) => {
  const photo = photoAt(event.target);
  const blob = photo && readyResultOf(photo);
  if (!blob) {
    event.preventDefault();
    return tell(text("drag.wait"));
  }
  const address = URL.createObjectURL(blob);
  const { dataTransfer } = event;
  dataTransfer.effectAllowed = "copy";
  dataTransfer.setData("DownloadURL", `${blob.type}:${nameOf(photo)}:${address}`);
  dataTransfer.setData("text/uri-list", address);
  list.addEventListener("dragend", () => setTimeout(() => URL.revokeObjectURL(address), 60_000), { once: true });
});
