import { isRecord } from '../../api/api-error.js';

/**
 * An event as it came. Only these fields are certain: kinds may be unknown, and imported logs may have
 * anything in the rest, so it is read with the functions below.
 */
export interface WireEvent {
  readonly id: string;
  readonly kind: string;
  readonly source: string;
  /** The server's local time, without zone. */
  readonly timestamp: string;
  readonly [field: string]: unknown;
}

/** A value as an event; undefined if it is none. */
export function toEvent(value: unknown): WireEvent | undefined {
  if (!isRecord(value) || typeof value['id'] !== 'string' || typeof value['kind'] !== 'string')
    return undefined;
  const { id, kind, source, timestamp } = value;
  return {
    ...value,
    id,
    kind,
    source: typeof source === 'string' ? source : '',
    timestamp: typeof timestamp === 'string' ? timestamp : '',
  };
}

/** A field that holds a text; empty if it holds none. */
export function textAt(value: unknown, field: string): string {
  const found = isRecord(value) ? value[field] : undefined;
  return typeof found === 'string' ? found : '';
}

/** A field that holds a number. */
export function numberAt(value: unknown, field: string): number | undefined {
  const found = isRecord(value) ? value[field] : undefined;
  return typeof found === 'number' ? found : undefined;
}

/** A field that holds a list; empty if it holds none. */
export function listAt(value: unknown, field: string): readonly unknown[] {
  const found = isRecord(value) ? value[field] : undefined;
  return Array.isArray(found) ? found : [];
}

/** A field that holds an object. */
export function recordAt(value: unknown, field: string): Record<string, unknown> | undefined {
  const found = isRecord(value) ? value[field] : undefined;
  return isRecord(found) ? found : undefined;
}

/** The texts of a list of content blocks, joined by line feeds; images are left out. */
export function contentText(blocks: readonly unknown[]): string {
  return blocks
    .filter((block) => textAt(block, 'type') === 'text')
    .map((block) => textAt(block, 'text'))
    .join('\n');
}

/** The addresses of the images of a list of content blocks. */
export function contentImages(blocks: readonly unknown[]): string[] {
  return blocks
    .flatMap((block) => listAt(block, 'image_urls'))
    .filter((url): url is string => typeof url === 'string');
}

/** Kinds that are changes of the state, not steps of a branch. */
export function isStateUpdate({ kind }: WireEvent): boolean {
  return kind === 'ConversationStateUpdateEvent';
}

const MAX_VALUES = 20_000;

/** About how much memory a value takes (characters). */
export function sizeOf(value: unknown): number {
  let size = 0;
  let left = MAX_VALUES;
  const pending: unknown[] = [value];
  while (pending.length > 0 && left-- > 0) {
    const next = pending.pop();
    if (typeof next === 'string') size += next.length;
    else if (Array.isArray(next))
      for (const item of next.slice(0, MAX_VALUES) as unknown[]) pending.push(item);
    else if (isRecord(next)) for (const field of Object.values(next)) pending.push(field);
    size += 16;
  }
  return size;
}
