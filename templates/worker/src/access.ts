// Who may ask. Knows nothing of routes.

/**
 * Whether a request carries the key: `Authorization: Bearer KEY`, or the key alone. Digests are compared,
 * all of them and to their ends, so that the time taken tells nothing about the key, its length included.
 */
export async function hasKey(request: Request, key: string): Promise<boolean> {
  const sent = (request.headers.get("Authorization") ?? "").replace(/^Bearer\s+/i, "").trim();
  const [one, other] = await Promise.all([digest(sent), digest(key)]);
  let difference = 0;
  for (let at = 0; at < one.length; at += 1) {
    difference |= (one[at] ?? 0) ^ (other[at] ?? 0);
  }
  return difference === 0 && sent !== "";
}

/** The SHA-256 digest of a text. */
async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/** Whom a rate limit counts: the address that Cloudflare saw. */
export function caller(request: Request): string {
  return request.headers.get("CF-Connecting-IP") ?? "unknown";
}
