// Keeps the page's files, so that it works without a network; counts what is sent. FILES and LATER are filled in by
// `limner web`: what is kept at once, and what is kept when it is first used. Their names change with their content.

const FILES = [];
const LATER = [];
const CACHE = "limner";
const SHARED = "limner-shared";
const PAGE = "./";

let sent = 0;

addEventListener("install", (event) => event.waitUntil(keep()));
addEventListener("activate", (event) => event.waitUntil(tidy().then(() => clients.claim())));

async function keep() {
  const cache = await caches.open(CACHE);
  for (const file of FILES) {
    if (file === PAGE || !(await cache.match(file))) await cache.add(new Request(file, { cache: file === PAGE ? "no-cache" : "force-cache" }));
  }
}

async function tidy() {
  const cache = await caches.open(CACHE);
  const wanted = new Set([...FILES, ...LATER].map((file) => new URL(file, registration.scope).href));
  for (const request of await cache.keys()) if (!wanted.has(request.url)) await cache.delete(request);
}

addEventListener("fetch", (event) => {
  const { request } = event;
  const isShare = request.method === "POST" && new URL(request.url).pathname.endsWith("/share");
  event.respondWith(isShare ? share(request) : answer(request));
});

async function answer(request) {
  if (request.method === "GET" || request.method === "HEAD") {
    const cache = await caches.open(CACHE);
    const found = await cache.match(request.mode === "navigate" ? PAGE : request);
    if (found) return found;
    const fetched = await fetch(request);
    const isLater = LATER.some((file) => new URL(file, registration.scope).href === request.url);
    if (fetched.ok && isLater) await cache.put(request, fetched.clone());
    return fetched;
  }
  sent += (await request.clone().arrayBuffer()).byteLength;
  for (const client of await clients.matchAll()) client.postMessage({ sent });
  return fetch(request);
}

/** Pictures that another app shares: kept until the page takes them. */
async function share(request) {
  const form = await request.formData();
  const cache = await caches.open(SHARED);
  for (const [index, file] of form.getAll("pictures").entries()) {
    const headers = { "Content-Type": file.type, "X-Name": encodeURIComponent(file.name) };
    await cache.put(`shared-${index}`, new Response(file, { headers }));
  }
  return Response.redirect(PAGE, 303);
}
