import { countEvents, createConversation, inParallel, sendMessage } from '../support/conversation.mjs';
import { median } from '../support/table.mjs';

const EVENTS = 5000;

/** The first page of a long conversation: what the request in the middle waited. */
export const benchmark = {
  name: 'search',
  title: `first page of ${EVENTS.toLocaleString('en-US')} events`,
  unit: 'ms',
  better: 'less',
  async measure({ server, llm, quick }) {
    const conversation = await createConversation(server, llm);
    // A message may be more than one event.
    for (let count = 0; count < EVENTS; count = await countEvents(server, conversation)) {
      await inParallel(32, Math.ceil((EVENTS - count) / 2), (i) =>
        sendMessage(server, conversation, `message ${i}`),
      );
    }
    const waits = [];
    for (let i = 0; i < (quick ? 50 : 200); i++) {
      const started = performance.now();
      const { items } = await server.expect(200, 'GET', `${conversation}/events/search?limit=100`);
      waits.push(performance.now() - started);
      if (items.length !== 100) throw new Error(`a page of ${items.length} events, not 100`);
    }
    return median(waits);
  },
};
