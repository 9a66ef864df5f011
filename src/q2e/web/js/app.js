// The page as a whole: shows the view of the state, and turns links into states.

import * as answer from "./answer.js";
import * as collection from "./collection.js";
import { all, fill, one, say, tool } from "./dom.js";
import * as filters from "./filters.js";
import { install } from "./install.js";
import * as keys from "./keys.js";
import * as labels from "./labels.js";
import { watchOver } from "./offline.js";
import * as panel from "./panel.js";
import * as parts from "./parts.js";
import { takesDrops } from "./pick.js";
import * as results from "./results.js";
import * as search from "./search.js";
import { session } from "./session.js";
import { asks, question, state, watch } from "./state.js";
import { fillIn, t } from "./texts.js";
import { theme } from "./theme.js";
import { tongues } from "./tongues.js";
import * as video from "./video.js";

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
    panel.show(now);
  }
  if (now.view === "video") video.show(now);
  else video.hide();
  if (moved && now.view === "collection") collection.show();
  if (before?.view === "collection" && now.view !== "collection") collection.hide();
  if (moved && now.view === "labels") labels.show();
  if (moved && parts.isPart(before?.view)) parts.hide();
  if (moved && parts.isPart(now.view)) parts.show(now.view, () => state().view === now.view);
  if (before && moved) {
    panel.pause(now.view !== "search");
    scrollTo(0, 0);
    say(t(`view.${now.view}`));
  }
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
  panel.show(state());
  filters.show(state());
});
watch(show);
addEventListener("q2e:send", (event) => collection.sendAll(event.detail));
takesDrops(one(".top nav [data-go=tray]"));
show(state(), null);
watchOver(() => {
  results.again();
  video.forget();
  show(state(), null);
});
labels.start();
install();
if (state().view === "search" && !asks(state())) one("#q").focus();
