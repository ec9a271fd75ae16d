import { Injectable } from '@nestjs/common';
import { createEvent, type MessageEvent } from '../events/index.js';
import { userMessage } from './drafts.js';
import { Llm, type LlmResponse } from '../llm/llm.js';
import type { LlmConfig } from '../llm/request/llm-config.js';
import type { Tool } from '../tools/tool.js';
import { ToolRegistry } from '../tools/tool-registry.js';
import { toLlmTool } from '../tools/llm-tool.js';
import type { AgentView } from './agent-view.js';
import { toMessages } from './messages.js';

/** The bucket that questions are counted in. */
const USAGE_ID = 'ask-agent-llm';

/** What a question is asked about, and with what. */
export interface QuestionContext {
  conversationId: string;
  view: AgentView;
  llm: LlmConfig;
  tools: ReadonlyMap<string, Tool>;
  signal: AbortSignal;
}

/**
 * Asks the model of an agent about its work so far, beside the conversation: nothing of it becomes history.
 */
@Injectable()
export class Questions {
  constructor(
    private readonly llm: Llm,
    private readonly registry: ToolRegistry,
  ) {}

  /**
   * The answer, and the config that it was asked with: its usage is counted in a bucket of its own.
   * @throws LlmError
   */
  async ask(
    question: string,
    { conversationId, view, llm, tools, signal }: QuestionContext,
  ): Promise<{ text: string; config: LlmConfig; response: LlmResponse }> {
    const config = { ...llm, usage_id: USAGE_ID, stream: false };
    // What still runs has no result: a call without one would be refused by providers.
    const open = new Set(view.unmatched().map(({ id }) => id));
    const events = view.events.filter(({ id }) => !open.has(id));
    const messages = toMessages([...events, asked(question)], (observation) =>
      this.registry.renderObservation(observation),
    );
    const response = await this.llm.complete({
      config,
      messages,
      // Providers want to know the tools that the history speaks of.
      tools: [...tools.values()].map(({ definition }) => toLlmTool(definition)),
      conversationId,
      signal,
    });
    return { text: response.message.content.map(({ text }) => text).join(''), config, response };
  }
}

/** As an event, so that it stands in the dialogue as a message of the user would. */
function asked(question: string): MessageEvent {
  return createEvent(userMessage(framed(question)));
}

function framed(question: string): string {
  return `<QUESTION>
Answer this question from what has happened so far.

${question}

Answer in words only: no tool is run for this question, and the work is not continued.
</QUESTION>`;
}
