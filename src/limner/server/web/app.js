// The page, put together.

import { openCamera } from "./camera.js";
import "./controls.js";
import "./drag-out.js";
import { engine } from "./engines.js";
import "./gestures.js";
import "./guide.js";
import "./input.js";
import { remove } from "./queue.js";
import "./save-all.js";
import "./stage.js";
import { changed, on, photos, state } from "./state.js";
import { showStrip } from "./strip.js";
import { text, translate } from "./text.js";

const $ = (selector) => document.querySelector(selector);

const TASKS = {
  choose: () => $("#files").click(),
  camera: openCamera,
  "close-camera": () => $("#camera").close(),
  remove() {
    remove(state.selected);
    (state.selected?.item.firstChild ?? $("#welcome button")).focus();
  },
};

document.addEventListener("click", (event) => {
  const task = event.target.closest("[data-do]")?.dataset.do;
  if (task) TASKS[task]();
});

on("photos", () => {
  $("#welcome").hidden = photos.length > 0;
  $("#work").hidden = photos.length === 0;
  showStrip();
});

translate(document);
const local = engine.name === "local" || ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
$("#privacy").textContent = text(local ? "privacy.local" : "privacy.server", { host: location.hostname });
changed("photos");
