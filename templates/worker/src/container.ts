/** Answers at /{{name}}. */
export class {{class}} extends Lean {
  override sleepAfter = "{{sleep_after}}";
}
