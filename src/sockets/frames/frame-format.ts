import {
  createEvent,
  serialiseEvent,
  type ConversationStateUpdateEvent,
  type ItemSignal,
  type OutputPiece,
  type PublishedEvent,
} from '../../events/index.js';
import { MAX_SESSION_FRAME_BYTES } from '../connections/socket-limits.js';
import { LastFrame } from './last-frame.js';

/** The start of a subscription. */
export interface Opening {
  /** As given by the client; undefined for live events only. */
  afterSeq: number | undefined;
  /** Length of the log. */
  mark: number;
  /** The state at that length. */
  state: ConversationStateUpdateEvent;
}

/**
 * The wire format of one kind of socket. All its sockets share an instance, so that the frame of a live event
 * is built once.
 */
export interface FrameFormat {
  readonly maxFrameBytes: number;
  /** Whether a socket ends with its conversation. Clients of the original do not expect it. */
  readonly closesWhenRemoved: boolean;
  /** The frames for a new socket before and after the replay. */
  opening(opening: Opening): { beforeReplay: Buffer[]; afterReplay: Buffer[] };
  durable(published: PublishedEvent, seq: number): Buffer;
  /** A durable event that was read from the log. */
  replayed(stored: Buffer, seq: number): Buffer;
  /** An event that is not stored; undefined when this kind of socket omits it. */
  transient(published: PublishedEvent): Buffer | undefined;
  item(item: ItemSignal): Buffer | undefined;
  /** What a command prints; absent when this kind of socket omits it. */
  output?(output: OutputPiece): Buffer;
  /** An error about a client's frame. */
  error(code: string, detail: string): Buffer;
}

/** One event per frame, as in the log; the state comes first. */
export class EventFrames implements FrameFormat {
  readonly maxFrameBytes = Infinity;
  readonly closesWhenRemoved = false;
  private readonly published = new LastFrame<PublishedEvent>();

  opening({ state }: Opening) {
    return { beforeReplay: [Buffer.from(serialiseEvent(state))], afterReplay: [] };
  }

  durable(published: PublishedEvent): Buffer {
    return this.published.get(published, () => published.bytes ?? published.line);
  }

  replayed(stored: Buffer): Buffer {
    return stored;
  }

  transient(published: PublishedEvent): Buffer {
    return this.published.get(published, () => published.line);
  }

  item(): undefined {
    return undefined;
  }

  error(code: string, detail: string): Buffer {
    const event = createEvent({ source: 'environment', code, detail, kind: 'ServerErrorEvent' });
    return Buffer.from(serialiseEvent(event));
  }
}

/**
 * Events in an envelope with their sequence number. Unfinished answers are sent as items, not delta events.
 */
export class SessionFrames implements FrameFormat {
  readonly maxFrameBytes = MAX_SESSION_FRAME_BYTES;
  readonly closesWhenRemoved = true;
  private readonly published = new LastFrame<PublishedEvent>();
  private readonly items = new LastFrame<ItemSignal>();
  private readonly outputs = new LastFrame<OutputPiece>();

  opening({ afterSeq, mark, state }: Opening) {
    const sync = { type: 'sync', from_seq: afterSeq, through_seq: mark > 0 ? mark - 1 : undefined };
    return {
      beforeReplay: [Buffer.from(JSON.stringify(sync))],
      afterReplay: [Buffer.from(transientFrame(serialiseEvent(state)))],
    };
  }

  durable(published: PublishedEvent, seq: number): Buffer {
    return this.published.get(published, () =>
      durableFrame(published.bytes ?? Buffer.from(published.line), seq),
    );
  }

  replayed(stored: Buffer, seq: number): Buffer {
    return durableFrame(stored, seq);
  }

  transient(published: PublishedEvent): Buffer | undefined {
    if (published.event.kind === 'StreamingDeltaEvent') return undefined;
    return this.published.get(published, () => transientFrame(published.line));
  }

  item(item: ItemSignal): Buffer {
    return this.items.get(item, () => JSON.stringify(item.signal));
  }

  output(output: OutputPiece): Buffer {
    const { actionId, offset, text } = output;
    return this.outputs.get(output, () =>
      JSON.stringify({ type: 'output', action_id: actionId, offset, text }),
    );
  }

  error(code: string, detail: string): Buffer {
    return Buffer.from(JSON.stringify({ type: 'error', code, detail }));
  }
}

function durableFrame(line: Buffer, seq: number): Buffer {
  return Buffer.concat([Buffer.from(`{"type":"durable","seq":${seq},"event":`), line, Buffer.from('}')]);
}

const transientFrame = (line: string): string => `{"type":"transient","event":${line}}`;
