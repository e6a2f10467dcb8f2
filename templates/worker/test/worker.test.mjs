// `npm test`: the routes and replies of the Worker, without Cloudflare.

import assert from "node:assert/strict";
import { test } from "node:test";

import { answer } from "../build/worker.js";

/** A container that remembers what it was asked; `reply` answers it. */
function container(reply) {
  const asked = [];
  return {
    asked,
    destroyed: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      asked.push(`${request.method} ${pathname} ${await request.text()}`.trim());
      this.headers = Object.fromEntries(request.headers);
      return reply(pathname, asked.length);
    },
    async destroy() {
      this.destroyed += 1;
    },
  };
}

/** What a container says that accepts everything. */
const accepted = () => Response.json({ ok: true, messages: [], sorries: [], env: 1, elapsed: 0.1 });

/** Asks a Worker with one version, `lean-1`, for which `backend` answers. */
async function ask(backend, method, path, { headers = {}, body, ...settings } = {}) {
  const work = [];
  const request = new Request(`https://lean.example${path}`, { method, headers, body });
  const reply = await answer(request, {
    versions: new Map([["lean-1", { some: async () => backend, fresh: () => backend }]]),
    needsKey: false,
    key: undefined,
    later: (promise) => work.push(promise),
    pause: async () => {},
    ...settings,
  });
  assert.equal(reply.headers.get("Access-Control-Allow-Origin"), "*");
  const text = await reply.text();
  await Promise.all(work);
  return { status: reply.status, headers: reply.headers, json: text === "" ? undefined : JSON.parse(text) };
}

test("a text goes to the container as it is, and the reply comes back", async () => {
  const backend = container(accepted);
  const headers = { "X-Lean-Timeout": "5", "Content-Type": "application/x-www-form-urlencoded" };
  const reply = await ask(backend, "POST", "/lean-1", { body: "#eval 1\n\n", headers });
  assert.equal(reply.status, 200);
  assert.equal(reply.json.ok, true);
  assert.deepEqual(backend.asked, ["POST / #eval 1"]);
  assert.equal(backend.headers["x-lean-timeout"], "5");
  assert.equal(backend.destroyed, 0);
});

test("a container's 400 stays a 400", async () => {
  const backend = container(() => Response.json({ ok: false, messages: [] }, { status: 400 }));
  const reply = await ask(backend, "POST", "/lean-1", { body: "x" });
  assert.deepEqual([reply.status, reply.json.ok], [400, false]);
});

test("neither the key nor a port of the caller's choice reaches the container", async () => {
  const backend = container(accepted);
  const headers = { Authorization: "Bearer k", "cf-container-target-port": "22", Cookie: "a=b" };
  await ask(backend, "POST", "/lean-1", { body: "x", headers });
  for (const name of ["authorization", "cf-container-target-port", "cookie"]) {
    assert.equal(backend.headers[name], undefined);
  }
});

test("health goes to /health", async () => {
  const backend = container(() => Response.json({ ready: true }));
  const reply = await ask(backend, "GET", "/lean-1/health");
  assert.deepEqual(reply.json, { ready: true });
  assert.deepEqual(backend.asked, ["GET /health"]);
});

test("a cold request waits until its container is ready, and removes it", async () => {
  const backend = container((path, count) =>
    path === "/ready" && count < 3 ? Response.json({ ready: false }, { status: 503 }) : accepted(),
  );
  const reply = await ask(backend, "POST", "/lean-1/cold", { body: "x" });
  assert.equal(reply.json.ok, true);
  assert.deepEqual(backend.asked, ["GET /ready", "GET /ready", "GET /ready", "POST / x"]);
  assert.equal(backend.destroyed, 1);
});

test("a new container that never becomes ready is removed too", async () => {
  const backend = container(() => new Response("Failed to start container: no", { status: 500 }));
  const reply = await ask(backend, "POST", "/lean-1/cold", { body: "x" });
  assert.deepEqual([reply.status, reply.json.error], [500, "Failed to start container: no"]);
  assert.equal(backend.destroyed, 1);
});

