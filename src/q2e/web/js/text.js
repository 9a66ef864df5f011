// Writes times, sizes, names and counts the way people read them.

import { has, language, rightToLeft, t } from "./texts.js";

/** Return 83.4 as `1:23`, or with `exact` as `1:23.4`. */
export function clock(seconds, exact = false) {
  const whole = Math.max(0, exact ? Math.floor(seconds * 10) / 10 : Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = exact
    ? (whole % 60).toFixed(1).padStart(4, "0")
    : String(Math.floor(whole % 60)).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** Return a stretch as `0:05 – 1:23`, which stays in order where the page runs from the right. */
export const range = (from, to) =>
  rightToLeft ? `\u2066${clock(from)} – ${clock(to)}\u2069` : `${clock(from)} – ${clock(to)}`;

const measured = (value, unit, maximumFractionDigits = 0) =>
  value.toLocaleString(language, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits });

/** Return how long something took, as `0.25 sec`. */
export const elapsed = (seconds) => measured(seconds, "second", 2);

/** Return 5025 as `1 hr 24 min`, in the page's language. */
export function length(seconds) {
  if (seconds < 60) return measured(seconds, "second");
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return measured(minutes, "minute");
  return `${measured(Math.floor(minutes / 60), "hour")} ${measured(minutes % 60, "minute")}`;
}

const SIZES = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
/** Return a number of bytes as `1.2 MB`. */
export function bytes(size) {
  const power = Math.min(4, Math.floor(Math.log10(Math.max(1, size)) / 3));
  const value = size / 1000 ** power;
  return measured(value, SIZES[power], power && value < 10 ? 1 : 0);
}

/** Return a share as a percentage. */
export const percent = (share) =>
  share.toLocaleString(language, { style: "percent", maximumFractionDigits: 0 });

/** Return a date such as `2017-09-19` as the language writes it; what is no whole date as it is. */
export function day(text) {
  const date = /^\d{4}-\d\d-\d\d/.test(text ?? "") ? new Date(`${text.slice(0, 10)}T00:00`) : null;
  if (!date || Number.isNaN(date.getTime())) return text;
  return date.toLocaleDateString(language, { dateStyle: "medium" });
}

/** Return a name without the signs that would show `gnp.exe` as `exe.png`. */
const unturned = (name) => name.replace(/[\u202d\u202e]/g, "");

export const fileName = (path) => unturned(path.split(/[\\/]/).pop() || path);

/** Return at most `most` characters of a text, and say where more were. */
export function short(text, most = 200) {
  if (text.length <= most) return text;
  return `${[...text.slice(0, 2 * most)].slice(0, most).join("").trimEnd()}…`;
}

/** Return a remark as a sentence. */
export function sentence(text) {
  const ends = /[.。।！？!?؟]$/.test(text) || /[\u0e00-\u0e7f]$/.test(text);
  // What is set apart for its direction ends where its last character does.
  if (/[.。।！？!?؟]?\u2069$/.test(text)) return text;
  return text && `${text[0].toUpperCase()}${text.slice(1)}${ends ? "" : stop}`;
}
const stop = { ja: "。", zh: "。", hi: "।", th: "" }[language] ?? ".";

/** Return a video's title, or its file's name without ending where it has none. */
export function titleOf(thing) {
  return short(
    unturned(thing.title || "") ||
      fileName(thing.path || "").replace(/\.[^.]+$/, "") ||
      // What was imported without its file has an id that somebody chose.
      (thing.id ?? thing.video ?? ""),
  );
}

const SOUND = /\.(mp3|m4a|wav|flac|ogg|oga|opus|aac|wma)$/i;
/** Say whether a video has no picture. */
export function soundOnly(thing) {
  return thing.has_video === undefined ? SOUND.test(thing.path || "") : !thing.has_video;
}

/** Return the name of a channel; one of a plugin's has the name it came with. */
export const channelName = (name) =>
  has(`channel.${name}`) ? t(`channel.${name}`) : name.replaceAll("_", " ");

const languageNames = new Intl.DisplayNames([language], { type: "language", fallback: "code" });
/** Return the name of a language code in the page's language, or the code. */
export function languageName(code) {
  try {
    return languageNames.of(code);
  } catch {
    return code;
  }
}
