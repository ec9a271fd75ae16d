import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { StreamableFile } from '@nestjs/common';
import type { BashOutput } from '../bash-event.js';

/** Longer output is streamed (characters), because serialising tens of megabytes blocks the event loop. */
const STREAM_LENGTH = 1024 * 1024;

/** Collects the output of a command for one response. */
export class CollectedOutput {
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

  /** The body of the response: one output, streamed if it is long. */
  toBody(): BashOutput | StreamableFile {
    const { last, stdout, stderr } = this;
    if (!last) throw new Error('a command ended without output');
    if (this.length > STREAM_LENGTH)
      return new StreamableFile(Readable.from(this.json(last)), { type: JSON_TYPE });
    return { ...last, stdout: stdout.join('') || null, stderr: stderr.join('') || null };
  }

  /**
   * Serialises the output in parts. A surrogate pair that was split becomes two escapes, which is equivalent.
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
