// Writes times, sizes, names and counts the way people read them.

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

/** Return 5025 as `1 h 24 min`. */
export function length(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

export function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(4, Math.floor(Math.log10(Math.max(1, count)) / 3));
  return `${(count / 1000 ** power).toFixed(power && count / 1000 ** power < 10 ? 1 : 0)} ${units[power]}`;
}

export const number = (value) => value.toLocaleString("en");
export const count = (value, name, names = `${name}s`) =>
  `${number(value)} ${value === 1 ? name : names}`;

/** Return a name without the signs that would show `gnp.exe` as `exe.png`. */
const unturned = (name) => name.replace(/[\u202d\u202e]/g, "");

export const fileName = (path) => unturned(path.split(/[\\/]/).pop() || path);

/** Return at most `most` characters of a text, and say where more were. */
export function short(text, most = 200) {
  if (text.length <= most) return text;
  return `${[...text.slice(0, 2 * most)].slice(0, most).join("").trimEnd()}…`;
}

/** Return a remark as a sentence. */
export const sentence = (text) =>
  text && `${text[0].toUpperCase()}${text.slice(1).replace(/\.$/, "")}.`;

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

export const CHANNELS = {
  frame: "Picture",
  caption: "Caption",
  summary: "Summary",
  speech: "Speech",
  screen_text: "Screen text",
  metadata: "Title and tags",
  sound: "Sound",
  collection: "Likeness",
};
export const channelName = (name) => CHANNELS[name] ?? name.replaceAll("_", " ");

const languageNames = new Intl.DisplayNames(["en"], { type: "language", fallback: "code" });
/** Return the English name of a language code, or the code. */
export function languageName(code) {
  try {
    return languageNames.of(code);
  } catch {
    return code;
  }
}
