// The collection: what it holds, what is being read, what failed and why.

import { Refused, api, at } from "./api.js";
import { button, fill, h, icon, notice, one, say, tool, words } from "./dom.js";
import { ready, unreadFor } from "./remarks.js";
import { refuse, tile } from "./results.js";
import { state } from "./state.js";
import { bytes, channelName, clock, fileName, length } from "./text.js";
import { channelBars } from "./why.js";
import { number, t } from "./texts.js";

const PAGE = 60;
const MOST = 200;
const WAIT_MS = 250;
const streams = new Map();
let latest = null;
let list = null;
let more = null;

/** Show the view. */
export async function show() {
  const place = one("#collection");
  if (!one("#summary", place)) build(place);
  await Promise.all([summary(), jobs(), folders(), videos()]);
}

/** Stop listening to jobs. */
export function hide() {
  for (const stream of streams.values()) stream.close();
  streams.clear();
}

function build(place) {
  const input = h("input", {
    class: "field",
    id: "paths",
    dir: "auto",
    placeholder: t("coll.path-example"),
    "aria-label": t("coll.paths"),
    required: true,
    autocomplete: "off",
    spellcheck: "false",
  });
  const form = h(
    "form",
    { class: "addform" },
    input,
    h("button", { class: "button main" }, icon("plus"), t("coll.index")),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await attempt(() => api.submit([input.value.trim()]))) {
      input.value = "";
      jobs();
    }
  });
  fill(
    place,
    h(
      "div",
      { class: "viewhead" },
      h("h1", {}, t("view.collection")),
      h("p", { class: "soft", id: "where" }),
    ),
    h(
      "div",
      { class: "columns" },
      h("section", { id: "summary", class: "cardbox", "aria-label": t("coll.holds") }),
      h(
        "section",
        { class: "cardbox", "aria-labelledby": "add-title" },
        h("h2", { id: "add-title" }, t("coll.add")),
        h(
          "div",
          { id: "adding" },
          h("p", { class: "soft small" }, t("coll.add-note")),
          form,
          h(
            "label",
            { class: "button sender" },
            icon("up_"),
            t("coll.send"),
            h("input", {
              type: "file",
              id: "send-files",
              class: "unseen",
              multiple: true,
              accept: "video/*,audio/*",
              on: { change: (event) => sendAll([...event.target.files]) },
            }),
          ),
          h("ul", { id: "sending", class: "jobs" }),
        ),
        h("ul", { id: "jobs", class: "jobs", "aria-label": t("coll.jobs") }),
      ),
    ),
    h("section", {
      id: "failures",
      class: "cardbox",
      "aria-labelledby": "failures-title",
      hidden: true,
    }),
    h(
      "section",
      { "aria-labelledby": "videos-title" },
      h("div", { class: "sectionhead" }, h("h2", { id: "videos-title" }, t("coll.videos")), choice()),
      h("ul", { class: "mosaic", id: "videos" }),
    ),
  );
}

const ORDERS = ["path", "title", "date", "length"];

/** Return what narrows and orders the list of videos. */
function choice() {
  let timer;
  const again = () => {
    clearTimeout(timer);
    timer = setTimeout(videos, WAIT_MS);
  };
  const table = h("span", {});
  import("./videolist.js").then(({ tableSwitch }) => table.replaceWith(tableSwitch(videos)));
  return h(
    "form",
    { class: "choice", role: "search", "aria-label": t("coll.list"), on: { submit: stay } },
    h("input", {
      id: "find-video",
      class: "field",
      type: "search",
      dir: "auto",
      placeholder: t("coll.find"),
      "aria-label": t("coll.find-label"),
      on: { input: again, search: again },
    }),
    h(
      "select",
      { id: "folder", class: "field", "aria-label": t("coll.folder"), on: { change: () => videos() } },
      h("option", { value: "" }, t("coll.all-folders")),
    ),
    h(
      "select",
      { id: "order", class: "field", "aria-label": t("coll.order"), on: { change: () => videos() } },
      ORDERS.map((value) => h("option", { value }, t(`sort.${value}`))),
    ),
    table,
  );
}

