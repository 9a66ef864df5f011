// Saved searches: kept by a star, listed at the start with what is new there since one last looked.

import { api } from "./api.js";
import { h, notice, say, tool, words } from "./dom.js";
import { saved, setSaved } from "./mine.js";
import { asks, linkTo, question, searchBody, stateOf } from "./state.js";
import { t } from "./texts.js";

/** Hits that are looked through for what is new. */
const LOOKED = 24;
const sizeOf = ({ index }) => `${index.videos}/${index.evidence}`;
const addressOf = (now) => linkTo({ ...now, hit: "", t: null, view: "search", label: "" });
const answering = (hits) => hits.filter((hit) => hit.certain !== "weaker").map((hit) => hit.video);

/** Return the button that saves what is asked, or takes it off the saved ones. */
export function star(now, found) {
  const address = addressOf(now);
  const node = tool("star", t("saved.save"), flip, { id: "save-search", "aria-pressed": "false" });
  const show = (on) => {
    node.setAttribute("aria-pressed", String(on));
    node.title = t(on ? "saved.remove" : "saved.save");
    node.setAttribute("aria-label", node.title);
  };
  saved().then(async (items) => {
    const own = items.find((one) => one.address === address);
    show(Boolean(own));
    if (!own) return;
    // What is seen now is no longer new.
    own.known = [...new Set([...answering(found.hits), ...own.known])].slice(0, 500);
    own.version = sizeOf(found);
    await setSaved(items);
  });
  async function flip() {
    const items = await saved();
    const others = items.filter((one) => one.address !== address);
    const on = others.length === items.length;
    const own = { address, name: question(now), known: answering(found.hits) };
    await setSaved(on ? [{ ...own, version: sizeOf(found) }, ...others] : others);
    show(on);
    say(t(on ? "saved.saved" : "saved.removed"));
  }
  return node;
}

/** Return the saved searches as a list of links; `again` draws it anew. */
export async function savedList(version, again) {
  const items = await saved();
  if (!items.length) return null;
  return h(
    "section",
    { class: "saved", "aria-labelledby": "saved-title" },
    h("h2", { id: "saved-title" }, t("saved.title")),
    h(
      "ul",
      {},
      items.map((one) => h("li", {}, entry(one, version), remover(one, again))),
    ),
  );
}

function entry(one, version) {
  const link = h("a", { href: one.address, data: { go: "" } }, words(one.name || t("saved.example")));
  if (one.version !== version) fresh(one, link);
  return link;
}

/** Say beside a saved search how many videos answer it that one has not seen there. */
async function fresh(one, link) {
  const now = stateOf(one.address);
  if (!asks(now)) return;
  const found = await api.search({ ...searchBody(now), top: LOOKED }).catch(() => null);
  const many = found && answering(found.hits).filter((video) => !one.known.includes(video)).length;
  if (many) link.after(" ", h("span", { class: "badge" }, t("saved.new", { n: many })));
}

function remover(one, again) {
  return tool("close", t("given.remove", { name: one.name }), async () => {
    const items = await saved();
    await setSaved(items.filter((other) => other.address !== one.address));
    again();
    notice(t("saved.removed"), async () => {
      await setSaved(items);
      again();
    });
  });
}
