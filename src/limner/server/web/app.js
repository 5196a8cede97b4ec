// The page: pictures, options, and what is shown of them.

import { cutout, Refusal } from "./api.js";
import { blurred, canvasOf, composed, covering, cropped, editedAlpha, layersOf, pixelsOf, plain } from "./preview.js";

const SIDE = 1280; // longer side of the preview, pixels
const AT_ONCE = 2; // pictures that are sent at a time

const $ = (selector) => document.querySelector(selector);
const options = $("#options");
const NO_SUBJECT = "no person was found";
const photos = []; // { file, state: waiting | working | done | failed, error, result, layers, scale, frames, ... }
let selected = null;
let backdrop = null; // { file, picture } of the chosen background picture

// ---- pictures in ----

function add(files) {
  const pictures = [...files].filter((file) => file.type.startsWith("image/") || /\.(heic|heif|tiff?)$/i.test(file.name));
  if (files.length && !pictures.length) return tell("That is not a picture.");
  for (const file of pictures) {
    const photo = { file, name: file.name || "picture", state: "waiting", frames: new Map() };
    photos.push(photo);
    selected ??= photo;
  }
  if (pictures.length) selected = photos.at(-pictures.length);
  show();
  work();
}

async function work() {
  const next = photos.find((photo) => photo.state === "waiting");
  if (!next || photos.filter((photo) => photo.state === "working").length >= AT_ONCE) return;
  next.state = "working";
  show();
  work();
  try {
    await prepare(next);
    next.state = "done";
    tell(`${next.name}: ${next.noSubject ? NO_SUBJECT : "the cut-out is ready"}.`);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    next.state = "failed";
    next.error = error.message;
  } finally {
    show();
    work();
  }
}

async function prepare(photo) {
  const { blob, frame, subject } = await cutout(photo.file, {});
  photo.result = { key: "{}", blob };
  const original = await decoded(photo.file);
  photo.scale = Math.min(1, SIDE / Math.max(frame.width, frame.height));
  const [width, height] = [frame.width, frame.height].map((length) => Math.max(1, Math.round(length * photo.scale)));
  const cut = await createImageBitmap(blob);
  photo.layers = layersOf(original, cut, width, height);
  photo.thumbnail = thumbnail(cut);
  photo.noSubject = subject < 0.003;
}

/** The photo as the browser reads it, or as the server does where the browser cannot. */
async function decoded(file) {
  try {
    return await createImageBitmap(file);
  } catch {
    const { blob } = await cutout(file, { background: "original", format: "jpg" });
    return createImageBitmap(blob);
  }
}

function thumbnail(picture) {
  const scale = 96 / Math.max(picture.width, picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale].map((length) => Math.max(1, Math.round(length)));
  const canvas = canvasOf(width, height);
  canvas.getContext("2d").putImageData(pixelsOf(picture, width, height), 0, 0);
  return canvas;
}

// ---- options ----

/** The options as the server takes them: only those that differ from its own. */
function chosen() {
  const form = new FormData(options);
  const wanted = {};
  const background = form.get("background");
  if (background === "colour") wanted.background = form.get("colour");
  if (background === "blur") Object.assign(wanted, { background: "blur", blur: form.get("blur") });
  if (form.get("crop")) wanted.crop = form.get("crop");
  if (Number(form.get("shift"))) wanted.shift = form.get("shift");
  if (Number(form.get("feather"))) wanted.feather = form.get("feather");
  if (form.get("format") !== "png") wanted.format = form.get("format");
  return wanted;
}

function background() {
  return new FormData(options).get("background");
}

async function resultOf(photo) {
  const picture = background() === "picture" ? backdrop : null;
  const wanted = chosen();
  const key = JSON.stringify(wanted) + (picture ? picture.number : "");
  if (photo.result.key !== key) {
    photo.result = { key, blob: (await cutout(photo.file, wanted, picture?.file)).blob };
  }
  return photo.result.blob;
}

/** What a crop keeps of the photo; the server knows where the head is. */
async function frameOf(photo) {
  const { crop, background: kind } = chosen();
  if (!crop) return null;
  const wanted = { crop, ...(kind === "blur" ? { background: kind } : {}) };
  const key = JSON.stringify(wanted);
  if (!photo.frames.has(key)) photo.frames.set(key, cutout(photo.file, wanted).then((made) => made.frame));
  return photo.frames.get(key);
}

