// What the page says: short notices at the foot, and errors beside the picture.

import { Refusal } from "./engine.js";

const status = document.querySelector("#status");
const alert = document.querySelector("#error");

/** Say something for a few seconds. */
export function tell(message) {
  status.textContent = message;
  for (const animation of status.getAnimations()) {
    animation.cancel();
    animation.play();
  }
}

/** Show what is wrong, until it is no longer; nothing with "". */
export function showError(message) {
  alert.hidden = !message;
  if (alert.textContent !== message) alert.textContent = message;
}

/** Do a task, and show why it is refused; whether it was done. */
export async function shownIfRefused(task) {
  try {
    await task();
    return true;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    showError(error.message);
    return false;
  }
}

/** The same with a button switched off meanwhile. */
export async function attempt(button, task) {
  button.disabled = true;
  showError("");
  await shownIfRefused(task).finally(() => (button.disabled = false));
}
