import path from 'node:path';
import { textContent, type Content, type Observation } from '../../events/index.js';
import { functionTool } from '../function-tool.js';
import type { ExecutionContext, Tool, ToolDefinition } from '../tool.js';
import type { ToolHost } from '../tool-host.js';
import { truncateMiddleAndSave } from '../truncate.js';
import { BrowserError } from './browser-error.js';
import { BrowserSession, sessionOptions } from './browser-session.js';
import type { BrowserAnswer } from './browser-actions.js';

export const BROWSER_OBSERVATION = 'BrowserObservation';
/** Characters of an answer (reference SDK). */
const MAX_ANSWER_LENGTH = 50_000;
const OBSERVATIONS_FOLDER = 'observations';

/** Why no call can be done, whatever it is. */
function refusalOf(host: ToolHost, params: Record<string, unknown>): string | undefined {
  if (host.browserEnabled === false) {
    return 'The browser is switched off on this server (OH_ENABLE_BROWSER). Go on without one.';
  }
  // Ignored, it would open what somebody wanted to keep closed.
  if (params['allowed_domains'] !== undefined && params['allowed_domains'] !== null) {
    return 'This server cannot keep the browser to the allowed_domains of the tool. Go on without a browser.';
  }
  return undefined;
}

/** The tools of one conversation share a browser. */
const sessions = new WeakMap<ToolHost, BrowserSession>();

function sessionOf(host: ToolHost, params: Record<string, unknown>): BrowserSession {
  const known = sessions.get(host);
  if (known) return known;
  const session = new BrowserSession(sessionOptions(params));
  sessions.set(host, session);
  return session;
}

/** One of the tools that use the conversation's browser; closing any of them ends it. */
export function browserTool(
  definition: ToolDefinition,
  host: ToolHost,
  params: Record<string, unknown>,
): Tool {
  const session = sessionOf(host, params);
  const refusal = refusalOf(host, params);
  return {
    ...functionTool(definition, {
      execute: (args, context) => execute(definition, args, { session, host, context, refusal }),
      touches: () => [{ kind: 'tool', key: 'browser' }],
    }),
    close: () => session.close(),
  };
}

interface Surroundings {
  session: BrowserSession;
  host: ToolHost;
  context: ExecutionContext;
  refusal: string | undefined;
}

async function execute(
  definition: ToolDefinition,
  args: Record<string, unknown>,
  { session, host, context, refusal }: Surroundings,
): Promise<Observation> {
  if (refusal !== undefined) return observation(definition, host, { text: refusal }, true);
  // With the first use: the start of the server does not wait for it.
  const { BROWSER_ACTIONS } = await import('./browser-actions.js');
  const action = BROWSER_ACTIONS[definition.name];
  if (!action) throw new Error(`No action for ${definition.name}`);
  const answer = (said: BrowserAnswer, isError: boolean): Promise<Observation> =>
    observation(definition, host, said, isError);
  try {
    return await session.perform(context.signal, async (tabs, signal) => {
      const outcome = await action({ tabs, args, host, signal }).then(
        (said) => ({ said, isError: false }),
        (error: unknown) => ({ said: { text: failureText(error, signal) }, isError: true }),
      );
      const notes = tabs.takeNotes().map((note) => `[${note}]\n`);
      return answer({ ...outcome.said, text: notes.join('') + outcome.said.text }, outcome.isError);
    });
  } catch (error) {
    if (!(error instanceof BrowserError)) throw error;
    return answer({ text: error.message }, true);
  }
}

/**
 * What went wrong in one line: Playwright adds the log of the call.
 * @throws what is not about the page: an abort
 */
function failureText(error: unknown, signal: AbortSignal): string {
  if (signal.aborted || !(error instanceof Error)) throw error;
  if (error instanceof BrowserError) return error.message;
  const [first = ''] = error.message.split('\n', 1);
  return first.replace(/^\w+\.\w+: /, '').trim() || error.name;
}

async function observation(
  definition: ToolDefinition,
  host: ToolHost,
  { text, screenshot }: BrowserAnswer,
  isError: boolean,
): Promise<Observation> {
  // Before it is cut or kept in a file: half a secret is not found any more.
  const masked = host.secrets?.mask(text) ?? text;
  const target = { folder: path.join(host.folder, OBSERVATIONS_FOLDER), tool: definition.name };
  return {
    content: [textContent(await truncateMiddleAndSave(masked, MAX_ANSWER_LENGTH, target))],
    is_error: isError,
    ...(screenshot !== undefined && { screenshot_data: screenshot }),
    full_output_save_dir: path.join(host.shownFolder, OBSERVATIONS_FOLDER),
    kind: BROWSER_OBSERVATION,
  };
}

/** The model is shown the screenshot; events carry it once. */
export function renderBrowserObservation(observation: Observation): Content[] {
  const { screenshot_data: screenshot } = observation;
  if (typeof screenshot !== 'string') return observation.content;
  const image: Content = {
    cache_prompt: false,
    type: 'image',
    image_urls: [`data:image/png;base64,${screenshot}`],
  };
  return [...observation.content, image];
}