// ---- what is shown ----

function show() {
  $("#welcome").hidden = photos.length > 0;
  $("#work").hidden = photos.length === 0;
  showStrip();
  const photo = selected;
  if (!photo) return;
  $("#stage").ariaBusy = String(photo.state !== "failed");
  const ready = photo.state === "done";
  $("#frame").hidden = !ready;
  $("#busy").hidden = ready || photo.state === "failed";
  $("#busy-text").textContent = photo.state === "waiting" ? "Waiting for its turn" : "Looking for the person";
  showError(photo.state === "failed" ? photo.error : photo.noSubject ? "No person was found in this picture." : "");
  for (const button of options.querySelectorAll("#download, #copy")) button.disabled = !ready;
  $("#download-all").hidden = photos.filter((other) => other.state === "done").length < 2;
  if (ready) draw();
}

function showError(message) {
  $("#error").hidden = !message;
  if ($("#error").textContent !== message) $("#error").textContent = message;
}

function showStrip() {
  const list = $("#photos");
  photos.forEach((photo, index) => {
    photo.item ??= newItem(photo);
    if (list.children[index] !== photo.item) list.insertBefore(photo.item, list.children[index] ?? null);
    const button = photo.item.firstChild;
    const states = { waiting: "waiting", working: "working", done: photo.noSubject ? NO_SUBJECT : "ready", failed: "failed" };
    button.setAttribute("aria-label", `${photo.name}, ${states[photo.state]}`);
    button.setAttribute("aria-current", String(photo === selected));
    button.dataset.state = photo.state;
    if (photo.thumbnail && !button.firstChild) button.append(photo.thumbnail);
  });
  while (list.children.length > photos.length) list.lastChild.remove();
}

function newItem(photo) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.title = photo.name;
  button.addEventListener("click", () => {
    selected = photo;
    show();
  });
  item.append(button);
  return item;
}

let drawing = false;
let again = false;

/** Draw the preview of the selected photo; while one is drawn, at most one more waits. */
async function draw() {
  if (drawing) {
    again = true;
    return;
  }
  drawing = true;
  do {
    again = false;
    await new Promise(requestAnimationFrame);
    if (selected?.state === "done") await drawOnce(selected);
  } while (again);
  drawing = false;
  $("#stage").ariaBusy = "false";
}

async function drawOnce(photo) {
  const form = new FormData(options);
  const { layers, scale } = photo;
  let frame = null;
  if (!photo.noSubject) showError("");
  try {
    frame = await frameOf(photo);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    showError(error.message);
  }
  const edited = editedAlpha(layers, Number(form.get("shift")) * scale, Number(form.get("feather")) * scale);
  const shown = frame ? cropped(layers, edited, scaled(frame, scale)) : { ...layers, alpha: edited };
  paint($("#after"), composed(shown, behind(shown, form)));
  paint($("#before"), shown.before);
  $("#frame").style.setProperty("--ratio", String(frame ? frame.width / frame.height : shown.width / shown.height));
  $("#frame").dataset.opaque = String(form.get("background") !== "transparent");
}

function scaled({ top, left, width, height }, scale) {
  const [across, down] = [width, height].map((length) => Math.max(1, Math.round(length * scale)));
  return { top: Math.round(top * scale), left: Math.round(left * scale), width: across, height: down };
}

/** What lies behind the person, as pixels of the size of `shown`; null where nothing does. */
function behind(shown, form) {
  switch (form.get("background")) {
    case "colour":
      return plain(form.get("colour"), shown);
    case "blur":
      return blurred(shown, (Number(form.get("blur")) / 100) * Math.max(shown.width, shown.height));
    case "picture":
      return backdrop && covering(backdrop.picture, shown);
    default:
      return null;
  }
}

