import { randomUUID } from 'node:crypto';
import { eventTimestamp } from '../../src/events/index.js';
import type { LeaseFence, LogRecord } from '../../src/storage/index.js';

/** An event with a text, in the form in which a log stores it. */
export function logRecord(content = 'text'): LogRecord {
  const head = { id: randomUUID(), timestamp: eventTimestamp(), source: 'agent' };
  const line = JSON.stringify({ ...head, content, kind: 'MessageEvent' });
  return { ...head, kind: 'MessageEvent', line };
}

/** The fence of a lease that is held while `isValid` returns true. */
export function heldLease(isValid: () => boolean = () => true): LeaseFence {
  return {
    conversationId: '',
    generation: 1,
    isValid,
    confirm: () => Promise.resolve(isValid()),
    onLost: () => undefined,
  };
}
