import type { LlmTool } from '../request/llm-request.js';
import { parametersOf, requiredOf, type ParameterSchema } from './schema.js';

/** The description of the notation. The words are ours, the notation is the original's. */
const NOTATION = `To call a function, write it like this, and nothing behind it:

<function=name_of_the_function>
<parameter=name_of_a_parameter>value</parameter>
<parameter=name_of_another_parameter>
a value
on several lines
</parameter>
</function>

<IMPORTANT>
- A call begins with <function= and ends with </function>; each value stands between <parameter=name> and </parameter>.
- Give every required parameter, and only parameters that are listed above.
- One call in a message. Thoughts about it go in front of it, never behind it.
- You see what the call did in the next message: never write a result yourself.
- Where no function helps, answer in plain words and do not speak of functions.
</IMPORTANT>`;

/** The part of the system prompt that describes the functions and how to call them. */
export function toolDocs(tools: readonly LlmTool[]): string {
  const functions = tools.map(
    (tool, index) =>
      `---- BEGIN FUNCTION #${index + 1}: ${tool.name} ----\n${describe(tool)}\n---- END FUNCTION #${index + 1} ----`,
  );
  return `You have access to the following functions:\n\n${functions.join('\n\n')}\n\n${NOTATION}`;
}

function describe(tool: LlmTool): string {
  const required = new Set(requiredOf(tool));
  const lines = [...parametersOf(tool)].map(
    ([name, schema], index) =>
      `  (${index + 1}) ${name} (${typeWord(schema)}, ${required.has(name) ? 'required' : 'optional'}): ${meaning(schema)}`,
  );
  const parameters = lines.length > 0 ? `Parameters:\n${lines.join('\n')}` : 'It takes no parameters.';
  return `Description: ${tool.description}\n${parameters}`;
}

function typeWord({ type }: ParameterSchema): string {
  if (typeof type === 'string') return type;
  return Array.isArray(type) ? type.join(' or ') : 'any';
}

/** The description of a parameter, with its schema if it is not a scalar. */
function meaning({ description, ...schema }: ParameterSchema): string {
  const text = typeof description === 'string' ? description : '';
  const allowed = Array.isArray(schema.enum) ? `\nAllowed values: ${JSON.stringify(schema.enum)}` : '';
  const isPlain = ['string', 'integer', 'number', 'boolean'].includes(String(schema.type));
  return text + allowed + (isPlain ? '' : `\nJSON of this schema: ${JSON.stringify(schema)}`);
}
