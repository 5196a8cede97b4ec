// The camera: a picture from it, or what it sees before a blurred background.

import { Refusal } from "./engine.js";
import { engine } from "./engines.js";
import { tell } from "./notices.js";
import { canvasOf } from "./pixels.js";
import { add } from "./queue.js";
import { text } from "./text.js";

const dialog = document.querySelector("#camera");
const video = dialog.querySelector("video");
let stream = null;

/** Open the camera, or a phone's own where the page may not. */
export async function openCamera() {
  if (!navigator.mediaDevices) return document.querySelector("#capture").click(); // a page without TLS
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 }, facingMode: "user" } });
  } catch (error) {
    return tell(text("camera.refused", { why: error.message }));
  }
  video.srcObject = stream;
  dialog.showModal();
}

// ---- live: frame after frame goes through the engine, and is shown when it is ready ----

const LIVE_WIDTH = 480; // pixels
const live = dialog.querySelector("canvas");
const blurs = dialog.querySelector("#live-blur");

async function showLive() {
  const frame = canvasOf(LIVE_WIDTH, (LIVE_WIDTH * video.videoHeight) / video.videoWidth);
  Object.assign(live, { width: frame.width, height: frame.height });
  while (blurs.checked && stream) {
    frame.getContext("2d").drawImage(video, 0, 0, frame.width, frame.height);
    const source = await new Promise((resolve) => frame.toBlob(resolve, "image/jpeg", 0.9));
    const { blob } = await engine.cutout(source, { background: "blur", format: "jpg" });
    const picture = await createImageBitmap(blob);
    live.getContext("2d").drawImage(picture, 0, 0);
    picture.close();
    live.hidden = false;
    await new Promise(requestAnimationFrame);
  }
  live.hidden = true;
}

blurs.addEventListener("change", async () => {
  if (!blurs.checked) return;
  try {
    await showLive();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    blurs.checked = false;
    tell(error.message);
  }
});

dialog.addEventListener("close", () => {
  blurs.checked = false;
  for (const track of stream.getTracks()) track.stop();
  stream = null;
});

dialog.querySelector("#take").addEventListener("click", async () => {
  const canvas = canvasOf(video.videoWidth, video.videoHeight);
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  dialog.close();
  add([new File([blob], "camera.png", { type: "image/png" })]);
});
