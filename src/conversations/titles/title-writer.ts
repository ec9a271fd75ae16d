import { Logger } from '@nestjs/common';
import { errorReason } from '../../agent/drafts.js';
import { errorMessage } from '../../errors/index.js';
import { plainText, type Content, type DurableEvent, type EventDraft } from '../../events/index.js';
import type { LlmResponse } from '../../llm/llm.js';
import type { LlmConfig } from '../../llm/request/llm-config.js';
import { LlmError } from '../../llm/errors/llm-error.js';
import type { Background } from '../conversation/background.js';
import { overspent } from '../state/budget.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import type { ConversationState } from '../state/conversation-state.js';
import { cutTitle, parseTitle, titleRequest } from './title-text.js';

/** One for all: each conversation that is open would keep its own. */
const logger = new Logger('Titles');

/**
 * Of a message that is its own title (UTF-16 units). A secret is not found where it is cut: no variable can
 * hold one of this length.
 */
const MAX_TEXT_LENGTH = 1024 * 1024;

/** What a title needs of its conversation. */
export interface TitleHost {
  readonly state: ConversationState;
  commit(drafts: readonly EventDraft[]): Promise<DurableEvent[]>;
  countUsage(usageId: string, model: string, response: LlmResponse): EventDraft;
  /** A text without the secrets that are in it. */
  maskSecrets(text: string): string;
  /** It has a title now. */
  titled(): void;
  report(what: string, error: unknown): void;
}

/**
 * Gives a conversation its title: from what the user says first, by the model of a profile or the agent's,
 * beside the run. Where the model gives none, the message itself is the title. A scripted model is not asked:
 * it would play the script.
 */
export class TitleWriter {
  private pending = false;

  constructor(
    private readonly host: TitleHost,
    private readonly services: Pick<ConversationServices, 'llm' | 'models'>,
    private readonly background: Background,
  ) {}

  /** The user said something. Returns at once. */
  onUserMessage(content: readonly Content[]): void {
    const text = plainText(content).trim();
    const { autotitle, title } = this.host.state;
    if (!autotitle || title !== null || this.pending || text === '') return;
    this.pending = true;
    const writing = this.write(text).finally(() => (this.pending = false));
    this.background.track(writing).catch((error: unknown) => this.host.report('title', error));
  }

  private async write(text: string): Promise<void> {
    const title = await this.ask(text).catch((error: unknown) => this.logFailure(error));
    // Somebody may have given it one meanwhile.
    if (this.host.state.title !== null) return;
    // Masked before it is cut: a part of a secret would not be found.
    this.host.state.title =
      title === undefined || title === ''
        ? cutTitle(this.host.maskSecrets(text.slice(0, MAX_TEXT_LENGTH)))
        : title;
    this.host.titled();
  }

  private async ask(text: string): Promise<string | undefined> {
    const { agent, id, rest } = this.host.state;
    const llm = await this.model();
    const isScripted = llm.model.startsWith('scripted/');
    // The model of an agent from elsewhere is not ours to ask.
    const isForeign = agent.kind === 'ACPAgent' && llm === agent.llm;
    if (isScripted || isForeign || overspent(this.host.state) !== undefined) return undefined;
    const template = typeof rest['prompt'] === 'string' ? rest['prompt'] : null;
    const response = await this.services.llm.complete({
      config: { ...llm, stream: false },
      messages: titleRequest(text, template),
      tools: [],
      conversationId: id,
      signal: this.background.signal,
    });
    await this.host.commit([this.host.countUsage(llm.usage_id, llm.model, response)]);
    return cutTitle(this.host.maskSecrets(parseTitle(response.message)));
  }

  /** The model of the profile that was asked for, or the agent's. */
  private async model(): Promise<LlmConfig> {
    const { agent, id, rest } = this.host.state;
    const profile = rest['title_llm_profile'];
    if (typeof profile !== 'string' || profile === '') return agent.llm;
    try {
      return await this.services.models.load(profile);
    } catch (error) {
      logger.warn(`conversation ${id}: its title comes from the agent's model: ${errorMessage(error)}`);
      return agent.llm;
    }
  }

  /**
   * The conversation goes on without the model's title, so its log gets no error: a client would take that
   * for the failure of a run, and a run that fails for the same reason says so itself.
   */
  private logFailure(error: unknown): undefined {
    if (this.background.signal.aborted) return undefined;
    if (error instanceof LlmError) {
      const reason = errorReason({ code: error.code, detail: this.host.maskSecrets(error.message) });
      logger.warn(`conversation ${this.host.state.id}: the model gave no title: ${reason}`);
    } else this.host.report('title', error);
    return undefined;
  }
}
