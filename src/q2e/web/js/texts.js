// The page's own words, in the reader's language: chosen by hand, else the browser's first we have.

/** The languages there are, each by its own name. */
export const LANGUAGES = {
  ar: "العربية",
  de: "Deutsch",
  en: "English",
  es: "Español",
  fr: "Français",
  hi: "हिन्दी",
  ja: "日本語",
  ko: "한국어",
  ru: "Русский",
  th: "ไทย",
  zh: "中文",
};
const RIGHT_TO_LEFT = ["ar"];
const FALLBACK = "en";
const KEY = "q2e-language";

const own = (code) => Object.hasOwn(LANGUAGES, code);
const chosen = () => {
  const wished = [localStorage.getItem(KEY) ?? "", ...navigator.languages];
  return wished.map((tag) => tag.toLowerCase().split("-")[0]).find(own) ?? FALLBACK;
};

async function load(code) {
  const answer = await fetch(new URL(`../texts/${code}.json`, import.meta.url));
  if (!answer.ok) throw new Error(`texts/${code}.json: ${answer.status}`);
  return answer.json();
}

/** The language the page speaks, and its words. What imports this module waits for them. */
const [found, texts] = await load(chosen()).then(
  (all) => [chosen(), all],
  async () => [FALLBACK, await load(FALLBACK)],
);
export const language = found;
export const rightToLeft = RIGHT_TO_LEFT.includes(language);
const plurals = new Intl.PluralRules(language);
document.documentElement.lang = language;
document.documentElement.dir = rightToLeft ? "rtl" : "ltr";

const parts = new Map();

/** Load the words of a part of the page (`texts/PART/`); what shows them waits for it. */
export function more(part) {
  if (!parts.has(part)) parts.set(part, load(`${part}/${language}`).then((all) => Object.assign(texts, all)));
  return parts.get(part);
}

/** Return a number as the language writes it, with `digits` after the point. */
export const number = (value, digits = 0) =>
  value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** Return the form of a text that fits the count `n`, where it has several. */
function form(key, { n }) {
  const text = texts[key];
  if (!has(key)) throw new Error(`no text is called ${key}`);
  return typeof text === "string" ? text : (text[plurals.select(n)] ?? text.other);
}

/** Whether there is a text of that name. */
export const has = (key) => Object.hasOwn(texts, key);

/** Return a text with `{name}` replaced; `n` chooses among its plural forms. */
export const t = (key, values = {}) => nodes(key, values).join("");

/** Return a text as a list of strings and of the nodes that `values` has among its values. */
export const nodes = (key, values = {}) =>
  form(key, values)
    .split(/\{(\w+)\}/)
    .map((part, place) => (place % 2 ? written(values[part]) : part));

const written = (value) => (typeof value === "number" ? number(value) : value);

/** Put the words into what the page's HTML holds: `data-t` names its text, `data-label` its name. */
export function fillIn(root = document) {
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll("[data-label]"))
    node.setAttribute("aria-label", t(node.dataset.label));
}

/** Speak another language from now on; the address keeps all that is shown. */
export function speak(code) {
  localStorage.setItem(KEY, code);
  location.reload();
}
