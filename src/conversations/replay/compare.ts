import {
  plainText,
  type MessageEvent,
  type SystemPromptEvent,
  type ToolDescription,
} from '../../events/index.js';
import { asText } from '../../json/index.js';
import type { ToolRegistry } from '../../tools/index.js';
import { diffOf, type Divergence } from './divergence.js';
import {
  addedText,
  type CallResult,
  type RecordedAnswer,
  type RecordedCall,
  type Recording,
} from './recording.js';
import { withoutMemory, withoutSurroundings, withoutVolatile } from './replay-texts.js';

/** In arguments that were not valid JSON: the event keeps a description of them, not the text. */
const MALFORMED = '_openhands_malformed_tool_call';

/** How two recordings are compared. */
export interface Comparison {
  recorded: Recording;
  replayed: Recording;
  /** Puts the recorded folders into texts of the replay. */
  toRecorded: (text: string) => string;
  registry: Pick<ToolRegistry, 'renderObservation'>;
  /** Whether memory files of the workspace were read. */
  readsMemory: boolean;
  /** Whether calls of a tool were run: results that were played are the same by themselves. */
  isRun: (tool: string) => boolean;
}

/** Finds where a replay went another way, in the order of its steps. */
export function compare(comparison: Comparison): Divergence[] {
  const { recorded, replayed } = comparison;
  const now = new Map(replayed.answers.map((answer) => [answer.id, answer]));
  const steps = recorded.answers.flatMap((before, index) => {
    const after = now.get(before.id);
    // An answer that was not given any more is told of by the status.
    return after ? ofAnswer(comparison, index, before, after) : [];
  });
  return [...ofPrompt(comparison), ...steps];
}

function divergence(
  step: number,
  kind: Divergence['kind'],
  summary: string,
  more: Partial<Divergence> = {},
): Divergence {
  return { step, kind, summary, ...{ tool: null, event_id: null, diff: null }, ...more };
}

function ofPrompt({ recorded, replayed, toRecorded, readsMemory }: Comparison): Divergence[] {
  const [before, after] = [recorded.prompt, replayed.prompt];
  if (!before || !after) return [];
  const event_id = before.id;
  const found: Divergence[] = [];
  const prompts = [before.system_prompt.text, toRecorded(after.system_prompt.text)].map(withoutSurroundings);
  const contexts = [contextOf(before), toRecorded(contextOf(after))].map((text) =>
    withoutSurroundings(readsMemory ? text : withoutMemory(text)),
  );
  if (prompts[0] !== prompts[1])
    found.push(
      divergence(0, 'system_prompt', 'the system prompt is another one', {
        event_id,
        diff: diffOfTwo(prompts),
      }),
    );
  if (contexts[0] !== contexts[1])
    found.push(
      divergence(0, 'context', 'the context (skills, memory, secrets) is another one', {
        ...{ event_id, diff: diffOfTwo(contexts) },
      }),
    );
  return [...found, ...ofTools(before, after, toRecorded)];
}

function contextOf({ dynamic_context }: SystemPromptEvent): string {
  return dynamic_context?.text ?? '';
}

function ofTools(
  before: SystemPromptEvent,
  after: SystemPromptEvent,
  toRecorded: (text: string) => string,
): Divergence[] {
  const [old, now] = [byName(before.tools), byName(after.tools)];
  const about = (tool: string, summary: string, diff: string | null = null): Divergence =>
    divergence(0, 'tool', summary, { tool, event_id: before.id, diff });
  const gone = [...old.keys()].filter((name) => !now.has(name));
  const added = [...now.keys()].filter((name) => !old.has(name));
  const changed = [...old].flatMap(([name, tool]) => {
    const other = now.get(name);
    if (!other) return [];
    const texts = [shown(tool), toRecorded(shown(other))];
    return texts[0] === texts[1]
      ? []
      : [about(name, `the tool ${name} is described in another way`, diffOfTwo(texts))];
  });
  return [
    ...gone.map((name) => about(name, `the agent has no tool ${name} any more`)),
    ...added.map((name) => about(name, `the agent has a new tool ${name}`)),
    ...changed,
  ];
}

function byName(tools: readonly ToolDescription[]): Map<string, ToolDescription> {
  return new Map(
    tools.map((tool) => [tool.client_tool_name ?? asText(tool.mcp_tool?.['name']) ?? tool.title, tool]),
  );
}

/** What a description of a tool says, as text. */
function shown({ description, action_type, annotations, input_schema, mcp_tool }: ToolDescription): string {
  const facts = { action_type, annotations: annotations ?? null, input_schema, mcp_tool };
  return `${description}\n${JSON.stringify(sorted(facts), undefined, 2)}`;
}