const stay = (event) => event.preventDefault();

/** Offer the folders that there are; one alone is no choice. */
async function folders() {
  const found = await attempt(api.folders);
  const select = one("#folder");
  if (!found || !select) return;
  const chosen = select.value;
  select.hidden = found.folders.length < 2;
  fill(
    select,
    h("option", { value: "" }, t("coll.all-folders")),
    found.folders.map(({ folder, videos: many }) =>
      h("option", { value: folder, selected: folder === chosen }, `${folder} (${number(many)})`),
    ),
  );
}

async function attempt(act) {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    notice(`${error.message} ${error.next ?? ""}`);
    return null;
  }
}

async function summary() {
  let status;
  try {
    status = await api.status(false);
  } catch (error) {
    return refuse(one("#summary"), error);
  }
  one("#where").replaceChildren(words(status.directory));
  fill(
    one("#summary"),
    h(
      "dl",
      { class: "figures" },
      [
        [t("coll.videos"), number(status.videos)],
        [t("coll.length"), length(status.duration)],
        [t("coll.size"), bytes(status.size)],
      ].map(([name, value]) =>
        h("div", {}, h("dt", {}, name), h("dd", { class: "number" }, value)),
      ),
    ),
    channelBars(
      Object.entries(status.evidence).sort(([, a], [, b]) => b - a),
      number,
    ),
  );
  await ready();
  failures(status);
  const looked = await attempt(() => api.status(true));
  if (looked?.missing.length) failures(looked);
}

function failures({ failures: list, missing, failed, lost }) {
  const place = one("#failures");
  place.hidden = !list.length && !missing.length;
  fill(
    place,
    h(
      "div",
      { class: "sectionhead" },
      h(
        "h2",
        { id: "failures-title" },
        failed ? t("coll.unread", { n: failed }) : t("coll.gone"),
      ),
      list.length > 0 &&
        button(
          t("coll.retry"),
          async () => {
            if (await attempt(api.retry)) jobs();
          },
          { id: "retry" },
        ),
    ),
    h(
      "ul",
      { class: "rows" },
      list.slice(0, MOST).map((failure) =>
        h(
          "li",
          { class: "failure" },
          h(
            "div",
            {},
            h("b", {}, words(fileName(failure.path ?? failure.video ?? ""))),
            h("p", { class: "soft small" }, words(failure.path ?? "")),
          ),
          h(
            "p",
            {},
            unreadFor(failure.reason ?? ""),
            failure.stage && h("span", { class: "soft" }, ` (${failure.stage})`),
          ),
        ),
      ),
    ),
    list.length > MOST && h("p", { class: "soft" }, t("coll.first", { n: MOST })),
    missing.length > 0 &&
      h(
        "details",
        {},
        h("summary", {}, t("coll.missing", { n: lost })),
        h(
          "ul",
          { class: "rows" },
          missing.slice(0, MOST).map((path) => h("li", {}, words(path))),
        ),
      ),
  );
}

// -- videos from the reader's own disk --------------------------------------------------------------
/** Send videos to the collection, one after another; each is read when it is there. */
export async function sendAll(files) {
  const { send } = await import("./send.js");
  for (const file of files) {
    const bar = h("progress", { max: 1, "aria-label": t("coll.sending", { name: file.name }) });
    const node = h("li", { class: "job" }, h("b", {}, words(file.name)), bar);
    one("#sending").append(node);
    if (await attempt(() => send(file, (share) => (bar.value = share)))) jobs();
    node.remove();
  }
}

// -- jobs -----------------------------------------------------------------------------------------
async function jobs() {
  const found = await attempt(api.jobs);
  if (!found) return;
  fill(one("#jobs"), found.jobs.slice(0, 8).map(job));
  for (const one_ of found.jobs) if (!over(one_)) follow(one_.id);
}

