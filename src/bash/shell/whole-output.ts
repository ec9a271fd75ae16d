import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { StreamableFile } from '@nestjs/common';
import type { BashOutput } from '../bash-event.js';

/** An output of more characters is not made into one text: tens of megabytes of JSON hold the server up. */
const LARGE = 1024 * 1024;

/** All output of one command, in the pieces in which it came. */
export class WholeOutput {
  private last: BashOutput | undefined;
  private readonly stdout: string[] = [];
  private readonly stderr: string[] = [];
  private length = 0;

  add(output: BashOutput): void {
    this.last = output;
    for (const name of ['stdout', 'stderr'] as const) {
      const text = output[name];
      if (!text) continue;
      this[name].push(text);
      this.length += text.length;
    }
  }

  /** As an answer of the API: one output, in pieces where it is long. */
  answer(): BashOutput | StreamableFile {
    const { last, stdout, stderr } = this;
    if (!last) throw new Error('a command ended without output');
    if (this.length > LARGE) return new StreamableFile(Readable.from(this.json(last)), { type: JSON_TYPE });
    return { ...last, stdout: stdout.join('') || null, stderr: stderr.join('') || null };
  }

  /**
   * The same JSON as of the whole: a pair of surrogates that was cut becomes two escapes, which mean the
   * same.
   */
  private async *json(last: BashOutput): AsyncGenerator<string> {
    const { id, timestamp, command_id, order, exit_code, kind } = last;
    yield JSON.stringify({ id, timestamp, command_id, order, exit_code }).slice(0, -1);
    for (const name of ['stdout', 'stderr'] as const) {
      yield `,"${name}":`;
      if (this[name].length === 0) {
        yield 'null';
        continue;
      }
      yield '"';
      for (const piece of this[name]) {
        yield JSON.stringify(piece).slice(1, -1);
        await nextTurn();
      }
      yield '"';
    }
    yield `,"kind":"${kind}"}`;
  }
}

const JSON_TYPE = 'application/json; charset=utf-8';
