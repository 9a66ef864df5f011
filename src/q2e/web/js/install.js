// Where the page is served over HTTPS it may be installed, and opens when the server is away.

/** Let the browser keep the page. */
export function install() {
  if (location.protocol !== "https:" || !navigator.serviceWorker) return;
  navigator.serviceWorker.register(new URL("worker.js", document.baseURI)).catch((error) => {
    // Nothing is lost but the page while the server is away.
    console.info(`the page is not kept: ${error.message}`);
  });
}
