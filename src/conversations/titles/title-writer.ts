import { Logger } from '@nestjs/common';
import { errorReason } from '../../agent/index.js';
import { errorMessage } from '../../errors/index.js';
import { plainText, type Content } from '../../events/index.js';
import { type LlmConfig, LlmError } from '../../llm/index.js';
import { traced } from '../../telemetry/index.js';
import type { Background } from '../conversation/background.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import type { Journal } from '../journal/journal.js';
import type { SecretMasker } from '../secrets/secret-masker.js';
import type { UsageMeter } from '../state/usage-meter.js';
import { operationSpan } from '../tracing/conversation-spans.js';
import { cutTitle, parseTitle, titleRequest } from './title-text.js';

/** Shared by all conversations to save memory. */
const logger = new Logger('Titles');

/**
 * Length of the part of a message that a title is taken from (UTF-16 units). A secret that is cut here would
 * not be masked, but no secret is that long.
 */
const MAX_TEXT_LENGTH = 1024 * 1024;

/**
 * Generates the title of a conversation from the first user message, in parallel to the run, with the model
 * of a profile or of the agent. If the model returns none, the message itself becomes the title. Scripted
 * models are not asked: they would execute the script.
 */
export class TitleWriter {
  private pending = false;

  constructor(
    private readonly journal: Journal,
    private readonly masker: SecretMasker,
    private readonly usage: UsageMeter,
    private readonly services: Pick<ConversationServices, 'llm' | 'models'>,
    private readonly background: Background,
  ) {}

  /** Starts to generate a title in the background, if the conversation needs one. */
  onUserMessage(content: readonly Content[]): void {
    const text = plainText(content).trim();
    const { autotitle, title } = this.journal.state;
    if (!autotitle || title !== null || this.pending || text === '') return;
    this.pending = true;
    const writing = this.write(text).finally(() => (this.pending = false));
    this.background.track(writing).catch((error: unknown) => this.journal.report('title', error));
  }

  private async write(text: string): Promise<void> {
    const title = await this.askIfPossible(text).catch((error: unknown) => this.logFailure(error));
    // A client may have set a title in the meantime.
    if (this.journal.state.title !== null) return;
    // Masked before it is truncated, because part of a secret would not be found.
    this.journal.state.title =
      title === undefined || title === ''
        ? cutTitle(this.masker.mask(text.slice(0, MAX_TEXT_LENGTH)))
        : title;
    this.journal.saveSoon(true);
  }

  private async askIfPossible(text: string): Promise<string | undefined> {
    const { agent } = this.journal.state;
    const llm = await this.model();
    const isScripted = llm.model.startsWith('scripted/');
    // The model of an ACP agent cannot be called from here.
    const isAcpModel = agent.kind === 'ACPAgent' && llm === agent.llm;
    if (isScripted || isAcpModel || this.usage.exceeded !== undefined) return undefined;
    return traced(
      'generate_title',
      () => operationSpan(this.journal.state, this.masker),
      () => this.ask(text, llm),
    );
  }

  private async ask(text: string, llm: LlmConfig): Promise<string> {
    const { id, rest } = this.journal.state;
    const template = typeof rest['prompt'] === 'string' ? rest['prompt'] : null;
    const response = await this.services.llm.complete({
      config: { ...llm, stream: false },
      messages: titleRequest(text, template),
      tools: [],
      conversationId: id,
      signal: this.background.signal,
    });
    await this.journal.commit([this.usage.count(llm.usage_id, llm.model, response)]);
    return cutTitle(this.masker.mask(parseTitle(response.message)));
  }

  /** The model of the requested profile, or the agent's. */
  private async model(): Promise<LlmConfig> {
    const { agent, id, rest } = this.journal.state;
    const profile = rest['title_llm_profile'];
    if (typeof profile !== 'string' || profile === '') return agent.llm;
    try {
      return await this.services.models.load(profile, this.journal.state);
    } catch (error) {
      logger.warn(`conversation ${id}: the agent's model generates the title: ${errorMessage(error)}`);
      return agent.llm;
    }
  }

  /**
   * Writes no error event: clients would take it for the failure of a run, and a run that fails for the same
   * reason reports it itself.
   */
  private logFailure(error: unknown): undefined {
    if (this.background.signal.aborted) return undefined;
    if (error instanceof LlmError) {
      const reason = errorReason({ code: error.code, detail: this.masker.mask(error.message) });
      logger.warn(`conversation ${this.journal.state.id}: the model returned no title: ${reason}`);
    } else this.journal.report('title', error);
    return undefined;
  }
}
