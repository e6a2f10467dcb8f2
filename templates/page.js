// The page of `leanrepl serve`: an editor, what Lean says, and the state of the server.
import { abbreviations } from "./abbreviations.js";

const el = (id) => document.getElementById(id);
const text = el("text");
const START = "theorem two : 1 + 1 = 2 := by\n  rfl\n\n#eval \"hello\"\n";
const WAIT_MS = 700;
const HEALTH_MS = 4000;

let result = null;
let running = null;
let timer = 0;
// Core Lean cannot list tactics; then the goals are those of the holes.
let listsTactics = true;

// ---- what is kept between visits; a browser may refuse to keep anything ----
function keep(store, name, value) { try { store().setItem(name, value); } catch { /* kept nowhere */ } }
function kept(store, name) { try { return store().getItem(name); } catch { return null; } }
const local = () => window.localStorage;
const session = () => window.sessionStorage;

// ---- places: Lean counts columns in codepoints, a text area in UTF-16 units ----
function offsetOf(place) {
  const lines = text.value.split("\n");
  const line = Math.min(Math.max(place.line, 1), lines.length) - 1;
  let at = 0;
  for (let i = 0; i < line; i += 1) at += lines[i].length + 1;
  return at + Array.from(lines[line]).slice(0, place.column).join("").length;
}
function placeOf(offset) {
  const before = text.value.slice(0, offset).split("\n");
  return { line: before.length, column: Array.from(before[before.length - 1]).length };
}
const isBefore = (a, b) => a.line < b.line || (a.line === b.line && a.column <= b.column);

function select(start, end) {
  const from = offsetOf(start);
  text.focus();
  text.setSelectionRange(from, end ? Math.max(offsetOf(end), from) : from);
  const lineHeight = parseFloat(getComputedStyle(text).lineHeight);
  text.scrollTop = Math.max(0, (start.line - 4) * lineHeight);
  showCaret();
}

// ---- unicode input: `\to ` becomes `→ ` ----
const names = Object.keys(abbreviations);
const symbolFor = (word) => (Object.hasOwn(abbreviations, word) ? abbreviations[word] : null);
const mayGrow = (word) => names.some((name) => name.length > word.length && name.startsWith(word));

// Splits what stands behind a backslash into the abbreviation and what follows it.
function resolve(word, isEnded) {
  if (!isEnded && mayGrow(word)) return null;
  for (let length = word.length; length > 0; length -= 1) {
    const symbol = symbolFor(word.slice(0, length));
    if (symbol !== null) return { symbol, rest: word.slice(length) };
  }
  return null;
}
function replace(from, to, by) {
  text.setSelectionRange(from, to);
  // Keeps the history of changes, so that Ctrl+Z brings back what was typed.
  if (!document.execCommand("insertText", false, by)) {
    text.setRangeText(by, from, to, "end");
  }
}
function abbreviate(isEnded) {
  const caret = text.selectionStart;
  if (caret !== text.selectionEnd) return false;
  const line = text.value.slice(text.value.lastIndexOf("\n", caret - 1) + 1, caret);
  const match = /\\([^\s\\]+)(\s?)$/u.exec(line);
  if (!match) { el("typing").textContent = ""; return false; }
  const [whole, word, space] = match;
  const found = resolve(word, isEnded || space !== "");
  if (!found) {
    const hints = names.filter((name) => name.startsWith(word)).slice(0, 8);
    el("typing").textContent = hints.map((name) => `\\${name} ${abbreviations[name]}`).join("   ");
    return false;
  }
  el("typing").textContent = "";
  replace(caret - whole.length, caret, found.symbol + found.rest + space);
  return true;
}

// ---- checking ----
async function check() {
  clearTimeout(timer);
  // A request that is broken off frees the session that is busy with it.
  running?.abort();
  const mine = new AbortController();
  running = mine;
  verdict("checking…", "");
  try {
    const headers = { "Content-Type": "application/json" };
    const key = kept(session, "key");
    if (key) headers.Authorization = `Bearer ${key}`;
    const ask = async () => {
      const body = JSON.stringify({ sources: text.value, tactics: listsTactics });
      const response = await fetch("v1/eval", { method: "POST", headers, body, signal: mine.signal });
      return { response, reply: await response.json() };
    };
    let { response, reply } = await ask();
    if (listsTactics && response.ok && reply.results[0].reason === "protocol_error") {
      listsTactics = false;
      ({ response, reply } = await ask());
    }
    el("login").hidden = response.status !== 401;
    if (response.ok) show(reply.results[0]);
    else failed(reply.error ?? `status ${response.status}`);
  } catch (error) {
    if (error.name !== "AbortError") failed("the server cannot be reached");
  } finally {
    if (running === mine) running = null;
  }
}
function verdict(words, kind) {
  el("verdict").textContent = words;
  el("verdict").className = kind;
}
function failed(why) {
  result = null;
  verdict("not checked", "undecided");
  el("messages").replaceChildren(messageItem({ severity: "error", data: why }));
  el("goals").replaceChildren();
}

