// Changes of an alpha, each of which can be undone and done again exactly.

import { changed } from "./state.js";

const MOST = 64e6; // bytes of changes that are kept of a picture

/**
 * Change a part of an open picture's alpha.
 * `part` is { x, y, width, height } within the picture, `values` its new bytes.
 */
export function edit(opened, part, values) {
  const { photo } = opened;
  photo.edits ??= { done: [], undone: [], key: opened.key, version: 0 };
  const change = { ...part, bits: differing(opened, part, values) };
  flip(opened, change);
  photo.edits.done.push(change);
  photo.edits.undone = [];
  let bytes = photo.edits.done.reduce((sum, one) => sum + one.bits.length, 0);
  while (bytes > MOST && photo.edits.done.length > 1) {
    bytes -= photo.edits.done.shift().bits.length;
    photo.edits.older = true;
  }
  changed("alpha");
}

/** Take the last change back; whether there was one. */
export function undo(opened) {
  return step(opened, "done", "undone");
}

/** Do it again. */
export function redo(opened) {
  return step(opened, "undone", "done");
}

function step(opened, from, to) {
  const change = opened.photo.edits?.[from].pop();
  if (!change) return false;
  flip(opened, change);
  opened.photo.edits[to].push(change);
  changed("alpha");
  return true;
}

/** A change is the bits that differ, so making it twice leaves nothing. */
function differing({ alpha, width }, part, values) {
  return values.map((value, i) => value ^ alpha[(part.y + Math.floor(i / part.width)) * width + part.x + (i % part.width)]);
}

function flip(opened, { x, y, width, height, bits }) {
  for (let row = 0; row < height; row++) {
    const start = (y + row) * opened.width + x;
    for (let i = 0; i < width; i++) opened.alpha[start + i] ^= bits[row * width + i];
  }
  opened.photo.edits.version += 1;
}

/** Whether a picture's alpha differs from the engine's. */
export function isEdited({ edits }) {
  return Boolean(edits && (edits.done.length || edits.older));
}
