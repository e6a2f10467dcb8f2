// Stands in for `@cloudflare/containers` where there is no Docker: a container that is code. What it answers is
// told by the text that it is sent.

import { DurableObject } from "cloudflare:workers";

/** A container that is not ready when it is asked for the first time. */
export class Container<Env = unknown> extends DurableObject<Env> {
  defaultPort?: number;
  sleepAfter: string | number = "10m";
  enableInternet = true;
  #asked = 0;

  override async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const text = await request.text();
    if (pathname === "/ready") {
      this.#asked += 1;
      const ready = this.#asked > 1;
      return Response.json({ ready }, { status: ready ? 200 : 503 });
    }
    if (pathname === "/health") {
      return Response.json({ ready: true, alive: true, mathlib: false, repl: true, base_env: 0, status: "ready" });
    }
    if (text === "crash") {
      return new Response("Failed to start container: no such image", { status: 500 });
    }
    const timeout = request.headers.get("X-Lean-Timeout");
    const status = text === "wrong" ? 400 : text === "loop" ? 408 : 200;
    const headers = [...request.headers.keys()].sort();
    const reply = { ok: status === 200, messages: [], sorries: [], env: 0, elapsed: 0.1 };
    return Response.json({ ...reply, text, timeout, headers, asked: this.#asked, pathname }, { status });
  }

  async destroy(): Promise<void> {
    console.log("a container was destroyed");
  }
}

type Namespace = { idFromName(name: string): unknown; get(id: unknown): unknown };

export const getRandom = async (containers: Namespace, instances: number) =>
  containers.get(containers.idFromName(`instance-${Math.floor(Math.random() * instances)}`));

export const getContainer = (containers: Namespace, name: string) => containers.get(containers.idFromName(name));
