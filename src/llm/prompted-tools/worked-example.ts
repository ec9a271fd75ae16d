import type { LlmTool } from '../request/llm-request.js';
import { writeCall } from './call-text.js';
import { parametersOf } from './schema.js';

/** A step of the example: text, call and result. */
interface Step {
  says: string;
  call: { name: string; arguments: Record<string, unknown> };
  result: string;
}

const STEPS: readonly Step[] = [
  {
    says: 'First I look at what is there.',
    call: { name: 'terminal', arguments: { command: 'ls', summary: 'list the files' } },
    result: 'notes.txt',
  },
  {
    says: 'There is no script yet. I write it.',
    call: {
      name: 'file_editor',
      arguments: {
        command: 'create',
        path: '/project/count.py',
        file_text: 'from pathlib import Path\n\nprint(len(Path("notes.txt").read_text().splitlines()))',
        summary: 'write the script',
      },
    },
    result: 'File created successfully at: /project/count.py',
  },
  {
    says: 'Now I try it.',
    call: { name: 'terminal', arguments: { command: 'python3 count.py', summary: 'run the script' } },
    result: '12',
  },
  {
    says: '',
    call: { name: 'finish', arguments: { message: 'count.py prints how many lines notes.txt has: 12.' } },
    result: '',
  },
];

const EXAMPLE_START = `Here's a running example of how to perform a task with the provided tools.

--------------------- START OF EXAMPLE ---------------------

USER: Write a script that counts the lines of notes.txt.
`;
const EXAMPLE_END = `--------------------- END OF EXAMPLE ---------------------

Do NOT assume the environment is the same as in the example above.

--------------------- NEW TASK DESCRIPTION ---------------------`;

/** The text after the first message of the user. */
export const TASK_END = `--------------------- END OF NEW TASK DESCRIPTION ---------------------

PLEASE follow the format strictly! PLEASE EMIT ONE AND ONLY ONE FUNCTION CALL PER MESSAGE.
`;

/**
 * The text before the first message of the user: a task that is solved with the available tools, as far as
 * the example covers them. One good dialogue teaches a model more than rules.
 */
export function exampleText(tools: readonly LlmTool[]): string {
  const steps = STEPS.flatMap(({ says, call, result }) => {
    const tool = tools.find(({ name }) => name === call.name);
    if (!tool) return [];
    const known = parametersOf(tool);
    const given = Object.entries(call.arguments).filter(([name]) => known.has(name));
    const written = writeCall({ name: call.name, arguments: JSON.stringify(Object.fromEntries(given)) });
    const answer = `ASSISTANT:\n${says === '' ? '' : `${says}\n`}${written}\n`;
    return result === '' ? [answer] : [answer, `USER: ${resultHeader(call.name)}${result}\n`];
  });
  return [EXAMPLE_START, ...steps, EXAMPLE_END].join('\n');
}

/** The header of a result. */
export function resultHeader(tool: string): string {
  return `EXECUTION RESULT of [${tool}]:\n`;
}
