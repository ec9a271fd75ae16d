import {
  serialiseEvent,
  type ItemSignal,
  type OutputPiece,
  type PublishedEvent,
} from '../../events/index.js';
import { serverSentEvent } from '../../http/index.js';
import type { FrameFormat, Opening } from '../frames/frame-format.js';
import { LastFrame } from '../frames/last-frame.js';

/** Names of server-sent events that are no durable events. Those have none, so that `onmessage` gets them. */
export type StreamEventName = 'sync' | 'state' | 'transient' | 'item' | 'output' | 'closing';

/** A named event. */
export function streamEvent(name: StreamEventName, json: string): Buffer {
  return Buffer.from(serverSentEvent(json, name));
}

/**
 * The events of a conversation as server-sent events. The id of a durable event is its sequence number, so
 * that a browser that connects again goes on after it. All streams share two instances, so that the frame of
 * a live event is built once.
 */
export class StreamFrames implements FrameFormat {
  readonly maxFrameBytes = Infinity;
  readonly closesWhenRemoved = true;
  readonly output?: (output: OutputPiece) => Buffer;
  private readonly published = new LastFrame<PublishedEvent>();
  private readonly items = new LastFrame<ItemSignal>();
  private readonly outputs = new LastFrame<OutputPiece>();

  /** @param withPieces also pieces of unfinished answers, and what commands print while they run */
  constructor(private readonly withPieces: boolean) {
    if (withPieces) this.output = (output) => this.outputs.get(output, () => outputFrame(output));
  }

  opening({ afterSeq, mark, state }: Opening) {
    const sync = { from_seq: afterSeq ?? null, through_seq: mark > 0 ? mark - 1 : null };
    return {
      beforeReplay: [streamEvent('sync', JSON.stringify(sync))],
      afterReplay: [streamEvent('state', serialiseEvent(state))],
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
    // Sent as items, like on the session socket.
    if (published.event.kind === 'StreamingDeltaEvent') return undefined;
    return this.published.get(published, () => streamEvent('transient', published.line));
  }

  item(item: ItemSignal): Buffer | undefined {
    if (!this.withPieces) return undefined;
    return this.items.get(item, () => streamEvent('item', JSON.stringify(item.signal)));
  }

  error(code: string, detail: string): Buffer {
    return streamEvent('closing', JSON.stringify({ code, reason: detail }));
  }
}

function outputFrame({ actionId, offset, text }: OutputPiece): Buffer {
  return streamEvent('output', JSON.stringify({ action_id: actionId, offset, text }));
}

function durableFrame(line: Buffer, seq: number): Buffer {
  return Buffer.concat([Buffer.from(`id: ${seq}\ndata: `), line, Buffer.from('\n\n')]);
}
