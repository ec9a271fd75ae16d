import { createConversation, timeSteps } from '../support/conversation.mjs';

/** A step of an agent whose model answers at once and whose tool does nothing. */
export const benchmark = {
  name: 'step-think',
  title: 'agent step without the LLM, `think`',
  unit: 'ms',
  better: 'less',
  async measure({ server, llm, quick }) {
    const conversation = await createConversation(server, llm, []);
    const steps = Array.from(
      { length: quick ? 50 : 100 },
      (_, i) => `TOOL: think {"thought": "thought ${i}"}`,
    );
    return timeSteps(server, conversation, steps);
  },
};
