// Labels: saying which moments answer a question, and how well the search does by them.

import { Refused, api } from "./api.js";
import { fill, h, notice, one, say, tool, words } from "./dom.js";
import { linkTo, question, state } from "./state.js";
import { clock, range, titleOf } from "./text.js";
import { nodes, number, t } from "./texts.js";

const GRADES = [0, 1, 2, 3].map((grade) => t(`grade.${grade}`));
let labels = [];
let measures = null;
let measuring = null;

/** Ask for all labels. */
export async function start() {
  try {
    labels = (await api.labels()).labels;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    notice(`${error.message} ${error.next ?? ""}`);
  }
}

/** Return the label of a hit for the question that is asked, or undefined. */
export const labelOf = (video) =>
  labels.find((label) => label.query === question(state()) && label.video === video);

/** Return the buttons that label a moment, shown while one labels. */
export function labelTools(hit, moment) {
  return h(
    "span",
    { class: "grades", role: "group", "aria-label": t("label.group"), data: { video: hit.video } },
    GRADES.map((name, grade) =>
      h(
        "button",
        {
          type: "button",
          class: `grade g${grade}`,
          title: name,
          "aria-label": `${name} (${grade})`,
          "aria-pressed": String(labelOf(hit.video)?.relevance === grade),
          on: { click: () => grade_(hit, moment, grade) },
        },
        String(grade),
      ),
    ),
  );
}

/** Label a moment; the same grade again takes the label away. */
export async function grade_(hit, moment, relevance) {
  const old = labelOf(hit.video);
  try {
    if (old) await api.unlabel(old.id);
    if (old?.relevance !== relevance)
      await api.label({
        query: question(state()),
        video: hit.video,
        start: moment?.start ?? 0,
        end: moment?.end ?? null,
        relevance,
      });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    notice(`${error.message} ${error.next ?? ""}`);
  }
  measures = null;
  await start();
  for (const group of document.querySelectorAll(`.grades[data-video="${CSS.escape(hit.video)}"]`))
    [...group.children].forEach((button, grade) =>
      button.setAttribute("aria-pressed", String(labelOf(hit.video)?.relevance === grade)),
    );
  say(
    old?.relevance === relevance
      ? t("label.removed")
      : t("label.set", { grade: GRADES[relevance] }),
  );
  await measure();
}

async function measure() {
  measuring?.abort();
  measuring = new AbortController();
  try {
    const { decompose } = state();
    measures = await api.measures({ decompose }, measuring.signal);
    for (const bar of document.querySelectorAll(".measures.live")) bar.replaceWith(measuresSoFar());
  } catch (error) {
    if (error.name !== "AbortError" && !(error instanceof Refused)) throw error;
  }
}

/** Return the measures of the labels so far. */
export function measuresSoFar() {
  if (!measures) measure();
  const own = measures?.by_query?.find((row) => row.query === question(state()));
  return h(
    "span",
    { class: "measures live small number", "aria-live": "polite" },
    measures &&
      (own
        ? t("label.measures", {
            own: number(own["nDCG@10"], 2),
            all: number(measures.measures["nDCG@10"], 2),
          })
        : t("label.so-far", { n: measures.labels })),
  );
}

// -- the view -------------------------------------------------------------------------------------
const titles = new Map();

async function nameVideos() {
  const unknown = [...new Set(labels.map((label) => label.video))]
    .filter((video) => !titles.has(video))
    .slice(0, 60);
  await Promise.allSettled(
    unknown.map(async (id) => titles.set(id, titleOf((await api.video(id)).video))),
  );
}

/** Show all labels with the measures that follow from them. */
export async function show() {
  const place = one("#labels");
  if (!labels.length) await start();
  await nameVideos();
  if (!measures) {
    draw(place);
    if (labels.length) await measure();
  }
  if (state().view === "labels") draw(place);
}

function draw(place) {
  if (!labels.length) {
    fill(
      place,
      h(
        "div",
        { class: "empty" },
        h("h1", {}, t("label.none")),
        h("p", {}, nodes("label.how", { key: h("kbd", {}, "m") })),
        h("p", {}, h("a", { href: "./?label=on", data: { go: "" } }, t("label.begin"))),
      ),
    );
    return;
  }
  fill(
    place,
    h(
      "div",
      { class: "viewhead" },
      h("h1", {}, t("view.labels")),
      h(
        "p",
        { class: "soft" },
        t("label.kept", {
          labels: t("count.labels", { n: labels.length }),
          questions: t("count.questions", {
            n: new Set(labels.map((label) => label.query)).size,
          }),
        }),
      ),
    ),
    h(
      "dl",
      { class: "figures", "aria-live": "polite" },
      Object.entries(measures?.measures ?? {}).map(([name, value]) =>
        h("div", {}, h("dt", {}, name), h("dd", { class: "number" }, number(value, 3))),
      ),
    ),
    !measures && h("p", { class: "soft" }, t("label.measuring")),
    byQuestion(),
  );
}

function byQuestion() {
  const questions = [...new Set(labels.map((label) => label.query))];
  return h(
    "div",
    { class: "questions" },
    questions.map((query) => {
      const row = measures?.by_query?.find((one_) => one_.query === query);
      const own = labels.filter((label) => label.query === query);
      return h(
        "section",
        { class: "cardbox" },
        h(
          "div",
          { class: "sectionhead" },
          h(
            "h2",
            {},
            words(query, null, "a", { href: linkTo({ q: query, label: "on" }), data: { go: "" } }),
          ),
          row &&
            h(
              "span",
              { class: "soft number small" },
              ["nDCG@10", "R@1", "MRR@10"]
                .filter((name) => name in row)
                .map((name) => `${name} ${number(row[name], 3)}`)
                .join(" · "),
            ),
        ),
        h(
          "ul",
          { class: "rows" },
          own.map((label) =>
            h(
              "li",
              {},
              h(
                "span",
                { class: `grade shown g${label.relevance}`, title: GRADES[label.relevance] },
                label.relevance,
              ),
              h(
                "a",
                {
                  class: "number",
                  href: linkTo({ view: "video", video: label.video, t: label.start, q: query }),
                  data: { go: "" },
                },
                nodes("label.at", {
                  title: words(titles.get(label.video) ?? label.video.slice(0, 8)),
                  time: label.end === null ? clock(label.start) : range(label.start, label.end),
                }),
              ),
              h("span", { class: "soft" }, GRADES[label.relevance]),
              tool("bin", t("label.forget"), async () => {
                await api.unlabel(label.id);
                measures = null;
                await start();
                await show();
              }),
            ),
          ),
        ),
      );
    }),
  );
}
