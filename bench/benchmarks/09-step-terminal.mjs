import { createConversation, finishedWith, sendMessage } from '../support/conversation.mjs';
import { spawnMs } from '../support/limits.mjs';
import { median, percentile } from '../support/table.mjs';

/** Steps of an agent with a model that answers at once and the cheapest command. */
export const benchmark = {
  name: 'step-terminal',
  rounds: { full: 3, quick: 1 },
  rows: {
    step: {
      title: 'agent step without the LLM, `true` in the terminal, p50 (limit: spawn of `true`)',
      unit: 'ms',
      better: 'less',
      target: { figure: 5, times: 40 },
    },
    p95: { title: 'the same, p95', unit: 'ms', better: 'less' },
  },
  async measure({ start, model, quick }) {
    const server = await start();
    const count = quick ? 30 : 100;
    const caller = model.calling('terminal', { command: 'true' }, count);
    const conversation = await createConversation(server, caller.llm);
    await sendMessage(server, conversation, 'work', true);
    await finishedWith(server, conversation, count + 1, caller);
    // Without the first step, which starts the shell.
    const steps = caller.stepsMs().slice(1);
    return { step: median(steps), p95: percentile(steps, 95) };
  },
  limit: async ({ quick }) => ({ step: await spawnMs(quick ? 50 : 100) }),
};
