// What the page can do because it is a folder of files: offline, taking what other apps share, and telling what it sent.

import { add } from "./queue.js";
import { text } from "./text.js";

const SHARED = "limner-shared"; // the cache in which the service worker leaves shared pictures

const line = document.createElement("span");
document.querySelector("#privacy").after(line);

function tell(bytes) {
  line.textContent = text("privacy.sent", { bytes });
}

tell(0);
if (navigator.serviceWorker) {
  navigator.serviceWorker.addEventListener("message", ({ data }) => tell(data.sent));
  navigator.serviceWorker.register(new URL("service-worker.js", document.baseURI));
  takeShared();
}

async function takeShared() {
  const cache = await caches.open(SHARED);
  for (const request of await cache.keys()) {
    const answer = await cache.match(request);
    await cache.delete(request);
    const name = decodeURIComponent(answer.headers.get("X-Name"));
    add([new File([await answer.blob()], name, { type: answer.headers.get("Content-Type") })]);
  }
}
