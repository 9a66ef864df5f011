// Asks the server: one function a question, errors with what to do next.

import { has, language, more, t } from "./texts.js";

/** What the server refused, with the next step it advises. */
export class Refused extends Error {
  constructor({ code, message, next, position }) {
    super(message);
    Object.assign(this, { code, next, position: position ?? null });
  }
}

/**
 * Return the refusal of an error that the server tells, in the page's words; the server's own, which
 * are English, say more and come after.
 */
export async function refusal(error) {
  if (language === "en") return new Refused(error);
  await more("told").catch(() => null);
  const key = `fault.${error.code}`;
  if (!has(key)) return new Refused(error);
  const own = [error.message, error.next].filter(Boolean).join("; ");
  return new Refused({ ...error, message: t(key), next: `\u2068${own}\u2069` });
}

/** Where the page lies, which need not be the root of its host: all it asks for lies below. */
const ROOT = new URL(".", document.baseURI).pathname;
export const V1 = `${ROOT}v1`;

const UNREACHABLE = {
  code: "unreachable",
  message: t("api.unreachable"),
  next: t("api.unreachable-next"),
};

async function send(method, path, { body, form, signal } = {}) {
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers,
      signal,
      body: form ?? (body && JSON.stringify(body)),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    dispatchEvent(new Event("q2e:lost"));
    throw new Refused(UNREACHABLE);
  }
  if (answer.ok) return answer;
  // The session has ended: the page to sign in on comes in place of this one.
  if (answer.status === 401) location.assign(`${ROOT}sign-in`);
  const data = await json(answer);
  throw data.error ? await refusal(data.error) : new Refused(unreadable(answer));
}

const unreadable = (answer) => ({
  code: "unreadable",
  message: t("api.answered", { status: String(answer.status) }),
  next: t("api.again"),
});

async function json(answer) {
  const text = await answer.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new Refused(unreadable(answer));
  }
}

export const call = async (...asked) => json(await send(...asked));

/** Return `path?a=1&b=2&b=3`, leaving out what is empty. */
export function address(path, parts = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parts))
    for (const item of Array.isArray(value) ? value : [value])
      if (item !== undefined && item !== null && item !== "") query.append(name, item);
  return query.size ? `${path}?${query}` : path;
}

const video = (id) => `${V1}/videos/${encodeURIComponent(id)}`;

/** Yield the events that an answer streams as [name, data]. */
async function* events(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const whole = (text + part.value).split("\n\n");
    text = whole.pop();
    for (const one of whole) {
      const [, name, data] = /^event: (.*)\ndata: ([^]*)$/.exec(one) ?? [];
      if (name) yield [name, JSON.parse(data)];
    }
  }
}

/** Return the answer to a question; `watch(step)` is called with each step that is done. */
async function answered(body, watch, signal) {
  const stream = await send("POST", `${V1}/answer/events`, { body, signal });
  try {
    for await (const [name, data] of events(stream)) {
      if (name === "step") watch(data.step);
      if (name === "error") throw await refusal(data.error);
      if (name === "answer") return data;
    }
  } catch (error) {
    if (error.name === "AbortError" || error instanceof Refused) throw error;
  }
  dispatchEvent(new Event("q2e:lost"));
  throw new Refused(UNREACHABLE);
}

export const api = {
  answer: answered,
  ways: () => call("GET", `${V1}/answer/ways`),
  search: (body, signal) => call("POST", `${V1}/search`, { body, signal }),
  export: async (body) => (await send("POST", `${V1}/export`, { body })).blob(),
  suggest: (q, limit) => call("GET", address(`${V1}/suggest`, { q, limit })),
  parse: (q, signal) => call("GET", address(`${V1}/parse`, { q }), { signal }),
  session: () => call("GET", `${V1}/session`),
  /** What is held; with `files`, also which of them are gone, which takes as long as they are many. */
  status: (files) => call("GET", `${V1}/status?files=${files}`),
  models: () => call("GET", `${V1}/models`),
  videos: (parts, signal) => call("GET", address(`${V1}/videos`, parts), { signal }),
  folders: () => call("GET", `${V1}/folders`),
  health: () => fetch(`${V1}/health`, { cache: "no-store" }),
  video: (id) => call("GET", video(id)),
  timeline: (id) => call("GET", `${video(id)}/timeline`),
  jobs: () => call("GET", `${V1}/jobs`),
  submit: (paths) => call("POST", `${V1}/jobs`, { body: { paths } }),
  retry: () => call("POST", `${V1}/retry`),
  cancel: (id) => call("DELETE", `${V1}/jobs/${encodeURIComponent(id)}`),
  labels: () => call("GET", `${V1}/labels`),
  label: (body) => call("POST", `${V1}/labels`, { body }),
  unlabel: (id) => call("DELETE", address(`${V1}/labels`, { id })),
  measures: (settings, signal) => call("GET", address(`${V1}/labels/measures`, settings), { signal }),
  upload(file) {
    const form = new FormData();
    form.append("file", file);
    return call("POST", `${V1}/examples`, { form });
  },
};

/** Where things lie that the browser fetches by itself. */
export const at = {
  media: (id) => `${video(id)}/media`,
  playable: (id, start, form) => address(`${video(id)}/playable`, { start, form }),
  frame: (id, t, w = 480) => address(`${video(id)}/frame`, { t: t.toFixed(2), w }),
  filmstrip: (id, start, end, n = 10, w = 320) =>
    address(`${video(id)}/filmstrip`, { start: start.toFixed(2), end: end.toFixed(2), n, w }),
  storyboard: (id, start, end) => address(`${video(id)}/storyboard`, { start, end }),
  clip: (id, start, end, exact) =>
    address(`${video(id)}/clip`, { start, end, exact: exact ? "true" : undefined }),
  transcript: (id, format) => address(`${video(id)}/transcript`, { format }),
  events: (job) => `${V1}/jobs/${encodeURIComponent(job)}/events`,
};
