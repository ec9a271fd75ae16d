import {
  serialiseEvent,
  type ItemSignal,
  type OutputPiece,
  type PublishedEvent,
} from '../../events/index.js';
import { serverSentEvent } from '../../http/index.js';
import type { FrameFormat, Opening } from '../frames/frame-format.js';

/** Names of server-sent events that are no durable events. Those have none, so that `onmessage` gets them. */
export type StreamEventName = 'sync' | 'state' | 'transient' | 'item' | 'output' | 'closing';

/** A named event. */
export function streamEvent(name: StreamEventName, json: string): Buffer {
  return Buffer.from(serverSentEvent(json, name));
}

/**
 * The events of a conversation as server-sent events. The id of a durable event is its sequence number, so
 * that a browser that connects again goes on after it.
 */
export class StreamFrames implements FrameFormat {
  readonly maxFrameBytes = Infinity;
  readonly closesWhenRemoved = true;
  readonly output?: (output: OutputPiece) => Buffer;

  /** @param withPieces also pieces of unfinished answers, and what commands print while they run */
  constructor(private readonly withPieces: boolean) {
    if (withPieces)
      this.output = ({ actionId, offset, text }) =>
        streamEvent('output', JSON.stringify({ action_id: actionId, offset, text }));
  }

  opening({ afterSeq, mark, state }: Opening) {
    const sync = { from_seq: afterSeq ?? null, through_seq: mark > 0 ? mark - 1 : null };
    return {
      beforeReplay: [streamEvent('sync', JSON.stringify(sync))],
      afterReplay: [streamEvent('state', serialiseEvent(state))],
    };
  }

  durable(published: PublishedEvent, seq: number): Buffer {
    return durableFrame(published.bytes ?? Buffer.from(published.line), seq);
  }

  replayed(stored: Buffer, seq: number): Buffer {
    return durableFrame(stored, seq);
  }

  transient(published: PublishedEvent): Buffer | undefined {
    // Sent as items, like on the session socket.
    if (published.event.kind === 'StreamingDeltaEvent') return undefined;
    return streamEvent('transient', published.line);
  }

  item(item: ItemSignal): Buffer | undefined {
    return this.withPieces ? streamEvent('item', JSON.stringify(item.signal)) : undefined;
  }

  error(code: string, detail: string): Buffer {
    return streamEvent('closing', JSON.stringify({ code, reason: detail }));
  }
}

function durableFrame(line: Buffer, seq: number): Buffer {
  return Buffer.concat([Buffer.from(`id: ${seq}\ndata: `), line, Buffer.from('\n\n')]);
}
