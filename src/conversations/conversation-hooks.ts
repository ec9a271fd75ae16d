import { Hooks, type HooksHost } from '../agent/hooks/index.js';
import type { EventDraft } from '../events/index.js';
import type { LlmResponse } from '../llm/llm.js';
import type { ConversationServices } from './conversation-parts.js';
import type { ConversationState } from './conversation-state.js';
import type { Toolset } from './toolset.js';

/** What hooks need of their conversation. */
export interface ConversationHooksHost {
  readonly state: Readonly<ConversationState>;
  countUsage(usageId: string, model: string, response: LlmResponse): EventDraft;
  /** A text as everybody may see it. */
  maskSecrets(text: string): string;
}

/** The hooks of a conversation, which see it as it is when they run. */
export function hooksOf(
  host: ConversationHooksHost,
  { llm, registry }: Pick<ConversationServices, 'llm' | 'registry'>,
  toolset: Toolset,
): Hooks {
  const { state } = host;
  const hooksHost: HooksHost = {
    conversationId: state.id,
    get workingDir() {
      return toolset.workingDir;
    },
    get hookConfig() {
      return state.hook_config;
    },
    get agent() {
      return state.agent;
    },
    countUsage: (usageId, model, response) => host.countUsage(usageId, model, response),
    mask: (text) => host.maskSecrets(text),
    render: ({ definition }, observation) => definition.render?.(observation) ?? observation.content,
    makeTools: (names) =>
      registry.createTools(
        names.map((name) => ({ name })),
        ['FinishTool'],
        toolset.host(),
      ),
  };
  return new Hooks(hooksHost, llm);
}
