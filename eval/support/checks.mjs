import { runConfined } from './program.mjs';
import { changesSince } from './workspace.mjs';

/** Collects why a result is refused. */
export class Verdict {
  reasons = [];

  /** Adds the reason unless the condition holds. */
  require(condition, reason) {
    if (!condition) this.reasons.push(reason);
    return condition;
  }

  /** Adds a reason unless both have the same JSON. */
  equal(actual, expected, what) {
    const [is, shouldBe] = [actual, expected].map((value) => JSON.stringify(value) ?? 'nothing');
    this.require(is === shouldBe, `${what} is ${shorten(is)}, not ${shorten(shouldBe)}`);
  }

  /** Adds a reason if anything but these paths has changed; a path that ends with `/` stands for a folder. */
  onlyChanged({ folder, before }, allowed = []) {
    const isAllowed = (name) =>
      allowed.some((path) => (path.endsWith('/') ? name.startsWith(path) : name === path));
    const others = changesSince(before, folder).filter((name) => !isAllowed(name));
    this.require(others.length === 0, `changed although it should not: ${shorten(JSON.stringify(others))}`);
  }

  get result() {
    return { passed: this.reasons.length === 0, reasons: this.reasons };
  }
}

function shorten(text) {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/**
 * Runs JavaScript in the folder. The check compares what it prints, so code that ends the process early or
 * prints that all is well does not pass.
 * @returns the JSON in the last line of its output; undefined if there is none
 */
export async function evaluate(folder, code) {
  const { stdout } = await runConfined(folder, 'node', ['--input-type=module', '-e', code]);
  return parseLastLine(stdout);
}

/** The same in Python. */
export async function evaluatePython(folder, code) {
  const { stdout } = await runConfined(folder, 'python3', ['-c', code]);
  return parseLastLine(stdout);
}

function parseLastLine(output) {
  try {
    return JSON.parse(output.trim().split('\n').at(-1));
  } catch {
    return undefined;
  }
}

/** Whether these test files pass, each by itself, as with `node --test`. */
export async function testsPass(folder, ...files) {
  for (const file of files) {
    const { code } = await runConfined(folder, 'node', [file]);
    if (code !== 0) return false;
  }
  return true;
}
