import { countEvents, createConversation, inParallel, sendMessage } from '../support/conversation.mjs';

/** Clients that write into one conversation at once: durable acknowledgements a second. */
export const benchmark = {
  name: 'append-many',
  title: 'append, 32 clients, one conversation',
  unit: 'a second',
  better: 'more',
  async measure({ server, llm, quick }) {
    const conversation = await createConversation(server, llm);
    const send = (i) => sendMessage(server, conversation, `message ${i}`);
    await inParallel(32, 64, send);
    const before = await countEvents(server, conversation);
    const count = quick ? 500 : 3000;
    const started = performance.now();
    await inParallel(32, count, send);
    const seconds = (performance.now() - started) / 1000;
    if ((await countEvents(server, conversation)) - before < count)
      throw new Error('acknowledged messages are missing');
    return count / seconds;
  },
};
