// The collection: what it holds, what is being read, what failed and why.

import { Refused, api, at } from "./api.js";
import { button, fill, h, icon, notice, one, say, tool, words } from "./dom.js";
import { refuse, tile } from "./results.js";
import { state } from "./state.js";
import { bytes, channelName, clock, count, fileName, length, number } from "./text.js";
import { channelBars } from "./why.js";

const PAGE = 60;
const MOST = 200;
const WAIT_MS = 250;
const streams = new Map();
let shown = 0;
let latest = null;

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
    placeholder: "/path/to/videos",
    "aria-label": "Folder, file or manifest on this computer",
    required: true,
    autocomplete: "off",
    spellcheck: "false",
  });
  const form = h(
    "form",
    { class: "addform" },
    input,
    h("button", { class: "button main" }, icon("plus"), "Index"),
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
      h("h1", {}, "Collection"),
      h("p", { class: "soft", id: "where" }),
    ),
    h(
      "div",
      { class: "columns" },
      h("section", { id: "summary", class: "cardbox", "aria-label": "What it holds" }),
      h(
        "section",
        { class: "cardbox", "aria-labelledby": "add-title" },
        h("h2", { id: "add-title" }, "Add videos"),
        h(
          "div",
          { id: "adding" },
          h(
            "p",
            { class: "soft small" },
            "A folder, a file, a pattern or a manifest on the server's own disk. What is indexed already costs nothing.",
          ),
          form,
        ),
        h("ul", { id: "jobs", class: "jobs", "aria-label": "Jobs" }),
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
      h("div", { class: "sectionhead" }, h("h2", { id: "videos-title" }, "Videos"), choice()),
      h("ul", { class: "mosaic", id: "videos" }),
      h("div", { class: "end", id: "videos-end" }),
    ),
  );
}

const ORDERS = [
  ["path", "by folder and name"],
  ["title", "by title"],
  ["date", "newest first"],
  ["length", "longest first"],
];

/** Return what narrows and orders the list of videos. */
function choice() {
  let timer;
  const again = () => {
    clearTimeout(timer);
    timer = setTimeout(videos, WAIT_MS);
  };
  return h(
    "form",
    { class: "choice", role: "search", "aria-label": "The list of videos", on: { submit: stay } },
    h("input", {
      id: "find-video",
      class: "field",
      type: "search",
      dir: "auto",
      placeholder: "Words of a name or tag",
      "aria-label": "Videos whose name, folder, title or tags have these words",
      on: { input: again, search: again },
    }),
    h(
      "select",
      { id: "folder", class: "field", "aria-label": "Folder", on: { change: () => videos() } },
      h("option", { value: "" }, "All folders"),
    ),
    h(
      "select",
      { id: "order", class: "field", "aria-label": "Order", on: { change: () => videos() } },
      ORDERS.map(([value, name]) => h("option", { value }, name)),
    ),
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
    h("option", { value: "" }, "All folders"),
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
    status = await api.status();
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
        ["Videos", number(status.videos)],
        ["Length", length(status.duration)],
        ["Index", bytes(status.size)],
      ].map(([name, value]) =>
        h("div", {}, h("dt", {}, name), h("dd", { class: "number" }, value)),
      ),
    ),
    channelBars(
      Object.entries(status.evidence).sort(([, a], [, b]) => b - a),
      number,
    ),
  );
  failures(status);
}

function failures({ failures: list, missing }) {
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
        list.length ? `${count(list.length, "file")} could not be read` : "Files that are gone",
      ),
      list.length > 0 &&
        button(
          "Try again",
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
            words(failure.reason ?? failure.message ?? ""),
            failure.stage && h("span", { class: "soft" }, ` (${failure.stage})`),
          ),
        ),
      ),
    ),
    list.length > MOST && h("p", { class: "soft" }, `These are the first ${MOST}.`),
    missing.length > 0 &&
      h(
        "details",
        {},
        h("summary", {}, `${count(missing.length, "indexed file")} no longer there`),
        h(
          "ul",
          { class: "rows" },
          missing.slice(0, MOST).map((path) => h("li", {}, words(path))),
        ),
      ),
  );
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
    say(`Job ${now.state}`);
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
    STATES[now.state],
    files.total > 0 && ` · ${files.done} of ${files.total}`,
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
      current.length > 0 && ` · ${clock(current.done)} of ${clock(current.length)}`,
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
      h("b", {}, now.kind === "retry" ? "Failed files again" : words(now.paths.join(", "))),
      h("span", { class: "soft small state" }),
      !over(now) && tool("close", "Stop this job", () => stop(now.id)),
    ),
    !over(now) && h("progress", { max: 1, "aria-label": "Progress of the job" }),
    h("p", { class: "soft small now" }),
    now.error && h("p", { class: "problem small" }, words(now.error)),
    now.report && h("p", { class: "soft small" }, told(now.report)),
  );
  return progress(node, now);
}

async function stop(id) {
  if (await attempt(() => api.cancel(id))) notice("It stops at its next step; what is read stays.");
}

const STATES = {
  queued: "waiting",
  running: "reading",
  done: "done",
  failed: "failed",
  cancelled: "stopped",
};

function told(report) {
  const said = [`${count(report.indexed.length, "video")} read`];
  if (report.unchanged) said.push(`${report.unchanged} unchanged`);
  if (report.renamed.length) said.push(`${report.renamed.length} renamed`);
  if (report.duplicates.length) said.push(`${report.duplicates.length} duplicates`);
  if (report.failures.length) said.push(`${report.failures.length} failed`);
  return said.join(", ");
}

// -- videos ---------------------------------------------------------------------------------------
async function videos(more = false) {
  const asked = {
    offset: more ? shown : 0,
    limit: PAGE,
    find: one("#find-video").value.trim(),
    folder: one("#folder").value,
    sort: one("#order").value,
  };
  latest = asked;
  const found = await attempt(() => api.videos(asked));
  if (!found || latest !== asked) return;
  const list = one("#videos");
  if (!more) fill(list);
  list.append(...found.videos.map(tile));
  shown = found.offset + found.videos.length;
  const narrowed = asked.find || asked.folder;
  const told = narrowed && !found.total ? "No video" : count(found.total, "video");
  one("#videos-title").textContent = narrowed ? `${told} with this` : told;
  if (narrowed) say(told);
  fill(one("#videos-end"), shown < found.total && button("More", () => videos(true)));
}
