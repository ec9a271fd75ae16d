import { countEvents, createConversation, sendMessage } from '../support/conversation.mjs';
import { median } from '../support/table.mjs';

/** One client that sends message after message: what the one in the middle waited for its durable acknowledgement. */
export const benchmark = {
  name: 'append-one',
  title: 'append, 1 client',
  unit: 'ms',
  better: 'less',
  async measure({ server, llm, quick }) {
    const conversation = await createConversation(server, llm);
    for (let i = 0; i < 20; i++) await sendMessage(server, conversation, `warm up ${i}`);
    const before = await countEvents(server, conversation);
    const count = quick ? 200 : 1000;
    const waits = [];
    for (let i = 0; i < count; i++) {
      const started = performance.now();
      await sendMessage(server, conversation, `message ${i}`);
      waits.push(performance.now() - started);
    }
    if ((await countEvents(server, conversation)) - before < count)
      throw new Error('acknowledged messages are missing');
    return median(waits);
  },
};