const over = (job) => ["done", "failed", "cancelled"].includes(job.state);

function follow(id) {
  if (streams.has(id)) return;
  const stream = new EventSource(at.events(id));
  streams.set(id, stream);
  const stop = () => {
    stream.close();
    streams.delete(id);
  };
  stream.addEventListener("error", stop);
  stream.addEventListener("job", (event) => {
    const now = JSON.parse(event.data);
    const node = one(`#job-${id}`);
    // Its button stays the same while the job runs: replaced under the pointer it is not pressed.
    if (!over(now)) return node && progress(node, now);
    node?.replaceWith(job(now));
    stop();
    say(t("job.said", { state: t(`job.state.${now.state}`) }));
    if (state().view === "collection") {
      summary();
      folders();
      videos();
    }
  });
}

function progress(node, now) {
  const { files, current } = now;
  const inside = current?.length ? Math.min(1, current.done / current.length) : 0;
  node.className = `job ${now.state}`;
  fill(
    one(".state", node),
    t(`job.state.${now.state}`),
    files.total > 0 && ` · ${t("job.files", { done: files.done, total: files.total })}`,
  );
  const bar = one("progress", node);
  if (bar && files.total) bar.value = Math.min(1, (files.done + inside) / files.total);
  const place = one(".now", node);
  place.hidden = !current;
  if (current)
    fill(
      place,
      words(fileName(current.path)),
      current.stage && ` · ${channelName(current.stage)}`,
      current.length > 0 && ` · ${t("job.files", { done: clock(current.done), total: clock(current.length) })}`,
    );
  return node;
}

function job(now) {
  const node = h(
    "li",
    { id: `job-${now.id}` },
    h(
      "div",
      { class: "jobhead" },
      h("b", {}, now.kind === "retry" ? t("job.retry") : words(now.paths.join(", "))),
      h("span", { class: "soft small state" }),
      !over(now) && tool("close", t("job.stop"), () => stop(now.id)),
    ),
    !over(now) && h("progress", { max: 1, "aria-label": t("job.progress") }),
    h("p", { class: "soft small now" }),
    now.error && h("p", { class: "problem small" }, words(now.error)),
    now.report && h("p", { class: "soft small" }, told(now.report)),
  );
  return progress(node, now);
}

async function stop(id) {
  if (await attempt(() => api.cancel(id))) notice(t("job.stopping"));
}

function told(report) {
  const { indexed, unchanged, renamed, duplicates, failures } = report;
  const counts = { unchanged, renamed: renamed.length, duplicates: duplicates.length };
  const said = Object.entries({ ...counts, failed: failures.length })
    .filter(([, n]) => n)
    .map(([name, n]) => t(`job.${name}`, { n }));
  return [t("job.read", { n: indexed.length }), ...said].join(" · ");
}

// -- videos ---------------------------------------------------------------------------------------
async function videos() {
  const asked = {
    find: one("#find-video").value.trim(),
    folder: one("#folder").value,
    sort: one("#order").value,
  };
  latest = asked;
  const { asTable, videoList } = await import("./videolist.js");
  const page = async (offset, limit) => {
    const found = await attempt(() => api.videos({ ...asked, offset, limit }));
    return found && latest === asked ? found : null;
  };
  const first = await page(0, PAGE);
  if (!first) return;
  list ??= videoList(one("#videos"), (offset, limit) => more(offset, limit), asTable);
  more = async (offset, limit) => (await page(offset, limit))?.videos;
  list.show(first.total, first.videos);
  const narrowed = asked.find || asked.folder;
  const told =
    narrowed && !first.total ? t("coll.none") : t("count.videos", { n: first.total });
  one("#videos-title").textContent = narrowed
    ? t("coll.with-this", { videos: told })
    : told;
  if (narrowed) say(told);
}
