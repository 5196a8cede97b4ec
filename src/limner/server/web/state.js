// What the page knows: the pictures, which of them is shown, and who wants to hear of changes.

/**
 * A picture on the page.
 * `state` is waiting, working, done or failed; `own` its settings where they differ from those of the others.
 */
export const photos = [];

export const state = { selected: null };

const changes = new EventTarget();

/** Tell that something changed: "photos", "settings". */
export function changed(what) {
  changes.dispatchEvent(new Event(what));
}

/** Hear of it. */
export function on(what, listener) {
  changes.addEventListener(what, listener);
}

/** Show a picture. */
export function select(photo) {
  state.selected = photo;
  changed("photos");
}
