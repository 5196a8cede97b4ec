// The picture that is shown: before and after, with the settings that are chosen.

import { showError, shownIfRefused } from "./notices.js";
import { open } from "./open.js";
import { detailOf, sceneOf } from "./scene.js";
import { settingsOf } from "./settings.js";
import { on, state } from "./state.js";
import { showStrip, thumbnailOf } from "./strip.js";
import { text } from "./text.js";
import { tool } from "./tools.js";
import { lookAt, magnification, seen } from "./view.js";

const SETTLED_MS = 90; // without a move, before a part is drawn at full size
const $ = (selector) => document.querySelector(selector);
const stage = $("#stage");
const frame = $("#frame");
const CUT_ALONE = { background: "transparent", shadow: 0, mask: false, crop: "", shift: 0, feather: 0 };

let scene = null;

function show() {
  const photo = state.selected;
  if (!photo) return;
  const { state: step } = photo;
  stage.ariaBusy = String(step !== "failed");
  reveal(step === "done" && scene !== null);
  if (step === "failed") $("#busy").hidden = true;
  $("#busy-text").textContent = text(step === "waiting" ? "busy.waiting" : "busy.working");
  showError(step === "failed" ? photo.error : photo.noSubject ? text("error.nobody") : "");
  if (step === "done") draw();
}

/** Show the picture with its tools, or that it is on its way. */
function reveal(ready) {
  frame.hidden = !ready;
  $("#busy").hidden = ready;
  stage.classList.toggle("ready", ready);
}

let drawing = false;
let again = false;

/** Draw the selected picture; while it is drawn, at most one more drawing waits. */
async function draw() {
  stage.ariaBusy = "true";
  if (drawing) {
    again = true;
    return;
  }
  drawing = true;
  do {
    again = false;
    await new Promise(requestAnimationFrame);
    const photo = state.selected;
    if (photo?.state === "done") await drawOnce(photo);
  } while (again);
  drawing = false;
  stage.ariaBusy = "false";
}

async function drawOnce(photo) {
  if (!photo.noSubject) showError("");
  const settings = settingsOf(photo);
  const shown = tool.edits ? { ...settings, ...CUT_ALONE } : settings;
  const opened = await open(photo);
  const drawn = await shownIfRefused(async () => (scene = await sceneOf(opened, shown)));
  if (!drawn) scene = await sceneOf(opened, { ...shown, crop: "" });
  if (state.selected === photo) reveal(true);
  paint($("#after"), scene.after);
  paint($("#before"), scene.before);
  if (tool.edits) showEdited(photo);
  lookAt(scene.kept.width, scene.kept.height);
  drawDetail();
}

/** The thumbnail with what was edited. */
function showEdited(photo) {
  if (photo.thumbnail.version === photo.edits?.version) return;
  photo.thumbnail = Object.assign(thumbnailOf($("#after")), { version: photo.edits?.version });
  showStrip();
}

let settling = null;

/** Once the view stands still, draw what is seen of a large picture at full size. */
function settle() {
  clearTimeout(settling);
  settling = setTimeout(drawDetail, SETTLED_MS);
}

function drawDetail() {
  const details = frame.querySelectorAll(".detail");
  const wanted = Math.min(1, magnification());
  const needed = scene && wanted > 1.05 * scene.scale && state.selected === scene.opened.photo;
  for (const canvas of details) canvas.hidden = !needed;
  if (!needed) return;
  const region = seen();
  const { before, after } = detailOf(scene, region, wanted);
  for (const [canvas, image] of [[details[0], after], [details[1], before]]) {
    paint(canvas, image);
    canvas.style.left = `${(100 * region.x) / scene.kept.width}%`;
    canvas.style.top = `${(100 * region.y) / scene.kept.height}%`;
    canvas.style.width = `${(100 * region.width) / scene.kept.width}%`;
    canvas.style.height = `${(100 * region.height) / scene.kept.height}%`;
  }
}

function paint(canvas, image) {
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d").putImageData(image, 0, 0);
}

on("photos", show);
for (const what of ["settings", "alpha", "tool"]) on(what, show);
on("view", settle);
