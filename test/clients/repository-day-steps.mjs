/**
 * The steps of the agent in repository-day.mjs: each is one answer of the model with its expected result.
 *
 * A step has `tool` and `args`; `shows`, a text or an expression that the result contains, and `told`, if the
 * model is sent more; `kind` of the event, unless it is an ObservationEvent; `inside`, the answers of the
 * model in the sub-agent that it starts.
 */

const run = (command, shows, more = {}) => ({ tool: 'terminal', args: { command }, shows, ...more });
const edit = (command, args, shows) => ({ tool: 'file_editor', args: { command, ...args }, shows });

/** The command that the hook refuses. */
export const FORBIDDEN = 'rm -rf .git';

/**
 * @param {string} work folder of the repository
 * @param {string} page address of a page with the heading `The plan` and a link `Details`
 */
export function morning(work, page) {
  const file = `${work}/sum.js`;
  const note = { name: 'repo', entityType: 'project', observations: ['has sum.js'] };
  return [
    run('git init -q . && git status --short', '.agents/'),
    run(FORBIDDEN, 'Action rejected: forbidden here', { kind: 'UserRejectObservation' }),
    run('ls -d .git', '.git'),
    { tool: 'invoke_skill', args: { name: 'lint' }, shows: 'Run make lint.' },
    { tool: 'memory_create_entities', args: { entities: [note] }, shows: '"entityType": "project"' },
    edit('create', { path: file, file_text: 'console.log(1 + 1);\n' }, `created successfully at: ${file}`),
    run('node sum.js', /^2\b/),
    edit('str_replace', { path: file, old_str: '1 + 1', new_str: '20 + 22' }, 'console.log(20 + 22);'),
    run('node sum.js', /^42\b/),
    { tool: 'files_read_text_file', args: { path: file }, shows: 'console.log(20 + 22);' },
    {
      tool: 'task',
      args: { prompt: 'Count the files.', description: 'count', subagent_type: 'general-purpose' },
      inside: [run('ls | wc -l', /^1\b/), { say: 'There is one file.' }],
      shows: 'There is one file.',
    },
    { tool: 'browser_navigate', args: { url: page }, shows: page },
    { tool: 'browser_get_content', args: {}, shows: 'The plan' },
    { tool: 'browser_get_state', args: {}, shows: 'Details' },
    { tool: 'browser_click', args: { index: 0 }, shows: /./ },
    { tool: 'browser_get_content', args: {}, shows: 'Release on Friday' },
    run('cd .agents', '', { told: `[Current working directory: ${work}/.agents]` }),
    run('pwd', `${work}/.agents`),
    run(
      'git -C .. add -A && git -C .. -c user.name=a -c user.email=a@b.c commit -qm sum && git log --format=%s',
      'sum',
    ),
    run('(exit 3)', '', { told: '[Command finished with exit code 3]' }),
    { tool: 'memory_read_graph', args: {}, shows: 'has sum.js' },
    { say: 'Done for today.' },
  ];
}

/** The steps after the restart. @param {string} page as in `morning` */
export function evening(page) {
  return [
    { tool: 'memory_read_graph', args: {}, shows: 'has sum.js' },
    run(FORBIDDEN, 'Action rejected: forbidden here', { kind: 'UserRejectObservation' }),
    run('node sum.js', /^42\b/),
    { tool: 'browser_navigate', args: { url: page }, shows: page },
    {
      tool: 'task',
      args: { prompt: 'Who are you?', description: 'ask', subagent_type: 'general-purpose' },
      inside: [{ say: 'Another one.' }],
      shows: 'Another one.',
    },
    { say: 'Still there.' },
  ];
}

/** The answers of the model to all requests of these steps, in the form of `chat-endpoint.mjs`. */
export function answers(steps) {
  return steps.flatMap(({ say, tool, args, inside = [] }) =>
    say === undefined ? [{ tools: [[tool, args]] }, ...answers(inside)] : [{ say }],
  );
}
