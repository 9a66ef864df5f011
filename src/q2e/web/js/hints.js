// Hints as one types: how the question is read, where it is wrong, and what one may write.

import { api, refusal } from "./api.js";
import { button, fill, h, one, words } from "./dom.js";
import { filtered, question, state } from "./state.js";
import { channelName, clock, languageName, sentence } from "./text.js";
import { has, t } from "./texts.js";

const LESSONS = [
  ["then", " THEN "],
  ["said", "speech:"],
  ["screen", "screen:"],
  ["exact", '""'],
  ["not", " NOT "],
  ["or", " OR "],
  ["language", " lang:"],
  ["dates", " after:"],
];

/** Whether a text may say more than its words do: signs of the query language, or words in capitals. */
const SIGNS = /\p{Lu}{2}|["“”„«»()[\]{}:*~^|<>=+]|(?:^|\s)[-−–!]/u;
export const written = (text) => SIGNS.test(text);

let last = null;
/** Return how a text is read; asked once for as long as the text stays. */
export function parsed(text) {
  if (last?.text !== text) {
    const answer = text ? api.parse(text) : Promise.resolve({ error: null });
    last = { text, answer: answer.catch(() => ({ error: null })) };
  }
  return last.answer;
}

/** Say under the box how the question of a state is read; unless `ask`, only what one may write. */
export async function hint(now, ask = true) {
  const text = question(now);
  const place = one("#hints");
  if (!text || !ask) return lessons(place, Boolean(text));
  const found = await parsed(filtered(now));
  if (question(state()) !== text) return undefined;
  if (found.error) return wrong(place, text, found.error, await refusal(found.error));
  const clause = found.clause ? [clauseNode(found.clause)] : [];
  const filters = Object.entries(found.filters ?? {}).filter(
    ([, value]) => value !== null && value.length !== 0,
  );
  if (found.hint) {
    const { ready, remark } = await import("./remarks.js");
    await ready();
    if (question(state()) !== text) return undefined;
    return fill(place, h("span", { class: "soft" }, remark(found.hint)));
  }
  if (!clause.length && !filters.length) return lessons(place, true);
  return fill(place, h("span", { class: "soft" }, t("read.as"), " "), clause, filters.map(filterNode));
}

function wrong(place, text, error, told) {
  const at_ = error.position;
  fill(
    place,
    h("span", { class: "wrong" }, words(sentence(told.message))),
    told.message !== error.message && [" ", words(error.message, "en", "bdi", { class: "soft" })],
  );
  if (Number.isInteger(at_) && at_ < text.length)
    place.append(
      " ",
      button(
        t("read.where"),
        () => {
          one("#q").focus();
          one("#q").setSelectionRange(at_, at_ + 1);
        },
        { class: "plain" },
      ),
    );
}

function clauseNode(clause) {
  if (clause.kind === "text")
    return h(
      "span",
      { class: "clause" },
      clause.channel && h("em", {}, `${channelName(clause.channel)} `),
      words(clause.exact ? `“${clause.text}”` : clause.text),
    );
  if (clause.kind === "not")
    return h("span", { class: "clause not" }, h("em", {}, t("read.not"), " "), clause.parts.map(clauseNode));
  if (clause.kind === "first" || clause.kind === "every")
    return h(
      "span",
      { class: "group" },
      h("em", {}, t(`read.${clause.kind}`), " "),
      clause.parts.map(clauseNode),
    );
  const nodes = clause.parts.flatMap((part, index) => {
    if (!index) return [clauseNode(part)];
    const wait = clause.within?.[index - 1];
    if (part.kind === "not") return [" ", clauseNode(part)];
    const join = t(`read.${clause.kind}`);
    const told = wait ? t("read.within", { join, time: clock(wait) }) : join;
    return [h("em", { class: "join" }, ` ${told} `), clauseNode(part)];
  });
  return h("span", { class: "group" }, nodes);
}

function filterNode([name, value]) {
  const said = (Array.isArray(value) ? value : [value]).map((item) =>
    name.includes("language")
      ? languageName(item)
      : name.endsWith("_s")
        ? clock(item)
        : name.includes("channels")
          ? channelName(item)
          : String(item),
  );
  return h(
    "span",
    { class: "clause filter" },
    h("em", {}, has(`read.${name}`) ? t(`read.${name}`) : name.replaceAll("_", " "), " "),
    said.join(", "),
  );
}

function lessons(place, typing = false) {
  fill(
    place,
    LESSONS.slice(0, typing ? 4 : LESSONS.length).map(([name, text]) =>
      h(
        "button",
        {
          type: "button",
          class: "lesson",
          title: t(`lesson.${name}.about`),
          on: { click: () => insert(text) },
        },
        t(`lesson.${name}`),
      ),
    ),
  );
}

function insert(text) {
  const input = one("#q");
  const there = input.value;
  const added = there ? text : text.trimStart();
  input.value = there + (there && !/\s$/.test(there) && !added.startsWith(" ") ? " " : "") + added;
  const end = input.value.length - (text === '""' ? 1 : 0);
  input.focus();
  input.setSelectionRange(end, end);
  input.dispatchEvent(new Event("input"));
}