test("everything else is 404 in JSON", async () => {
  const backend = container(accepted);
  const others = [
    ["GET", "/"],
    ["GET", "/lean-1"],
    ["POST", "/lean-2"],
    ["POST", "/lean-1/"],
    ["POST", "/lean-1/health"],
    ["GET", "/lean-1/cold"],
    ["POST", "/lean-1/cold/x"],
    ["PUT", "/lean-1"],
    ["POST", "/__proto__"],
    ["POST", "/constructor"],
  ];
  for (const [method, path] of others) {
    const reply = await ask(backend, method, path);
    assert.equal(reply.status, 404, `${method} ${path}`);
    assert.equal(reply.json.ok, false);
    assert.equal(typeof reply.json.elapsed, "number");
  }
  assert.deepEqual(backend.asked, []);
});

test("a browser may ask beforehand, for any path and without the key", async () => {
  const reply = await ask(container(accepted), "OPTIONS", "/anything", { needsKey: true, key: "k" });
  assert.equal(reply.status, 204);
  assert.match(reply.headers.get("Access-Control-Allow-Headers"), /X-Lean-Timeout/);
});

test("the container library's plain text becomes JSON", async () => {
  for (const [status, text] of [
    [500, "Failed to start container: boom"],
    [503, "There is no Container instance available at this time.\nThis is likely …"],
    [429, "you are requesting too many containers per second"],
  ]) {
    const reply = await ask(container(() => new Response(text, { status })), "POST", "/lean-1", { body: "x" });
    assert.deepEqual([reply.status, reply.json.error], [status, text]);
    assert.equal(typeof reply.json.elapsed, "number");
    assert.deepEqual(reply.json.sorries, []);
    assert.equal(reply.headers.get("Retry-After"), status === 500 ? null : "10");
  }
});

test("an answer that is no JSON is never passed on as success", async () => {
  const reply = await ask(container(() => new Response("<html>")), "POST", "/lean-1", { body: "x" });
  assert.equal(reply.status, 502);
});

test("a container that cannot be reached is a 502", async () => {
  const backend = container(() => {
    throw new Error("Network connection lost.");
  });
  const reply = await ask(backend, "POST", "/lean-1", { body: "x" });
  assert.equal(reply.status, 502);
  assert.match(reply.json.error, /Network connection lost/);
});

test("only the right key is let in", async () => {
  const wrong = ["", "Bearer ", "Bearer k", "Bearer keyy", "KEY", "Basic key"];
  for (const Authorization of wrong) {
    const backend = container(accepted);
    const reply = await ask(backend, "POST", "/lean-1", { body: "x", headers: { Authorization }, needsKey: true, key: "key" });
    assert.equal(reply.status, 401, Authorization);
    assert.deepEqual(backend.asked, []);
  }
  for (const Authorization of ["Bearer key", "bearer key", "key"]) {
    const reply = await ask(container(accepted), "POST", "/lean-1", { body: "x", headers: { Authorization }, needsKey: true, key: "key" });
    assert.equal(reply.status, 200, Authorization);
  }
});

test("without its secret a Worker that wants a key lets nobody in", async () => {
  for (const key of [undefined, ""]) {
    const headers = { Authorization: "Bearer " };
    const reply = await ask(container(accepted), "POST", "/lean-1", { body: "x", headers, needsKey: true, key });
    assert.equal(reply.status, 503);
  }
});

test("the limit counts addresses and comes before the key", async () => {
  const seen = [];
  const limit = { admits: async (caller) => seen.push(caller) < 2, retryAfter: 60 };
  const options = { body: "x", headers: { "CF-Connecting-IP": "10.0.0.1" }, limit, needsKey: true, key: "k" };
  assert.equal((await ask(container(accepted), "POST", "/lean-1", options)).status, 401);
  const refused = await ask(container(accepted), "POST", "/lean-1", options);
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get("Retry-After"), "60");
  assert.deepEqual(seen, ["10.0.0.1", "10.0.0.1"]);
});
