import { Hooks, type HookRuntime } from '../../agent/hooks/index.js';
import type { EventDraft } from '../../events/index.js';
import type { LlmResponse } from '../../llm/llm.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import type { ConversationState } from '../state/conversation-state.js';
import type { Toolset } from './toolset.js';

/** What hooks need of their conversation. */
export interface ConversationHooksHost {
  readonly state: Readonly<ConversationState>;
  countUsage(usageId: string, model: string, response: LlmResponse): EventDraft;
  /** A text as everybody may see it. */
  maskSecrets(text: string): string;
}

/** The hooks of a conversation, which see it as it is when they run. */
export function createHooks(
  host: ConversationHooksHost,
  services: Pick<ConversationServices, 'llm' | 'registry'>,
  toolset: Toolset,
): Hooks {
  return new Hooks(new HookContext(host, services, toolset), services.llm);
}

/**
 * A class, as each conversation has one: an object with getters of its own takes four times as much memory.
 */
class HookContext implements HookRuntime {
  constructor(
    private readonly host: ConversationHooksHost,
    private readonly services: Pick<ConversationServices, 'registry'>,
    private readonly toolset: Toolset,
  ) {}

  get conversationId(): string {
    return this.host.state.id;
  }
  get workingDir(): string {
    return this.toolset.workingDir;
  }
  get hookConfig(): HookRuntime['hookConfig'] {
    return this.host.state.hook_config;
  }
  get agent(): HookRuntime['agent'] {
    return this.host.state.agent;
  }
  countUsage(...usage: Parameters<HookRuntime['countUsage']>): EventDraft {
    return this.host.countUsage(...usage);
  }
  mask(text: string): string {
    return this.host.maskSecrets(text);
  }
  render(
    { definition }: Parameters<HookRuntime['render']>[0],
    observation: Parameters<HookRuntime['render']>[1],
  ) {
    return definition.render?.(observation) ?? observation.content;
  }
  makeTools(names: readonly string[]): ReturnType<HookRuntime['makeTools']> {
    const wanted = names.map((name) => ({ name }));
    return this.services.registry.createTools(wanted, ['FinishTool'], this.toolset.host());
  }
}
