// Asks addresses for their health, one after the other, until each is ready; for `node --input-type=module -e`.
// Arguments: milliseconds for all of it, then the addresses. The key, if there is one, is in LEANREPL_API_KEY.
// Writes a line whenever the answer changes. Ends with 0 once all are ready, with 1 when time is up, and with 3
// where waiting is of no use.

const [patience, ...addresses] = process.argv.slice(1);
const end = Date.now() + Number(patience);
const key = process.env.LEANREPL_API_KEY;
const headers = key ? { Authorization: `Bearer ${key}` } : {};

/** What one answer says: a line for people, and whether to go on waiting. */
async function ask(address) {
  let reply;
  try {
    reply = await fetch(address, { headers, signal: AbortSignal.timeout(30_000) });
  } catch (error) {
    return { says: `no answer yet (${error.cause?.code ?? error.name})` };
  }
  const health = await reply.json().catch(() => ({}));
  if (reply.status === 401) {
    return { says: key ? "the key in LEANREPL_API_KEY is not the Worker's" : "it asks for the key; set LEANREPL_API_KEY to look further", over: true };
  }
  const isReady = health.ready === true || health.stub === true || /^Lean \(version \d/.test(health.version ?? "");
  const says = health.status ?? health.version ?? health.error ?? "no JSON";
  return { says: `${reply.status}: ${says}`, ready: reply.ok && isReady };
}

for (const address of addresses) {
  let last = "";
  for (;;) {
    const { says, ready, over } = await ask(address);
    if (says !== last) {
      console.log(`${address} ${says}`);
      last = says;
    }
    if (ready) break;
    if (over) process.exit(3);
    if (Date.now() + 2000 > end) process.exit(1);
    await new Promise((done) => setTimeout(done, 2000));
  }
}
