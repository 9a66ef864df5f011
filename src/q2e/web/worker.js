// Keeps the page itself for when the server is out of reach; what is asked of it is never kept.

const KEPT = "q2e-page-1";
const root = new URL("./", self.location);
const shell = (url) => url.pathname === root.pathname;
const own = (url) =>
  url.origin === root.origin &&
  (shell(url) || url.pathname.startsWith(`${root.pathname}static/`));

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => names.filter((name) => name !== KEPT));
  event.waitUntil(
    old.then((names) => Promise.all(names.map((name) => caches.delete(name)))).then(() =>
      self.clients.claim(),
    ),
  );
});
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method === "GET" && own(url)) event.respondWith(fresh(event.request, url));
});

/** Return what the server has, and keep it; where it does not answer, what was kept last. */
async function fresh(request, url) {
  const key = shell(url) ? root.href : url.href;
  const kept = await caches.open(KEPT);
  try {
    const answer = await fetch(request);
    if (answer.ok && !answer.redirected) await kept.put(key, answer.clone());
    return answer;
  } catch (error) {
    const last = await kept.match(key);
    if (last) return last;
    throw error;
  }
}
