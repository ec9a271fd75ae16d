import type { EventDraft } from '../events/index.js';
import { asJsonObject } from '../json/index.js';

/** More of one field of a call is not kept (characters as JSON). */
const MAX_FIELD = 200_000;
/** More of one text is not kept in a field that is too long. */
const MAX_TEXT = 30_000;
/** Longer ids are cut (characters). */
const MAX_ID = 1_000;
/** So many calls that have not ended are known at a time; more are logged as the agent tells of them. */
const MAX_OPEN = 100;
/** Field names of the protocol, and what the wire calls them. */
const WIRE_NAMES: Readonly<Record<string, string>> = {
  oldText: 'old_text',
  newText: 'new_text',
  terminalId: 'terminal_id',
  mimeType: 'mime_type',
};

/** A call as the agent has told of it so far. */
interface ToolCall {
  title: string;
  status?: string;
  kind?: string;
  rawInput?: unknown;
  rawOutput?: unknown;
  content?: unknown[];
}

/**
 * The tool calls of one turn. The agent tells of a call piece by piece; the log gets it twice: when it begins
 * and when it has ended.
 */
export class ToolCalls {
  private readonly open = new Map<string, ToolCall>();
  private readonly ended = new Set<string>();

  /** Takes a `tool_call` or `tool_call_update`; answers with the events to append. */
  take(update: Record<string, unknown>): EventDraft[] {
    const id = idOf(update);
    if (id === undefined || this.ended.has(id)) return [];
    const known = this.open.get(id);
    const call = merged(known ?? { title: 'tool' }, update);
    this.keep(id, call);
    if (!hasEnded(call)) return known ? [] : [draftOf(id, call)];
    this.open.delete(id);
    this.ended.add(id);
    return [draftOf(id, call)];
  }

  /** A call that a person is asked about: the event shows what there is to decide. */
  asked(update: Record<string, unknown>): EventDraft {
    const id = idOf(update) ?? 'unknown';
    const call = merged(this.open.get(id) ?? { title: 'tool' }, { ...update, status: 'pending' });
    this.keep(id, call);
    return draftOf(id, call);
  }

  private keep(id: string, call: ToolCall): void {
    if (this.open.has(id) || this.open.size < MAX_OPEN) this.open.set(id, call);
  }

  /** The turn is over: what has no end has it now. */
  close(status: 'completed' | 'failed'): EventDraft[] {
    const drafts = [...this.open].map(([id, call]) => draftOf(id, { ...call, status }));
    for (const id of this.open.keys()) this.ended.add(id);
    this.open.clear();
    return drafts;
  }
}

function idOf({ toolCallId: id }: Record<string, unknown>): string | undefined {
  return typeof id === 'string' ? id.slice(0, MAX_ID) : undefined;
}

function hasEnded({ status }: ToolCall): boolean {
  return status === 'completed' || status === 'failed';
}

/** What an update does not name stays as it was. */
function merged(call: ToolCall, update: Record<string, unknown>): ToolCall {
  const { title, status, kind, rawInput, rawOutput, content } = update;
  return {
    title: textOr(title, call.title).slice(0, MAX_TEXT),
    status: textOr(status, call.status),
    kind: textOr(kind, call.kind),
    rawInput: bounded(rawInput ?? undefined) ?? call.rawInput,
    rawOutput: bounded(rawOutput ?? undefined) ?? call.rawOutput,
    content: Array.isArray(content) ? boundedList(content) : call.content,
  };
}

function textOr<T>(value: unknown, otherwise: T): string | T {
  return typeof value === 'string' && value !== '' ? value : otherwise;
}

function draftOf(id: string, call: ToolCall): EventDraft {
  return {
    source: 'agent',
    tool_call_id: id,
    title: call.title,
    status: call.status,
    tool_kind: call.kind,
    raw_input: call.rawInput,
    raw_output: call.rawOutput,
    content: call.content,
    is_error: call.status === 'failed',
    kind: 'ACPToolCallEvent',
  };
}

/** In the names of the wire, without nulls. */
function asWire(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asWire);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(asJsonObject(value)).flatMap(([name, field]) =>
      field === null || name === '_meta' ? [] : [[WIRE_NAMES[name] ?? name, asWire(field)]],
    ),
  );
}

/** A log is no store for whole files: long texts of a field that is too long are cut, and say so. */
function bounded(value: unknown): unknown {
  if (value === undefined) return undefined;
  const text = JSON.stringify(value);
  if (text.length <= MAX_FIELD) return value;
  const shorter = cut(value);
  return JSON.stringify(shorter).length <= MAX_FIELD ? shorter : `${text.slice(0, MAX_TEXT)}${NOTE}`;
}

/** The first of them, each cut if it is too long. */
function boundedList(items: readonly unknown[]): unknown[] {
  const kept: unknown[] = [];
  let left = MAX_FIELD;
  for (const item of items) {
    const shorter = bounded(asWire(item));
    left -= JSON.stringify(shorter).length;
    if (left < 0 && kept.length > 0) break;
    kept.push(shorter);
  }
  return kept;
}

const NOTE = '… (cut by the server)';

function cut(value: unknown): unknown {
  if (typeof value === 'string')
    return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}${NOTE}` : value;
  if (Array.isArray(value)) return value.map(cut);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, cut(field)]));
}
