// The Worker: which containers there are, and how they are reached. The rest is in worker.ts.
//
// Written by `leanrepl cloudflare init`, which writes it again as long as you have not changed it.

import { Container, getContainer, getRandom } from "@cloudflare/containers";
import { answer, type Version } from "./worker.ts";

/** What all containers have in common. */
class Lean extends Container<Env> {
  override defaultPort = 8000;
  // Lean runs any program that a text contains: it has no business on the internet.
  override enableInternet = false;
}

{{classes}}

/** What wrangler.jsonc binds, and the secrets. */
interface Env {
{{bindings}}
}

/** The versions by the name in the path. */
function versions(env: Env): Map<string, Version> {
  return new Map([
{{versions}}
  ]);
}

/** The containers of a class, over `instances` of which requests are spread at random. */
function version<T extends Container<Env>>(containers: DurableObjectNamespace<T>, instances: number): Version {
  return {
    some: () => getRandom(containers, instances),
    fresh: () => getContainer(containers, `cold-${crypto.randomUUID()}`),
  };
}

export default {
  fetch(request, env, context) {
    return answer(request, {
      versions: versions(env),
      needsKey: {{needs_key}},
      key: env.LEANREPL_API_KEY,
{{limit}}
      later: (work) => context.waitUntil(work),
      pause: (milliseconds) => new Promise((done) => setTimeout(done, milliseconds)),
    });
  },
} satisfies ExportedHandler<Env>;
