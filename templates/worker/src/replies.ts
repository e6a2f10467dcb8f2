// Replies: JSON with CORS headers on every status. Knows nothing of containers.

/** What a browser of any origin may send and read. `X-Lean-Timeout` must be named, or no page can send it. */
const CORS: Record<string, string> = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
  "Access-Control-Allow-Headers": "Authorization, Content-Type, X-Lean-Timeout, X-Request-Id",
  "Access-Control-Expose-Headers": "Retry-After, X-Request-Id",
  "Access-Control-Max-Age": "86400",
};

/** Longest part of a failure's text that is passed on, in characters. */
const LONGEST_ERROR = 2000;

/** The answer to a browser's question beforehand. */
export function preflight(): Response {
  return new Response(null, { status: 204, headers: CORS });
}

/** A JSON reply. */
export function json(status: number, body: object, headers: Record<string, string> = {}): Response {
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { ...CORS, "Content-Type": "application/json", ...headers },
  });
}

/**
 * A failure in the shape that clients know: `elapsed` is always a number of seconds and `sorries` always
 * an array, since pages use both unguarded.
 */
export function failure(
  status: number,
  error: string,
  started: number,
  headers: Record<string, string> = {},
): Response {
  const elapsed = (Date.now() - started) / 1000;
  const body = { ok: false, error: error.slice(0, LONGEST_ERROR), messages: [], sorries: [], elapsed };
  return json(status, body, headers);
}

/**
 * A container's reply, as it is but for the CORS headers. The container library speaks of its own failures
 * in plain text (500, 503, 429): those become JSON.
 */
export async function passOn(reply: Response, started: number): Promise<Response> {
  if (isJson(reply)) {
    const passed = new Response(reply.body, reply);
    for (const [name, value] of Object.entries(CORS)) {
      passed.headers.set(name, value);
    }
    return passed;
  }
  const text = (await reply.text()).trim();
  const status = reply.status < 400 ? 502 : reply.status;
  const isTemporary = status === 429 || status === 503;
  const headers: Record<string, string> = isTemporary ? { "Retry-After": "10" } : {};
  return failure(status, text || `the container answered ${reply.status} and no JSON`, started, headers);
}

/** Whether a reply says that it is JSON. */
function isJson(reply: Response): boolean {
  const type = reply.headers.get("Content-Type") ?? "";
  return /^application\/([a-z0-9.+-]+\+)?(json|x-ndjson)\s*(;|$)/i.test(type);
}
