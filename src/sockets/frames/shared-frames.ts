import type { PublishedEvent } from '../../events/index.js';
import type { Redaction } from '../../shares/index.js';
import { MAX_SESSION_FRAME_BYTES } from '../connections/socket-limits.js';
import type { FrameFormat, Opening } from './frame-format.js';

/**
 * What people with a share link are sent: stored events, redacted, with their numbers. Neither the state with
 * the configuration of the agent nor parts of answers and outputs, in which a secret could be cut in two.
 */
export class SharedFrames implements FrameFormat {
  readonly maxFrameBytes = MAX_SESSION_FRAME_BYTES;
  readonly closesWhenRemoved = true;

  constructor(private readonly redaction: Redaction) {}

  opening({ afterSeq, mark }: Opening) {
    const sync = { type: 'sync', from_seq: afterSeq, through_seq: mark > 0 ? mark - 1 : undefined };
    return { beforeReplay: [Buffer.from(JSON.stringify(sync))], afterReplay: [] };
  }

  durable(published: PublishedEvent, seq: number): Buffer {
    return this.frame(published.line, seq);
  }

  replayed(stored: Buffer, seq: number): Buffer {
    return this.frame(stored.toString(), seq);
  }

  transient(): undefined {
    return undefined;
  }

  item(): undefined {
    return undefined;
  }

  error(code: string): Buffer {
    return Buffer.from(JSON.stringify({ type: 'error', code }));
  }

  private frame(line: string, seq: number): Buffer {
    return Buffer.from(`{"type":"durable","seq":${seq},"event":${this.redaction.event(line)}}`);
  }
}
