// The page as a whole: shows the view of the state, and turns links into states.

import * as answer from "./answering.js";
import { all, fill, one, say, tool } from "./dom.js";
import * as filters from "./filters.js";
import { markOpen } from "./hits.js";
import { hint } from "./hints.js";
import { install } from "./install.js";
import * as keys from "./keys.js";
import * as labelling from "./labelling.js";
import { watchOver } from "./offline.js";
import * as parts from "./parts.js";
import { takesDrops } from "./pick.js";
import * as results from "./results.js";
import * as search from "./search.js";
import { session } from "./session.js";
import { asks, question, state, watch } from "./state.js";
import { fillIn, t } from "./texts.js";
import { theme } from "./theme.js";
import { tongues } from "./tongues.js";

const VIEWS = ["search", "video", "collection", "labels", "tray", "map"];

function show(now, before) {
  const moved = before?.view !== now.view;
  for (const view of VIEWS) one(`#${view}`).hidden = view !== now.view;
  for (const link of all(".top nav a"))
    if (link.dataset.go === now.view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  if (now.view === "search") one(".top nav [data-go=search]").href = location.search || "./";
  document.title = [question(now), now.view === "search" ? "" : t(`view.${now.view}`), "Q2E"]
    .filter(Boolean)
    .join(" – ");
  one("#search").classList.toggle("asked", asks(now));
  search.show(now, before);
  if (now.view === "search") {
    results.show(now);
    answer.show(now);
    filters.show(now);
    if (before && before.label !== now.label) results.redraw();
    labelling.load(() => (results.redraw(), besides(state())));
    besides(now);
  }
  if (moved && parts.isPart(before?.view)) parts.hide();
  // A view's address says more than its name only where it is one video's.
  if (parts.isPart(now.view) && (moved || now.view === "video"))
    parts.show(now.view, () => state().view === now.view);
  if (before && moved) {
    parts.beside.now()?.pause(now.view !== "search");
    scrollTo(0, 0);
    say(t(`view.${now.view}`));
  }
}

/** Show what may come after the hits. */
function rest() {
  const now = state();
  if (now.view !== "search") return;
  besides(now);
  if (question(now) && !one("#hints .back")) hint(now);
}

/** Keep the room beside the hits while they are searched for and where there are any. */
function room(now) {
  const panel = one("#panel");
  const found = results.results();
  const waits = one("#results").hasAttribute("aria-busy");
  panel.hidden = found ? !found.hits.length && !now.ev : !waits;
  one("#search").classList.toggle("opened", Boolean(now.hit));
  markOpen(now.hit);
}

/** Show beside the hits why they are there. */
function besides(now) {
  room(now);
  const own = parts.beside.now();
  if (own) own.show(now);
  else if (results.results() && !one("#panel").hidden) parts.beside.load().then((loaded) => loaded.show(state()));
}

// A link of the page changes the state in place; with a modifier it opens as any link does.
addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-go]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  if (link.href === location.href) return;
  history.pushState(null, "", link.href);
  dispatchEvent(new PopStateEvent("popstate"));
  if (link.classList.contains("mark")) one("#q").focus();
});
addEventListener("click", (event) => {
  for (const menu of all(".menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

fillIn();
session();
fill(
  one("#tools"),
  tongues(),
  tool("sun", t("top.theme"), theme),
  tool("help", t("top.keys"), keys.help),
);
search.build();
keys.listen();
results.onAnswer(() => {
  answer.show(state());
  filters.show(state());
  room(state());
  // The hits are painted first.
  requestAnimationFrame(() => setTimeout(rest));
});
watch(show);
addEventListener("q2e:send", (event) => parts.current()?.sendAll?.(event.detail));
takesDrops(one(".top nav [data-go=tray]"));
show(state(), null);
document.documentElement.classList.add("ready");
watchOver(() => {
  // The address keeps all that is shown.
  if (parts.failed()) return location.reload();
  results.again();
  parts.current()?.forget?.();
  show(state(), null);
});
install();
// Whoever asks will look at what lies beside the hits.
const besideSoon = () => parts.beside.load().catch(() => null);
if (asks(state())) besideSoon();
else one("#q").addEventListener("input", besideSoon, { once: true });
if (state().view === "search" && !asks(state())) one("#q").focus();
