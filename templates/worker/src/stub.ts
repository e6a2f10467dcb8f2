// The Worker without containers: answers the stub's JSON, to prove the account and the routes.
//
// Written by `leanrepl cloudflare init --stub`; `leanrepl cloudflare init` replaces it.

import { json } from "./replies.ts";
import { answer, type Backend, type Version } from "./worker.ts";

/** What wrangler.jsonc binds, and the secrets. */
interface Env {
{{bindings}}
}

/** Says no to every text, and why: it must not be taken for a verdict. */
const stub: Backend = {
  async fetch(request) {
    const status = "stub: there is no Lean behind this Worker yet";
    if (new URL(request.url).pathname !== "/") {
      return json(200, { ready: false, alive: false, mathlib: false, repl: true, base_env: null, status, stub: true });
    }
    const { byteLength: bytes } = await request.arrayBuffer();
    const received = { bytes, timeout: request.headers.get("X-Lean-Timeout") };
    return json(503, { ok: false, error: status, messages: [], sorries: [], elapsed: 0, stub: true, received });
  },
  async destroy() {},
};

/** The same for every version. */
const version: Version = { some: async () => stub, fresh: () => stub };

/** The names in the path. */
const names = [{{names}}];

export default {
  fetch(request, env, context) {
    return answer(request, {
      versions: new Map(names.map((name) => [name, version])),
      needsKey: {{needs_key}},
      key: env.LEANREPL_API_KEY,
{{limit}}
      later: (work) => context.waitUntil(work),
      pause: () => Promise.resolve(),
    });
  },
} satisfies ExportedHandler<Env>;
