// What the page asks of the server.

const KEY = "limner-key";
const MAX_TRIES = 20; // while the server is busy

export class Refusal extends Error {}

let asking = null;

/** Post a form to /v1/cutout; gives the blob, the frame in pixels of the upright picture, the subject's fraction. */
export async function cutout(image, options, background) {
  const form = new FormData();
  form.append("image", image, "image");
  for (const [name, value] of Object.entries(options)) form.append(name, value);
  if (background) form.append("background", background, "background");
  for (let attempt = 0; ; attempt++) {
    const answer = await post(form);
    if (answer.ok) {
      const [top, left, height, width] = answer.headers.get("Limner-Frame").split(",").map(Number);
      const subject = Number(answer.headers.get("Limner-Subject"));
      return { blob: await answer.blob(), frame: { top, left, height, width }, subject };
    }
    if (answer.status === 401) {
      await askForKey();
    } else if ([429, 503].includes(answer.status) && attempt < MAX_TRIES) {
      const seconds = Number(answer.headers.get("Retry-After") ?? 1);
      await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
    } else {
      throw new Refusal(await reason(answer));
    }
  }
}

async function post(form) {
  const key = sessionStorage.getItem(KEY);
  const headers = key ? { "X-Api-Key": key } : {};
  try {
    return await fetch("v1/cutout", { method: "POST", body: form, headers });
  } catch {
    throw new Refusal("The server does not answer. Is it still running?");
  }
}

async function reason(answer) {
  if (answer.headers.get("Content-Type") !== "application/problem+json") {
    return `The server answered ${answer.status}.`;
  }
  const detail = (await answer.json()).detail;
  return `${detail[0].toUpperCase()}${detail.slice(1)}.`;
}

function askForKey() {
  asking ??= new Promise((resolve) => {
    const dialog = document.querySelector("#key");
    dialog.addEventListener("close", () => {
      sessionStorage.setItem(KEY, dialog.querySelector("input").value.trim());
      asking = null;
      resolve();
    }, { once: true });
    dialog.showModal();
  });
  return asking;
}
