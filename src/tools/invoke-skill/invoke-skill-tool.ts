import path from 'node:path';
import { textContent, type Observation } from '../../events/index.js';
import { UNCONFINED } from '../../sandbox/index.js';
import type { ExecutionContext, Tool, ToolDefinition } from '../tool.js';
import type { ToolHost, ToolSkill } from '../tool-host.js';
import { truncateMiddle } from '../truncate.js';
import { renderCommands } from './render-commands.js';

/** The longest text of a skill, including the output of its commands (characters). */
const MAX_TEXT = 100_000;

/** Reads the text of a skill that the prompt only lists. */
export const invokeSkillDefinition: ToolDefinition = {
  name: 'invoke_skill',
  kind: 'InvokeSkillTool',
  actionKind: 'InvokeSkillAction',
  observationKind: 'InvokeSkillObservation',
  title: 'invoke_skill',
  description:
    'Invoke a skill by name.\n\n' +
    'Skills hold knowledge about how something is done here. Call this tool with a `<name>` of `<available_skills>` ' +
    'before you do what the skill is about: the answer is its whole text, with the output of the commands that it runs ' +
    'filled in. There is no other way to use a skill.',
  annotations: {
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  schema: {
    type: 'object',
    properties: { name: { type: 'string', description: 'The name of the skill, as it is listed.' } },
    required: ['name'],
  },
  create: (host) => invokeSkillTool(host),
};

function invokeSkillTool(host: ToolHost): Tool {
  return {
    definition: invokeSkillDefinition,
    prepare: (args) => {
      const name = typeof args['name'] === 'string' ? args['name'].trim() : '';
      return {
        action: { ...args, kind: invokeSkillDefinition.actionKind },
        touches: () => [],
        execute: (context) => invoke(name, host, context),
      };
    },
    close: () => Promise.resolve(),
  };
}

async function invoke(name: string, host: ToolHost, { signal }: ExecutionContext): Promise<Observation> {
  const skills = host.skills?.() ?? [];
  const skill = skills.find((known) => known.name === name);
  if (!skill) {
    const names = skills.filter(({ invocable }) => invocable).map((known) => known.name);
    const list = names.length > 0 ? names.sort().join(', ') : 'none';
    return observation(name, `Unknown skill '${name}'. Available skills: ${list}.`, true);
  }
  if (!skill.invocable) {
    const text = `Skill '${name}' cannot be invoked directly. It can only be activated by trigger matching.`;
    return observation(name, text, true);
  }
  const { workingDir, confinement = UNCONFINED } = host;
  const text = await renderCommands(skill.content, workingDir, confinement, signal);
  return observation(name, truncateMiddle(text, MAX_TEXT) + footer(skill, host.workingDir), false);
}

/** Tells the model where files are that the skill's text refers to. */
function footer({ source }: ToolSkill, workingDir: string): string {
  if (source === null) return '';
  const folder = path.dirname(source);
  const relative = path.relative(workingDir, folder);
  const shown = relative.startsWith('..') || path.isAbsolute(relative) ? folder : relative || '.';
  return (
    `\n\n---\nThis skill is located at \`${shown}\`. Files that it names (under \`scripts/\`, \`references/\` or ` +
    '`assets/`, for example) are relative to that directory.'
  );
}

function observation(name: string, text: string, isError: boolean): Observation {
  return {
    content: [textContent(text)],
    is_error: isError,
    skill_name: name,
    kind: invokeSkillDefinition.observationKind,
  };
}