/** With sorted keys and without nulls: other writers have other orders. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, entry]) => entry !== null && entry !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, entry]) => [key, sorted(entry)]),
  );
}

function ofAnswer(
  comparison: Comparison,
  index: number,
  before: RecordedAnswer,
  after: RecordedAnswer,
): Divergence[] {
  const step = index + 1;
  const found: Divergence[] = [];
  if (before.condensationsBefore !== after.condensationsBefore)
    found.push(
      divergence(
        step,
        'condensation',
        `the history was condensed ${before.condensationsBefore} times before, now ${after.condensationsBefore} times`,
      ),
    );
  found.push(...ofMessages(comparison, step, index));
  before.calls.forEach((call, position) => {
    const other = after.calls[position];
    if (other) found.push(...ofCall(comparison, step, call, other));
  });
  return found;
}

/** What was added to the messages between the previous answer and this one. */
function ofMessages(
  { recorded, replayed, toRecorded }: Comparison,
  step: number,
  index: number,
): Divergence[] {
  const from = recorded.answers[index - 1]?.messagesBefore ?? 0;
  const to = recorded.answers[index]?.messagesBefore ?? from;
  return recorded.messages.slice(from, to).flatMap((before: MessageEvent, offset) => {
    const after = replayed.messages[from + offset];
    if (!after) return [];
    const texts = [addedText(before), toRecorded(addedText(after))];
    if (texts[0] === texts[1]) return [];
    const summary = 'other skills or texts are added to a message';
    return [divergence(step, 'message', summary, { event_id: before.id, diff: diffOfTwo(texts) })];
  });
}

function ofCall(
  comparison: Comparison,
  step: number,
  before: RecordedCall,
  after: RecordedCall,
): Divergence[] {
  const { tool_name: tool, id: event_id } = before.action;
  const about = (kind: Divergence['kind'], summary: string, diff: string | null = null): Divergence[] => [
    divergence(step, kind, summary, { tool, event_id, diff }),
  ];
  const { toRecorded } = comparison;
  const [was, is] = [before.action.action, after.action.action];
  if (was && !is)
    return about('call', `the call of ${tool} is refused: ${toRecorded(errorOf(after.result))}`);
  if (!was && is) return about('call', `the call of ${tool}, which was refused, is accepted`);
  if (!was || !is) {
    if (before.action.tool_call.arguments.includes(MALFORMED)) return [];
    const errors = [errorOf(before.result), toRecorded(errorOf(after.result))];
    return errors[0] === errors[1]
      ? []
      : about('call', `the call of ${tool} is refused in other words`, diffOfTwo(errors));
  }
  // An argument that is filled in today, and was unknown then, changes nothing by itself.
  const common = Object.fromEntries(Object.entries(is).filter(([name]) => name in was));
  const actions = [argumentsText(was), toRecorded(argumentsText(common))];
  const found =
    actions[0] === actions[1]
      ? []
      : about('call', `the arguments of ${tool} are read in another way`, diffOfTwo(actions));
  return [...found, ...ofResult(comparison, before, after, about)];
}

function ofResult(
  { toRecorded, registry, isRun }: Comparison,
  before: RecordedCall,
  after: RecordedCall,
  about: (kind: Divergence['kind'], summary: string, diff: string) => Divergence[],
): Divergence[] {
  const { tool_name: tool } = before.action;
  if (!before.result || !after.result || !isRun(tool)) return [];
  const texts = [resultText(before.result, registry), toRecorded(resultText(after.result, registry))].map(
    withoutVolatile,
  );
  if (texts[0] === texts[1]) return [];
  return about('result', `the result of ${tool} is another one`, diffOfTwo(texts));
}

/** A result as the model gets it. */
function resultText(result: CallResult, registry: Comparison['registry']): string {
  switch (result.kind) {
    case 'ObservationEvent': {
      const { observation, extended_content } = result;
      return plainText([...registry.renderObservation(observation), ...extended_content]).trimEnd();
    }
    case 'AgentErrorEvent':
      return result.error;
    case 'UserRejectObservation':
      return `rejected: ${result.rejection_reason}`;
  }
}

function errorOf(result: CallResult | undefined): string {
  return result?.kind === 'AgentErrorEvent' ? result.error : '';
}

function argumentsText(action: unknown): string {
  return JSON.stringify(sorted(action), undefined, 2);
}

function diffOfTwo([before = '', after = '']: readonly string[]): string {
  return diffOf(before, after);
}