// ---- showing ----
function make(tag, className, content) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (content !== undefined) node.textContent = content;
  return node;
}
function messageItem(message) {
  const item = make("li", message.severity);
  const head = make("div");
  head.append(make("span", "severity", message.severity), " ");
  if (message.pos) {
    const at = make("button", "", `${message.pos.line}:${message.pos.column}`);
    at.type = "button";
    at.addEventListener("click", () => select(message.pos, message.endPos));
    head.append(at);
  }
  item.append(head, make("pre", "", message.data));
  return item;
}
function show(found) {
  result = found;
  const times = found.seconds;
  const took = times.header + times.body;
  const why = found.reason ? ` (${found.reason})` : "";
  const hasHole = found.verdict === "accepted" && found.sorries.length > 0;
  const word = hasHole ? "accepted, with a hole" : found.verdict;
  verdict(`${word}${why}, ${took.toFixed(2)} s`, hasHole ? "undecided" : found.verdict);
  const items = found.messages.map(messageItem);
  for (const reason of found.reasons) items.push(messageItem({ severity: "error", data: reason }));
  if (found.failure) {
    const { problem, hint } = found.failure;
    items.push(messageItem({ severity: "warning", data: `${problem}\n${hint}` }));
  }
  if (items.length === 0) items.push(make("li", "none", "Lean has nothing to say."));
  el("messages").replaceChildren(...items);
  showGoals();
}
function goalsAt(place) {
  const inside = (item) => item.pos && item.endPos && isBefore(item.pos, place) && isBefore(place, item.endPos);
  const sorries = result.sorries.filter(inside).map((sorry) => sorry.goal);
  if (sorries.length > 0) return sorries;
  const onLine = (item) => item.pos && isBefore(item.pos, place) && item.endPos && item.endPos.line >= place.line;
  const tactics = (result.tactics ?? []).filter(onLine);
  // The innermost is the one that begins last.
  const last = tactics.reduce((best, item) => (!best || isBefore(best.pos, item.pos) ? item : best), null);
  return last && last.goals ? [last.goals] : [];
}
function showGoals() {
  if (!result) return;
  const goals = goalsAt(placeOf(text.selectionStart));
  const all = goals.length > 0 ? goals.map((goal) => make("pre", "", goal)) : [make("p", "none", listsTactics ? "No goal at the cursor." : "No goal at the cursor: put `sorry` where you want to see it.")];
  el("goals").replaceChildren(...all);
}
function showCaret() {
  const place = placeOf(text.selectionStart);
  el("place").textContent = `${place.line}:${place.column}`;
  showGoals();
}

// ---- the server ----
async function health() {
  if (document.hidden) return;
  try {
    const state = await (await fetch("ready")).json();
    const load = `${state.busy} of ${state.sessions} busy, ${state.queue} waiting`;
    el("health").textContent = state.ready ? `ready · ${load}` : state.status;
  } catch {
    el("health").textContent = "the server cannot be reached";
  }
}

// ---- events ----
function changed() {
  keep(local, "text", text.value);
  showCaret();
  clearTimeout(timer);
  if (el("live").checked) timer = setTimeout(check, WAIT_MS);
}
text.addEventListener("input", (event) => {
  if (!event.isComposing && event.inputType !== "historyUndo" && event.inputType !== "historyRedo") abbreviate(false);
  changed();
});
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    check();
  } else if (event.key === "Tab" && !event.shiftKey && !event.ctrlKey && !event.altKey) {
    // Only where an abbreviation waits for its end; elsewhere Tab moves on, as on every page.
    if (abbreviate(true)) event.preventDefault();
  }
});
document.addEventListener("selectionchange", () => { if (document.activeElement === text) showCaret(); });
el("run").addEventListener("click", check);
el("login").addEventListener("submit", (event) => {
  event.preventDefault();
  keep(session, "key", el("key").value.trim());
  el("login").hidden = true;
  check();
});
document.addEventListener("visibilitychange", health);

text.value = kept(local, "text") ?? START;
showCaret();
health();
setInterval(health, HEALTH_MS);
