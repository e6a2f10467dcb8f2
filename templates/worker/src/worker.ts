// The routes, exactly these and no others, for each version `v`:
//
//   POST /v          evaluates the body on a running container, or wakes one
//   GET  /v/health   what such a container says about itself
//   POST /v/cold     evaluates the body on a container that is new, and removes it afterwards
//   OPTIONS *        204, for browsers
//
// Everything else is 404. Needs no module of Cloudflare, so that it can be tested anywhere.

import { caller, hasKey } from "./access.ts";
import { failure, passOn, preflight } from "./replies.ts";

/** Something that answers for a container. */
export interface Backend {
  /** Sends an HTTP request to it. */
  fetch(request: Request): Promise<Response>;
  /** Ends it for good. */
  destroy(): Promise<void>;
}

/** The containers of one version. */
export interface Version {
  /** One that may be running already. */
  some(): Promise<Backend>;
  /** One that never ran before. */
  fresh(): Backend;
}

/** How often one caller may ask. */
export interface Limit {
  /** Counts a request; whether it is let through. */
  admits(caller: string): Promise<boolean>;
  /** Seconds after which a refused caller may try again. */
  retryAfter: number;
}

/** All that decides about a request. */
export interface Settings {
  /** The versions by the name in the path. */
  versions: ReadonlyMap<string, Version>;
  /** Whether only callers with the key may ask. */
  needsKey: boolean;
  /** The key; a Worker secret. */
  key: string | undefined;
  /** How often a caller may ask; absent if there is no limit. */
  limit?: Limit;
  /** Lets work go on after the reply was sent. */
  later(work: Promise<unknown>): void;
  /** Waits so many milliseconds. */
  pause(milliseconds: number): Promise<void>;
}

/** How often a new container is asked whether it is ready, and the pause between. */
const READY_TRIES = 200;
const READY_PAUSE_MS = 1500;

/**
 * The headers that a container gets. A list of what may pass: the key is none of its business, and
 * `cf-container-target-port` would let a caller choose the port.
 */
const FORWARDED = ["Accept", "Content-Type", "X-Lean-Timeout", "X-Request-Id"];

/** Answers one request. Never throws. */
export async function answer(request: Request, settings: Settings): Promise<Response> {
  const started = Date.now();
  try {
    return await route(request, settings, started);
  } catch (error) {
    return failure(502, `the container could not be reached: ${words(error)}`, started);
  }
}

/** Finds out what is asked for, and whether it may be. */
async function route(request: Request, settings: Settings, started: number): Promise<Response> {
  if (request.method === "OPTIONS") {
    return preflight();
  }
  const path = new URL(request.url).pathname;
  const [, name, action = ""] = /^\/([a-z0-9-]+)(\/health|\/cold)?$/.exec(path) ?? [];
  const version = name === undefined ? undefined : settings.versions.get(name);
  if (version === undefined || request.method !== (action === "/health" ? "GET" : "POST")) {
    const known = [...settings.versions.keys()].map((name) => `/${name}`).join(", ");
    return failure(404, `no such route; there are POST /V, GET /V/health and POST /V/cold with V of ${known}`, started);
  }
  const refusal = await refuse(request, settings, started);
  if (refusal !== undefined) {
    return refusal;
  }
  switch (action) {
    case "/health":
      return await passOn(await (await version.some()).fetch(forwarded(request, "/health")), started);
    case "/cold":
      return await cold(request, version.fresh(), settings, started);
    default:
      return await passOn(await (await version.some()).fetch(forwarded(request, "/")), started);
  }
}

/** Why the request is not answered, if there is a reason. The limit comes first: it slows down guessing. */
async function refuse(request: Request, settings: Settings, started: number): Promise<Response | undefined> {
  const { limit } = settings;
  if (limit !== undefined && !(await limit.admits(caller(request)))) {
    const headers = { "Retry-After": String(limit.retryAfter) };
    return failure(429, "too many requests from this address", started, headers);
  }
  if (!settings.needsKey) {
    return undefined;
  }
  if (!settings.key) {
    // A key was asked for when this Worker was made: without one nobody gets in, rather than everybody.
    return failure(503, "the Worker's secret LEANREPL_API_KEY is not set", started);
  }
  if (!(await hasKey(request, settings.key))) {
    const headers = { "WWW-Authenticate": "Bearer" };
    return failure(401, "missing or wrong API key; send `Authorization: Bearer KEY`", started, headers);
  }
  return undefined;
}

/** Evaluates on a new container once it is ready, and removes it as soon as the reply is through. */
async function cold(request: Request, backend: Backend, settings: Settings, started: number): Promise<Response> {
  const remove = () => backend.destroy().catch(() => undefined);
  try {
    const unready = await becomeReady(request, backend, settings);
    const reply = unready ?? (await backend.fetch(forwarded(request, "/")));
    const passed = await passOn(reply, started);
    if (passed.body === null) {
      settings.later(remove());
      return passed;
    }
    const through = new TransformStream<Uint8Array, Uint8Array>();
    settings.later(passed.body.pipeTo(through.writable).catch(() => undefined).then(remove));
    return new Response(through.readable, passed);
  } catch (error) {
    settings.later(remove());
    throw error;
  }
}

/** Waits until a container takes texts; gives the last reply if that does not come. */
async function becomeReady(request: Request, backend: Backend, settings: Settings): Promise<Response | undefined> {
  for (let tries = 1; ; tries += 1) {
    const url = new URL("/ready", request.url);
    const reply = await backend.fetch(new Request(url, { signal: request.signal }));
    // A server without this route says 404; it has to be taken at its word later.
    if (reply.ok || reply.status === 404) {
      await reply.body?.cancel();
      return undefined;
    }
    if (tries === READY_TRIES || request.signal.aborted) {
      return reply;
    }
    await reply.body?.cancel();
    await settings.pause(READY_PAUSE_MS);
  }
}

/** The request as the container sees it. */
function forwarded(request: Request, path: string): Request {
  const headers = new Headers();
  for (const name of FORWARDED) {
    const value = request.headers.get(name);
    if (value !== null) {
      headers.set(name, value);
    }
  }
  const { method, body, signal } = request;
  return new Request(new URL(path, request.url), { method, headers, body, signal, ...HALF });
}

/** Node asks for this word beside a body that is a stream; workerd does not look at it. */
const HALF = { duplex: "half" };

/** What went wrong, in words. */
function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
