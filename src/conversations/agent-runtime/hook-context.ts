import type { HookRuntime } from '../../agent/index.js';
import type { EventDraft } from '../../events/index.js';
import type { ToolRegistry } from '../../tools/index.js';
import type { SecretMasker } from '../secrets/secret-masker.js';
import type { ConversationState } from '../state/conversation-state.js';
import type { UsageMeter } from '../state/usage-meter.js';
import type { Toolset } from './toolset.js';

/**
 * The conversation as its hooks see it at the moment when they run. A class, because every open conversation
 * has one and an object with its own getters takes four times as much memory.
 */
export class HookContext implements HookRuntime {
  constructor(
    private readonly state: Readonly<ConversationState>,
    private readonly masker: SecretMasker,
    private readonly usage: UsageMeter,
    private readonly toolset: Toolset,
    private readonly toolRegistry: ToolRegistry,
  ) {}

  get conversationId(): string {
    return this.state.id;
  }
  get workingDir(): string {
    return this.toolset.workingDir;
  }
  get confinement(): HookRuntime['confinement'] {
    return this.toolset.confinement;
  }
  get hookConfig(): HookRuntime['hookConfig'] {
    return this.state.hook_config;
  }
  get agent(): HookRuntime['agent'] {
    return this.state.agent;
  }
  countUsage(...usage: Parameters<HookRuntime['countUsage']>): EventDraft {
    return this.usage.count(...usage);
  }
  mask(text: string): string {
    return this.masker.mask(text);
  }
  render(
    { definition }: Parameters<HookRuntime['render']>[0],
    observation: Parameters<HookRuntime['render']>[1],
  ) {
    return definition.render?.(observation) ?? observation.content;
  }
  makeTools(names: readonly string[]): ReturnType<HookRuntime['makeTools']> {
    const wanted = names.map((name) => ({ name }));
    const host = { ...this.toolset.host(), announceTerminal: undefined };
    return this.toolRegistry.createTools(wanted, ['FinishTool'], host);
  }
}
