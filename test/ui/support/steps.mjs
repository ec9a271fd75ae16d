/** What a browser test has done: a line for each step, and the closing line that `test/ui/run.mjs` reads. */
export class Steps {
  #passed = 0;
  #failed = 0;

  /** Runs a step. A failed one ends the test that it belongs to. */
  async run(name, action) {
    const started = performance.now();
    await action();
    this.#passed++;
    console.log(`ok: ${name} (${Math.round(performance.now() - started)} ms)`);
  }

  /** Counts and prints a failure. */
  fail(error) {
    this.#failed++;
    process.exitCode = 1;
    console.error(error);
  }

  /** Prints the closing line. */
  close() {
    console.log(`${this.#passed} passed, ${this.#failed} failed`);
  }
}

/** Ends this process, because something that the test needs is missing. */
export function skip(reason) {
  console.log(`skipped: ${reason}`);
  process.exit(0);
}
