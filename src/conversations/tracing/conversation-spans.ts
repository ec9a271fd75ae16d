import type { AgentSpec } from '../../agent/index.js';
import { type Attributes, contentText, type Span, type SpanOptions } from '../../telemetry/index.js';
import type { LlmResponse } from '../../llm/index.js';
import type { ConversationState } from '../state/conversation-state.js';
import { type Observability, observabilityOf } from './observability.js';

/** What spans need of a conversation. */
type TracedState = Readonly<
  Pick<ConversationState, 'id' | 'agent' | 'launched_agent_profile' | 'rest' | 'tags'>
>;

/** Masks the secrets of the conversation. */
interface SpanMasker {
  mask(text: string): string;
}

/** Keys of metadata and tags that become attributes. */
const MAX_KEYS = 32;
/** Longest value of such an attribute (characters). */
const MAX_VALUE = 1_000;

/** The name of the span of a run. */
export function runSpanName(state: TracedState): string {
  return observabilityOf(state.rest).spanName ?? `invoke_agent ${agentName(state)}`;
}

/**
 * The span of a run, by the conventions for agents. Each run is a trace of its own: a conversation may be
 * open for days, and a span is seen only after its end.
 */
export function runSpan(state: TracedState, masker: SpanMasker): SpanOptions {
  const observability = observabilityOf(state.rest);
  return {
    ...placeOf(observability),
    mask: (text) => masker.mask(text),
    ownTrace: true,
    runOf: state.id,
    shared: sharedAttributes(state.id, observability),
    attributes: {
      ...agentAttributes(state.agent, agentName(state)),
      ...requestAttributes(state, observability),
    },
  };
}

/** The span of a call of a model outside of runs, such as a title. */
export function operationSpan(state: TracedState, masker: SpanMasker): SpanOptions {
  const observability = observabilityOf(state.rest);
  return {
    ...placeOf(observability),
    mask: (text) => masker.mask(text),
    shared: sharedAttributes(state.id, observability),
    attributes: requestAttributes(state, observability),
  };
}

/** The span of a sub-agent's work, within the call of the tool that has started it. */
export function subAgentSpan(agent: AgentSpec, type: string, taskId: string): SpanOptions {
  return {
    attributes: { ...agentAttributes(agent, type), 'openhands.task_id': taskId },
  };
}

/** Tokens and cost of the calls of one run. */
export class RunUsage {
  private input = 0;
  private output = 0;
  private cost = 0;
  private calls = 0;

  add({ usage, cost }: LlmResponse): void {
    this.input += usage.prompt_tokens;
    this.output += usage.completion_tokens;
    this.cost += cost ?? 0;
    this.calls += 1;
  }

  /** Without calls, which ACP agents make themselves, nothing is known. */
  get attributes(): Attributes {
    if (this.calls === 0) return {};
    return {
      'gen_ai.usage.input_tokens': this.input,
      'gen_ai.usage.output_tokens': this.output,
      'gen_ai.usage.cost': this.cost,
      'openhands.model_calls': this.calls,
    };
  }
}

/** How a run has ended. */
interface RunEnd {
  status: string;
  steps: number;
  usage: RunUsage;
  /** Why it failed: a code, a colon and a text. */
  failure: string | undefined;
}

/** Adds how a run has ended. */
export function recordRunEnd(span: Span, { status, steps, usage, failure }: RunEnd): void {
  span.set({ 'openhands.run.status': status, 'openhands.run.steps': steps, ...usage.attributes });
  if (failure !== undefined) span.fail(failure.split(':', 1)[0] ?? 'error', failure);
}

function placeOf({ traceparent }: Observability): Pick<SpanOptions, 'remote'> {
  return traceparent === undefined ? {} : { remote: { traceparent } };
}

/** The profile that the agent comes from, or its kind. */
function agentName({ agent, launched_agent_profile: profile }: TracedState): string {
  const name = profile?.['name'];
  return typeof name === 'string' ? name.slice(0, MAX_VALUE) : agent.kind;
}

function sharedAttributes(id: string, { userId }: Observability): Attributes {
  return { 'gen_ai.conversation.id': id, 'session.id': id, 'user.id': userId?.slice(0, MAX_VALUE) };
}

function agentAttributes(agent: AgentSpec, name: string): Attributes {
  return {
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.agent.name': name,
    'gen_ai.request.model': agent.kind === 'ACPAgent' ? (agent.acp_model ?? undefined) : agent.llm.model,
  };
}

function requestAttributes({ tags }: TracedState, observability: Observability): Attributes {
  const attributes: Record<string, Attributes[string]> = {
    'openhands.observability.span_name': observability.spanName,
    'openhands.observability.tags':
      observability.tags.length === 0 ? undefined : observability.tags.map((tag) => tag.slice(0, MAX_VALUE)),
  };
  for (const [key, value] of Object.entries(tags).slice(0, MAX_KEYS))
    attributes[`openhands.tag.${key}`] = value;
  for (const [key, value] of Object.entries(observability.metadata).slice(0, MAX_KEYS)) {
    attributes[`openhands.observability.metadata.${key.slice(0, MAX_VALUE)}`] = metadataValue(value);
  }
  return attributes;
}

/** Scalars and lists of texts stay as they are; what else old conversations have becomes JSON. */
function metadataValue(value: unknown): Attributes[string] {
  if (typeof value === 'string') return value.slice(0, MAX_VALUE);
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string'))
    return value.map((item: string) => item.slice(0, MAX_VALUE));
  return contentText(JSON.stringify(value)).slice(0, MAX_VALUE);
}
