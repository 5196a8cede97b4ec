// The camera: a picture from it.

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

dialog.addEventListener("close", () => {
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
