import { AgentView, isBranchEvent } from '../../agent/index.js';
import type { ACPToolCallEvent, ActionEvent } from '../../events/index.js';
import { isJsonObject } from '../../json/index.js';
import type { LogReader } from '../../storage/index.js';
import { parseWithYield } from '../journal/parse-event.js';
import { MAX_LINE, oneLine } from '../state/one-line.js';

/** A tool call that waits for a person. */
export interface PendingCall {
  tool: string;
  /** Its arguments as a text that may be long, not masked. */
  input: string;
}

/** Events at the end of a log that are looked at. */
const MAX_EVENTS = 256;
/** Of the arguments of a call only so much is looked at (characters). */
const MAX_INPUT = 1024 * 1024;

const CALL_KINDS: ReadonlySet<string> = new Set([
  'ActionEvent',
  'ObservationEvent',
  'AgentErrorEvent',
  'UserRejectObservation',
  'ACPToolCallEvent',
]);

/** The calls of a view that have no result. */
export function pendingCalls(view: AgentView): PendingCall[] {
  return [...view.pendingActions().map(callOfAction), ...view.pendingAcpCalls().map(callOfAcp)];
}

/** The calls at the end of a log that have no result. Reads a few of its last events only. */
export async function pendingCallsIn(log: LogReader): Promise<PendingCall[]> {
  const from = Math.max(0, log.length - MAX_EVENTS);
  const kinds = (await log.entries(from, MAX_EVENTS)).map(({ kind }) => kind);
  const start = kinds.lastIndexOf('MessageEvent') + 1;
  const seqs = kinds.flatMap((kind, index) => (index >= start && CALL_KINDS.has(kind) ? [from + index] : []));
  const view = new AgentView();
  for (const line of await log.readMany(seqs)) {
    const event = await parseWithYield(line);
    if (event && isBranchEvent(event)) view.push(event);
  }
  return pendingCalls(view);
}

/** Calls whose arguments may be shown. */
export function maskedCalls(calls: readonly PendingCall[], mask: (text: string) => string): PendingCall[] {
  return calls.map(({ tool, input }) => ({ tool: mask(tool), input: mask(input) }));
}

/** Calls as one line: the first with its arguments, and how many there are besides. */
export function callsLine(
  calls: readonly PendingCall[],
  mask: (text: string) => string,
): { text: string; isWhole: boolean } | undefined {
  const [first, ...others] = calls;
  if (!first) return undefined;
  // Masked before it is cut: a part of a secret would not be found.
  const line = oneLine(mask(`${first.tool}: ${first.input}`));
  const isWhole = !line.endsWith('…') && others.length === 0;
  if (others.length === 0) return { text: line, isWhole };
  const more = ` (and ${others.length} more)`;
  return { text: `${oneLine(line).slice(0, MAX_LINE - more.length)}${more}`, isWhole };
}

function callOfAction({ tool_name: tool, action }: ActionEvent): PendingCall {
  const { kind: _kind, ...args } = action ?? { kind: '' };
  return { tool, input: argumentsText(args) };
}

function callOfAcp({ title, raw_input }: ACPToolCallEvent): PendingCall {
  return { tool: title, input: isJsonObject(raw_input) ? argumentsText(raw_input) : '' };
}

/** The first argument as it is, the others with their names; those that are not set are left out. */
function argumentsText(args: Record<string, unknown>): string {
  const set = Object.entries(args).filter(([, value]) => !UNSET.has(value));
  const texts = set.map(([name, value], index) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return index === 0 ? text : `${name}=${text}`;
  });
  return texts.join(' ').slice(0, MAX_INPUT);
}

const UNSET: ReadonlySet<unknown> = new Set([undefined, null, false, '']);
