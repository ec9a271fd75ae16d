import type { EventDraft } from '../events/index.js';
import { asObject } from './message-stream.js';

/** More of one field of a call is not kept (characters as JSON). */
const MAX_FIELD = 200_000;
/** More of one text is not kept in a field that is too long. */
const MAX_TEXT = 30_000;
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
 * The tool calls of one turn. The agent tells of a call piece by piece; the log gets it twice: when it begins and when it
 * has ended.
 */
export class ToolCalls {
  private readonly open = new Map<string, ToolCall>();
  private readonly ended = new Set<string>();

  /** Takes a `tool_call` or `tool_call_update`; answers with the events to append. */
  take(update: Record<string, unknown>): EventDraft[] {
    const id = update['toolCallId'];
    if (typeof id !== 'string' || this.ended.has(id)) return [];
    const known = this.open.get(id);
    const call = merged(known ?? { title: 'tool' }, update);
    this.open.set(id, call);
    if (!hasEnded(call)) return known ? [] : [draftOf(id, call)];
    this.open.delete(id);
    this.ended.add(id);
    return [draftOf(id, call)];
  }

  /** A call that a person is asked about: the event shows what there is to decide. */
  asked(update: Record<string, unknown>): EventDraft {
    const id = typeof update['toolCallId'] === 'string' ? update['toolCallId'] : 'unknown';
    const call = merged(this.open.get(id) ?? { title: 'tool' }, { ...update, status: 'pending' });
    this.open.set(id, call);
    return draftOf(id, call);
  }

  /** The turn is over: what has no end has it now. */
  close(status: 'completed' | 'failed'): EventDraft[] {
    const drafts = [...this.open].map(([id, call]) => draftOf(id, { ...call, status }));
    for (const id of this.open.keys()) this.ended.add(id);
    this.open.clear();
    return drafts;
  }
}

function hasEnded({ status }: ToolCall): boolean {
  return status === 'completed' || status === 'failed';
}

/** What an update does not name stays as it was. */
function merged(call: ToolCall, update: Record<string, unknown>): ToolCall {
  const { title, status, kind, rawInput, rawOutput, content } = update;
  return {
    title: textOr(title, call.title),
    status: textOr(status, call.status),
    kind: textOr(kind, call.kind),
    rawInput: rawInput ?? call.rawInput,
    rawOutput: rawOutput ?? call.rawOutput,
    content: Array.isArray(content) ? content : call.content,
  };
}

function textOr<T>(value: unknown, otherwise: T): string | T {
  return typeof value === 'string' && value !== '' ? value : otherwise;
}

function draftOf(id: string, call: ToolCall): EventDraft {
  return {
    source: 'agent',
    tool_call_id: id,
    title: call.title.slice(0, MAX_TEXT),
    status: call.status,
    tool_kind: call.kind,
    raw_input: bounded(call.rawInput),
    raw_output: bounded(call.rawOutput),
    content: call.content?.map((item) => bounded(asWire(item))),
    is_error: call.status === 'failed',
    kind: 'ACPToolCallEvent',
  };
}

/** In the names of the wire, without nulls. */
function asWire(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asWire);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(asObject(value)).flatMap(([name, field]) =>
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

const NOTE = '… (cut by the server)';

function cut(value: unknown): unknown {
  if (typeof value === 'string')
    return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}${NOTE}` : value;
  if (Array.isArray(value)) return value.map(cut);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, cut(field)]));
}
