// What the server remarks on a question or an answer, in the page's words; what it has none for
// stays as the server says it, which is in English.

import { words } from "./dom.js";
import { clock, sentence } from "./text.js";
import { language, more, nodes } from "./texts.js";

/** A remark as the server says it, the text that says the same, and what its parts are called. */
const KNOWN = [
  [/^(\S+): is given nothing and is searched as a word; as in\s+(.+)$/, "hint.nothing", "word", "example"],
  [/^the quote at character (\d+) is never closed/, "hint.quote", "place"],
  [/^the \( at character (\d+) is never closed/, "hint.bracket", "place"],
  [/^(\S+) joins nothing here and is searched as a word; as in\s+(.+)$/, "hint.joins", "word", "example"],
  [/^(\S+): before a space is searched as a word; as a field it is\s+(.+)$/, "hint.space", "word", "example"],
  [/^(\S+): is searched as a word; the field is (\S+):$/, "hint.small", "word", "meant"],
  [/^(\S+): is no field and is searched as a word; did you mean (\S+): \?$/, "hint.meant", "word", "meant"],
  [/^(\S+): is no field and is searched as a word; fields are (.+)$/, "hint.fields", "word", "fields"],
  [/^the sentences are quotes, in the language/, "note.quotes"],
  [/^a name is asked for, and no sentence/, "note.no-name"],
  [/^a number is asked for, and no sentence/, "note.no-number"],
  [/^a place is asked for, and no sentence/, "note.no-place"],
  [/^a time is asked for, and no sentence/, "note.no-time"],
  [/^it may be seen in (.+) at ([\d.]+) s, where no words answer$/, "note.seen", "name", "time"],
  [/^dropped (\d+) sentences? that cited nothing that was shown$/, "note.uncited", "count"],
  [/^dropped (\d+) sentences? with a number, name or date/, "note.untrue", "count"],
  [/^(\d+) sentences? resting on what a model says it sees/, "note.only-seen", "count"],
  [/^dropped (\d+) of the model's sentences that cited no line$/, "note.model-cited", "count"],
  [/^dropped (\d+) of the model's sentences that share no word/, "note.model-strays", "count"],
  [/^(\d+) quotes? (?:was|were) translated by (.+); the originals/, "note.translated", "count", "name"],
  [/^\w+ was left out: (.+)$/, "note.step", "why"],
];

/** Why a file was not read, after its name; the names of files are strangers', so only ends count. */
const FAILURES = [
  [/truncated: (\d+) of (\d+) s are there; copy it again$/, "fail.cut", "there", "whole"],
  [/empty file \(0 bytes\); copy it again$/, "fail.empty"],
  [/does not exist; was it moved or deleted\?$/, "fail.gone"],
  [/permission denied; make (?:the file|its folder) readable$/, "fail.permission"],
  [/encrypted; give a copy without copy protection$/, "fail.encrypted"],
  [/not a regular file; give a video file$/, "fail.irregular"],
  [/holds neither pictures nor sound; give a video file$/, "fail.nothing"],
  [/zero duration: it holds no pictures and no sound$/, "fail.nothing"],
  [/no known video or audio format$/, "fail.format"],
  [/a still image \([^()]*\), not a video$/, "fail.picture"],
  [/ px in all$/, "fail.large"],
  [/pixels are too many; shrink it$/, "fail.large"],
  [/ h are read$/, "fail.long"],
  [/shorten it or make its pictures smaller$/, "fail.slow"],
  [/of computing; shorten it$/, "fail.slow"],
  [/(?:cannot be decoded(?:: damaged or encrypted)?|decoding gave no picture)$/, "fail.damaged"],
  [/(?:damaged|is missing|is incomplete); copy it again$/, "fail.damaged"],
];

/** Make ready: another language's words are loaded when they are first needed. */
export const ready = () => (language === "en" ? null : more("told").catch(() => null));

/** Return why a file was not read as nodes: in the page's words, and where it has none in English. */
export const unreadFor = (text) => remark(text, FAILURES);

/** Return a remark as nodes, in the page's language where there are words for it. */
export function remark(text, known = KNOWN) {
  const own = language !== "en" && known.find(([pattern]) => pattern.test(text));
  if (!own) return [words(sentence(text), "en")];
  const [pattern, key, ...names] = own;
  const [, ...found] = pattern.exec(text);
  const values = names.map((name, place) => [name, part(name, found[place])]);
  try {
    return nodes(key, Object.fromEntries(values));
  } catch {
    return [words(sentence(text), "en")]; // its words could not be loaded
  }
}

function part(name, found) {
  if (["place", "count", "there", "whole"].includes(name)) return Number(found);
  if (name === "time") return clock(Number(found));
  return words(found, name === "why" ? "en" : null);
}
