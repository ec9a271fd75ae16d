import { createConversation } from '../support/conversation.mjs';
import { median } from '../support/table.mjs';

/** Conversations created one after another: what the one in the middle waited. */
export const benchmark = {
  name: 'create',
  title: 'create a conversation',
  unit: 'ms',
  better: 'less',
  async measure({ server, llm, quick }) {
    for (let i = 0; i < 10; i++) await createConversation(server, llm);
    const waits = [];
    for (let i = 0; i < (quick ? 50 : 200); i++) {
      const started = performance.now();
      await createConversation(server, llm);
      waits.push(performance.now() - started);
    }
    return median(waits);
  },
};
