import { createConversation, finishedWith, sendMessage } from '../support/conversation.mjs';
import { median } from '../support/table.mjs';

/**
 * The first steps, whose time is compared with that of the last ones; without the very first, which includes
 * setup.
 */
const FIRST = 20;

/** Steps of an agent with a model that answers at once and a tool that does nothing. */
export const benchmark = {
  name: 'step-think',
  rounds: { full: 3, quick: 1 },
  rows: {
    step: {
      title: 'agent step without the LLM, `think`, mean of 100',
      unit: 'ms',
      better: 'less',
      target: { figure: 2, times: 23.5 },
    },
    first: { title: 'the same, first twenty', unit: 'ms', better: 'less' },
    last: { title: 'the same, last twenty of the 100', unit: 'ms', better: 'less' },
    long: { title: 'the same, mean of 2,000', unit: 'ms', better: 'less', target: { figure: 2 } },
    longLast: { title: 'the same, last twenty of the 2,000', unit: 'ms', better: 'less' },
    flat: {
      title: 'the same, last twenty of the 2,000 to the first twenty',
      unit: 'times',
      better: 'less',
      target: { figure: 1.5 },
    },
    own: { title: 'step with the model inside the server, mean of 100', unit: 'ms', better: 'less' },
  },
  async measure({ start, model, quick, isOurs }) {
    const server = await start();
    // The first run of a server includes loading of modules.
    await stepsOf(server, model, 5);
    const steps = await stepsOf(server, model, 100);
    const figures = {
      step: mean(steps),
      first: mean(steps.slice(0, FIRST)),
      last: mean(steps.slice(-FIRST)),
    };
    if (!isOurs) return figures;
    const long = await stepsOf(server, model, quick ? 1_000 : 2_000);
    const first = median(long.slice(0, FIRST));
    const last = median(long.slice(-FIRST));
    return { ...figures, long: mean(long), longLast: last, flat: last / first, own: await ownStep(server) };
  },
};

async function stepsOf(server, model, count) {
  const caller = model.calling('think', { thought: 'as usual' }, count);
  const conversation = await createConversation(server, caller.llm, { tools: [] });
  await sendMessage(server, conversation, 'work', true);
  await finishedWith(server, conversation, count + 1, caller);
  return caller.stepsMs();
}

/** Uses the server's own timestamps. */
async function ownStep(server) {
  const script = Array.from({ length: 100 }, (_, i) => `TOOL: think {"thought": "thought ${i}"}`);
  const conversation = await createConversation(server, { model: 'scripted/bench' }, { tools: [] });
  await sendMessage(server, conversation, [...script, 'FINISH: done'].join('\n'), true);
  const actions = await finishedWith(server, conversation, script.length + 1);
  return (Date.parse(actions.at(-1).timestamp) - Date.parse(actions[0].timestamp)) / script.length;
}

function mean(figures) {
  return figures.reduce((sum, figure) => sum + figure, 0) / figures.length;
}
