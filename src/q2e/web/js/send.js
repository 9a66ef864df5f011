// Sends videos to the collection, a piece after another; after a break it goes on where it ended.

import { Refused, V1, address, call } from "./api.js";
import { fileName } from "./text.js";

const PIECE = 1 << 20;
const TRIES = 5;
const WAIT_MS = 1500;

/** Send a file; `told(share)` says how far it is. Returns the job that reads it. */
export async function send(file, told) {
  const about = { name: fileName(file.name), size: file.size };
  let { received } = await call("GET", address(`${V1}/incoming`, about));
  // What is there whole is not sent, but read.
  if (received === file.size) received = file.size - 1;
  for (let tries = 0; ; ) {
    told(received / file.size);
    const form = file.slice(received, received + PIECE);
    try {
      const answer = await call("PUT", address(`${V1}/incoming`, { ...about, offset: received }), { form });
      received = answer.received;
      tries = 0;
      if (answer.job) return answer.job;
    } catch (error) {
      if (!(error instanceof Refused) || (tries += 1) > TRIES) throw error;
      if (error.code === "unreachable") await new Promise((go) => setTimeout(go, WAIT_MS * tries));
      else if (error.code !== "changed") throw error;
      ({ received } = await call("GET", address(`${V1}/incoming`, about)));
    }
  }
}
