// The picture that is shown: before and after, with the settings that are chosen.

import { blurred } from "./blur.js";
import { editedAlpha } from "./edge.js";
import { engine } from "./engines.js";
import { composed, covering, cropped, layersOf, plain } from "./layers.js";
import { showError, shownIfRefused } from "./notices.js";
import { open } from "./open.js";
import { behind, cropOptions, settingsOf, wanted } from "./settings.js";
import { on, state } from "./state.js";
import { text } from "./text.js";

const stage = document.querySelector("#stage");
const frame = document.querySelector("#frame");
const busy = document.querySelector("#busy");

function show() {
  const photo = state.selected;
  if (!photo) return;
  const { state: step } = photo;
  stage.ariaBusy = String(step !== "failed");
  frame.hidden = step !== "done";
  busy.hidden = step === "done" || step === "failed";
  document.querySelector("#busy-text").textContent = text(step === "waiting" ? "busy.waiting" : "busy.working");
  showError(step === "failed" ? photo.error : photo.noSubject ? text("error.nobody") : "");
  if (step === "done") draw();
}

let drawing = false;
let again = false;

/** Draw the selected picture; while it is drawn, at most one more drawing waits. */
async function draw() {
  if (drawing) {
    again = true;
    return;
  }
  drawing = true;
  do {
    again = false;
    await new Promise(requestAnimationFrame);
    if (state.selected?.state === "done") await drawOnce(state.selected);
  } while (again);
  drawing = false;
  stage.ariaBusy = "false";
}

async function drawOnce(photo) {
  const settings = settingsOf(photo);
  const opened = await open(photo);
  opened.layers ??= layersOf(opened);
  const { layers } = opened;
  if (!photo.noSubject) showError("");
  let kept = null;
  await shownIfRefused(async () => (kept = await frameOf(photo, settings)));
  const { scale } = layers;
  const edited = editedAlpha(layers, settings.shift * scale, settings.feather * scale);
  const shown = kept ? cropped(layers, edited, scaled(kept, scale)) : { ...layers, alpha: edited };
  paint("#after", composed(shown, backdrop(shown, settings)));
  paint("#before", shown.before);
  frame.style.setProperty("--ratio", String(shown.width / shown.height));
}

/** What a crop keeps of the photo; the engine knows where the head is. */
async function frameOf(photo, settings) {
  const options = cropOptions(wanted(settings));
  if (!options) return null;
  const key = JSON.stringify(options);
  photo.frames ??= new Map();
  if (!photo.frames.has(key)) photo.frames.set(key, engine.cutout(photo.file, options).then((made) => made.frame));
  return photo.frames.get(key);
}

function scaled(kept, scale) {
  return Object.fromEntries(Object.entries(kept).map(([side, length]) => [side, Math.round(length * scale)]));
}

/** What lies behind the subject, as pixels of the size of `shown`; null where nothing does. */
function backdrop(shown, settings) {
  switch (behind(settings)) {
    case "colour":
      return plain(settings.colour, shown);
    case "blur":
      return blurred(shown, (settings.blur / 100) * Math.max(shown.width, shown.height));
    case "picture":
      return covering(settings.picture.bitmap, shown);
    default:
      return null;
  }
}

function paint(selector, image) {
  const canvas = document.querySelector(selector);
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d").putImageData(image, 0, 0);
}

document.querySelector("#split").addEventListener("input", (event) => {
  frame.style.setProperty("--split", `${event.target.value}%`);
});

on("photos", show);
on("settings", show);
