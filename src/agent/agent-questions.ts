import { Injectable } from '@nestjs/common';
import { createEvent, type MessageEvent } from '../events/index.js';
import { userMessage } from './event-drafts.js';
import { Llm, type LlmResponse, type LlmConfig } from '../llm/index.js';
import { type Tool, ToolRegistry, toLlmTool } from '../tools/index.js';
import type { AgentView } from './agent-view.js';
import { toMessages } from './messages/to-messages.js';

/** Usage id under which the cost of questions is counted. */
const USAGE_ID = 'ask-agent-llm';

/** The conversation that a question is about, and the model that answers it. */
interface QuestionContext {
  conversationId: string;
  view: AgentView;
  llm: LlmConfig;
  tools: ReadonlyMap<string, Tool>;
  signal: AbortSignal;
}

/** Asks an agent's model about the work so far. Nothing of it becomes part of the conversation. */
@Injectable()
export class AgentQuestions {
  constructor(
    private readonly llm: Llm,
    private readonly registry: ToolRegistry,
  ) {}

  /**
   * Returns the answer with the config that was used: its usage is counted under an id of its own.
   * @throws LlmError
   */
  async ask(
    question: string,
    { conversationId, view, llm, tools, signal }: QuestionContext,
  ): Promise<{ text: string; config: LlmConfig; response: LlmResponse }> {
    const config = { ...llm, usage_id: USAGE_ID, stream: false };
    // Actions that still run have no result; providers reject a call without one.
    const open = new Set(view.pendingActions().map(({ id }) => id));
    const events = view.events.filter(({ id }) => !open.has(id));
    const messages = toMessages([...events, questionEvent(question)], (observation) =>
      this.registry.renderObservation(observation),
    );
    const response = await this.llm.complete({
      config,
      messages,
      // Providers require the definitions of all tools that occur in the history.
      tools: [...tools.values()].map(({ definition }) => toLlmTool(definition)),
      conversationId,
      signal,
    });
    return { text: response.message.content.map(({ text }) => text).join(''), config, response };
  }
}

function questionEvent(question: string): MessageEvent {
  return createEvent(userMessage(questionPrompt(question)));
}

function questionPrompt(question: string): string {
  return `<QUESTION>
Answer this question from what has happened so far.

${question}

Answer in words only: no tool is run for this question, and the work is not continued.
</QUESTION>`;
}
