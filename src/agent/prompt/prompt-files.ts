import path from 'node:path';
import { errorCode, errorMessage } from '../../errors/index.js';
import { isMissing, readBoundedText } from '../../files/index.js';
import type { AgentSpec } from '../agent-spec.js';
import type { Warn } from '../skills/files/skill-folder.js';
import { modelFamily } from './model-section.js';
import { renderTemplate } from './template.js';

/** Names of the built-in prompts, as clients know them. */
export const DEFAULT_PROMPT = 'system_prompt.j2';
export const PLANNING_PROMPT = 'system_prompt_planning.j2';
/** The name of the built-in security policy. */
const DEFAULT_POLICY = 'security_policy.j2';

const SOUL_FILE = path.join('.openhands', 'SOUL.md');

/** Texts of a system prompt that come from files. */
export interface PromptFiles {
  /** Replaces the default identity (`SOUL.md`). */
  soul?: string;
  /** Replaces the built-in security policy. */
  policy?: string;
  /** Replaces the whole static prompt. */
  prompt?: string;
}

/** A configured prompt file cannot be used; the message says why. */
export class PromptFileError extends Error {
  override readonly name = 'PromptFileError';
  constructor(
    /** The agent's field that names the file. */
    readonly field: 'security_policy_filename' | 'system_prompt_filename',
    message: string,
  ) {
    super(message);
  }
}

/** The folders that are searched for prompt files. */
interface PromptFileFolders {
  /** Base of relative paths (absolute path). */
  base: string;
  /** Home folder of the user who runs the server; null: their files are not for this agent. */
  home: string | null;
}

/**
 * Reads the files that an agent's prompt uses.
 * @throws PromptFileError for a configured file that cannot be used
 */
export async function readPromptFiles(
  agent: AgentSpec,
  folders: PromptFileFolders,
  warn: Warn,
): Promise<PromptFiles> {
  if (agent.system_prompt !== null) return {};
  const { system_prompt_filename: name } = agent;
  if (name === PLANNING_PROMPT) return {};
  if (name !== DEFAULT_PROMPT) return { prompt: await readPrompt(agent, folders.base) };
  const [soul, policy] = await Promise.all([
    agent.persona || folders.home === null ? undefined : readSoul(path.join(folders.home, SOUL_FILE), warn),
    readPolicy(agent, folders.base),
  ]);
  return { soul, policy };
}

async function readPrompt(agent: AgentSpec, base: string): Promise<string> {
  const {
    system_prompt_filename: name,
    system_prompt_kwargs,
    security_policy_filename,
    persona,
    llm,
  } = agent;
  const { family, variant } = modelFamily(llm, system_prompt_kwargs);
  const variables = {
    ...system_prompt_kwargs,
    security_policy_filename,
    model_name: llm.model_canonical_name ?? llm.model,
    ...(family === undefined ? {} : { model_family: family }),
    ...(variant === undefined ? {} : { model_variant: variant }),
    ...(persona ? { persona } : {}),
  };
  try {
    return await renderTemplate(path.resolve(base, name), variables);
  } catch (error) {
    const hint = `The server has ${DEFAULT_PROMPT} and ${PLANNING_PROMPT}; other names are paths of template files`;
    const reason = isMissingError(error) ? `There is no prompt file ${name}. ${hint}.` : errorMessage(error);
    throw new PromptFileError('system_prompt_filename', reason);
  }
}

/** The policy is used verbatim: it is not a template. */
async function readPolicy(
  { security_policy_filename: name }: AgentSpec,
  base: string,
): Promise<string | undefined> {
  if (!name || name === DEFAULT_POLICY) return undefined;
  const refuse = (reason: string): never => {
    throw new PromptFileError('security_policy_filename', reason);
  };
  try {
    const content = await readBoundedText(path.resolve(base, name));
    if (!content) return refuse(`${name} is not a text file`);
    // A truncated policy would be a different one.
    return content.cut ? refuse(`${name} is too large`) : content.text;
  } catch (error) {
    if (error instanceof PromptFileError) throw error;
    return refuse(isMissingError(error) ? `There is no policy file ${name}` : errorMessage(error));
  }
}

async function readSoul(file: string, warn: Warn): Promise<string | undefined> {
  // Read for each new conversation; the file rarely exists.
  if (isMissing(file)) return undefined;
  try {
    const text = (await readBoundedText(file))?.text.trim();
    return text === '' ? undefined : text;
  } catch (error) {
    if (!isMissingError(error)) warn(file, errorMessage(error));
    return undefined;
  }
}

function isMissingError(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(String(errorCode(error)));
}
