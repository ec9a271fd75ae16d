import type { EventDraft } from '../../events/index.js';
import { asJsonObject, type JsonObject } from '../../json/index.js';

/** Longest field of a call (characters as JSON). */
const MAX_FIELD = 200_000;
/** Longest text within a field that is too long (characters). */
const MAX_TEXT = 30_000;
/** Longest id (characters); longer ids are truncated. */
const MAX_ID = 1_000;
/** Ends a truncated text. */
const TRUNCATION_NOTE = '… (cut by the server)';
/** Most open calls that are tracked; further calls are appended as reported. */
const MAX_OPEN = 100;
/** Field names of the protocol and of the API. */
const WIRE_NAMES: Readonly<Record<string, string>> = {
  oldText: 'old_text',
  newText: 'new_text',
  terminalId: 'terminal_id',
  mimeType: 'mime_type',
};

/** A call as reported so far. */
interface ToolCall {
  title: string;
  status?: string;
  kind?: string;
  rawInput?: unknown;
  rawOutput?: unknown;
  content?: unknown[];
}

/**
 * The tool calls of one turn. The agent reports a call in many updates; the log gets it when it begins, when
 * it needs a decision, and when it ends.
 */
export class ToolCalls {
  private readonly open = new Map<string, ToolCall>();
  private readonly ended = new Set<string>();

  /** Handles a `tool_call` or `tool_call_update`. Returns the events to append. */
  update(update: JsonObject): EventDraft[] {
    const id = idOf(update);
    if (id === undefined || this.ended.has(id)) return [];
    const known = this.open.get(id);
    const call = mergeUpdate(known ?? { title: 'tool' }, update);
    this.remember(id, call);
    if (!hasEnded(call)) return known ? [] : [draftOf(id, call)];
    this.open.delete(id);
    this.ended.add(id);
    return [draftOf(id, call)];
  }

  /** The event of a call that needs a person's decision. */
  requestApproval(update: JsonObject): EventDraft {
    const id = idOf(update) ?? 'unknown';
    const call = mergeUpdate(this.open.get(id) ?? { title: 'tool' }, { ...update, status: 'pending' });
    this.remember(id, call);
    return draftOf(id, call);
  }

  private remember(id: string, call: ToolCall): void {
    if (this.open.has(id) || this.open.size < MAX_OPEN) this.open.set(id, call);
  }

  /** Ends all open calls at the end of the turn. */
  close(status: 'completed' | 'failed'): EventDraft[] {
    const drafts = [...this.open].map(([id, call]) => draftOf(id, { ...call, status }));
    for (const id of this.open.keys()) this.ended.add(id);
    this.open.clear();
    return drafts;
  }
}

function idOf({ toolCallId: id }: JsonObject): string | undefined {
  return typeof id === 'string' ? id.slice(0, MAX_ID) : undefined;
}

function hasEnded({ status }: ToolCall): boolean {
  return status === 'completed' || status === 'failed';
}

/** Fields that are missing or null in an update keep their value. */
function mergeUpdate(call: ToolCall, update: JsonObject): ToolCall {
  const { title, status, kind, rawInput, rawOutput, content } = update;
  return {
    title: textOr(title, call.title).slice(0, MAX_TEXT),
    status: textOr(status, call.status),
    kind: textOr(kind, call.kind),
    rawInput: boundField(rawInput ?? undefined) ?? call.rawInput,
    rawOutput: boundField(rawOutput ?? undefined) ?? call.rawOutput,
    content: Array.isArray(content) ? boundList(content) : call.content,
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

/** Converts field names to the API's, without nulls and the agent's own metadata. */
function toWireNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toWireNames);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(asJsonObject(value)).flatMap(([name, field]) =>
      field === null || name === '_meta' ? [] : [[WIRE_NAMES[name] ?? name, toWireNames(field)]],
    ),
  );
}

/** Truncates long texts in a field that is too long, with a note. */
function boundField(value: unknown): unknown {
  if (value === undefined) return undefined;
  const text = JSON.stringify(value);
  if (text.length <= MAX_FIELD) return value;
  const shorter = truncateTexts(value);
  return JSON.stringify(shorter).length <= MAX_FIELD
    ? shorter
    : `${text.slice(0, MAX_TEXT)}${TRUNCATION_NOTE}`;
}

/** Keeps the first items within the limit, each truncated if necessary. */
function boundList(items: readonly unknown[]): unknown[] {
  const kept: unknown[] = [];
  let left = MAX_FIELD;
  for (const item of items) {
    const shorter = boundField(toWireNames(item));
    left -= JSON.stringify(shorter).length;
    if (left < 0 && kept.length > 0) break;
    kept.push(shorter);
  }
  return kept;
}

function truncateTexts(value: unknown): unknown {
  if (typeof value === 'string')
    return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}${TRUNCATION_NOTE}` : value;
  if (Array.isArray(value)) return value.map(truncateTexts);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, truncateTexts(field)]));
}
