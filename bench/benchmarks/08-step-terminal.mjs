import { createConversation, timeSteps } from '../support/conversation.mjs';

/** A step of an agent whose model answers at once and which runs the cheapest command. */
export const benchmark = {
  name: 'step-terminal',
  title: 'agent step without the LLM, `true` in the terminal',
  unit: 'ms',
  better: 'less',
  async measure({ server, llm, quick }) {
    const conversation = await createConversation(server, llm);
    const steps = Array.from({ length: quick ? 20 : 100 }, () => 'RUN: true');
    return timeSteps(server, conversation, steps);
  },
};