function paint(canvas, image) {
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function tell(message) {
  $("#status").textContent = message;
  for (const animation of $("#status").getAnimations()) {
    animation.cancel();
    animation.play();
  }
}

// ---- results out ----

async function save(photo) {
  const blob = await resultOf(photo);
  const link = document.createElement("a");
  const kind = background() === "transparent" ? "cutout" : "composite";
  link.download = `${photo.name.replace(/\.\w+$/, "")}-${kind}.${new FormData(options).get("format")}`;
  link.href = URL.createObjectURL(blob);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  tell(`${link.download} is saved.`);
}

/** Run a task with its button switched off; a refusal is shown. */
async function attempt(button, task) {
  button.disabled = true;
  showError("");
  try {
    await task();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    showError(error.message);
  } finally {
    button.disabled = false;
  }
}

options.addEventListener("submit", (event) => {
  event.preventDefault();
  attempt($("#download"), () => save(selected));
});

$("#download-all").addEventListener("click", (event) => {
  attempt(event.target, async () => {
    for (const photo of photos.filter((other) => other.state === "done")) await save(photo);
  });
});

$("#copy").hidden = !navigator.clipboard?.write;
$("#copy").addEventListener("click", (event) => {
  attempt(event.target, async () => {
    const photo = selected;
    const wanted = { ...chosen(), format: "png" };
    const made = cutout(photo.file, wanted, background() === "picture" ? backdrop?.file : null);
    await navigator.clipboard.write([new ClipboardItem({ "image/png": made.then(({ blob }) => blob) })]);
    tell("The picture is on the clipboard.");
  });
});

$("#remove").addEventListener("click", () => {
  const index = photos.indexOf(selected);
  photos.splice(index, 1);
  selected = photos[Math.min(index, photos.length - 1)] ?? null;
  show();
  (selected?.item.firstChild ?? $("#welcome button")).focus();
});

// ---- controls ----

options.addEventListener("input", update);

async function update(event) {
  const kind = background();
  for (const part of options.querySelectorAll(".more")) part.hidden = part.dataset.for !== kind;
  for (const name of ["blur", "shift", "feather"]) {
    const value = options.elements[name].value;
    options.querySelector(`output[for=${name}]`).textContent = name === "blur" ? `${value} %` : `${value} px`;
  }
  const jpeg = options.querySelector("[value=jpg]");
  jpeg.disabled = kind === "transparent";
  $("#jpeg-hint").hidden = !jpeg.disabled;
  if (jpeg.disabled && jpeg.checked) options.querySelector("[value=png]").checked = true;
  if (event?.target.name === "picture" && event.target.files.length) await setBackdrop(event.target.files[0]);
  if (event) show();
}

let backdrops = 0;

async function setBackdrop(file) {
  try {
    backdrop = { file, picture: await createImageBitmap(file), number: ++backdrops };
  } catch {
    backdrop = null;
    tell("This browser cannot show that picture: choose a JPEG, PNG or WebP file.");
  }
}

for (const swatch of options.querySelectorAll(".swatches button")) {
  swatch.style.setProperty("--colour", swatch.value);
  swatch.addEventListener("click", () => {
    options.elements.colour.value = swatch.value;
    update({ target: swatch });
  });
}

$("#split").addEventListener("input", (event) => $("#frame").style.setProperty("--split", `${event.target.value}%`));

document.addEventListener("click", (event) => {
  const task = event.target.closest("[data-do]")?.dataset.do;
  if (task === "choose") $("#files").click();
  if (task === "camera") openCamera();
  if (task === "close-camera") $("#camera").close();
});

for (const input of [$("#files"), $("#capture")]) {
  input.addEventListener("change", () => {
    add(input.files);
    input.value = "";
  });
}

for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    document.body.classList.add("dragging");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dragging");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  add(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => {
  if (event.clipboardData?.files.length) add(event.clipboardData.files);
});

// ---- camera ----

let stream = null;

async function openCamera() {
  if (!navigator.mediaDevices) return $("#capture").click(); // a page without TLS: the phone's own camera
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 }, facingMode: "user" } });
  } catch (error) {
    return tell(`The camera cannot be used: ${error.message}.`);
  }
  $("#camera video").srcObject = stream;
  $("#camera").showModal();
}

$("#camera").addEventListener("close", () => {
  for (const track of stream.getTracks()) track.stop();
  stream = null;
});

$("#take").addEventListener("click", async () => {
  const video = $("#camera video");
  const canvas = canvasOf(video.videoWidth, video.videoHeight);
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  $("#camera").close();
  add([new File([blob], "camera.png", { type: "image/png" })]);
});

const local = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
$("#privacy").textContent = local
  ? "Your pictures never leave this machine."
  : `Your pictures go to ${location.hostname} alone, and are not kept there.`;
update();
