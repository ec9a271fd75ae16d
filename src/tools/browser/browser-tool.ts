import path from 'node:path';
import { textContent, type Content, type Observation } from '../../events/index.js';
import { functionTool } from '../function-tool.js';
import type { ExecutionContext, Tool, ToolDefinition } from '../tool.js';
import type { ToolHost } from '../tool-host.js';
import { truncateMiddleAndSave } from '../truncate.js';
import { BrowserError } from './browser-error.js';
import { BrowserSession, sessionOptions } from './browser-session.js';
import type { BrowserResult } from './browser-actions.js';

export const BROWSER_OBSERVATION = 'BrowserObservation';
/** The longest result (characters), the same as the original's. */
const MAX_RESULT_LENGTH = 50_000;
const OBSERVATIONS_FOLDER = 'observations';

/** Why all calls are refused, or undefined. */
function refusalReason(host: ToolHost, params: Record<string, unknown>): string | undefined {
  if (host.browserEnabled === false) {
    return 'The browser is switched off on this server (OH_ENABLE_BROWSER). Go on without one.';
  }
  // Ignoring this restriction would be unsafe.
  if (params['allowed_domains'] !== undefined && params['allowed_domains'] !== null) {
    return 'This server cannot keep the browser to the allowed_domains of the tool. Go on without a browser.';
  }
  return undefined;
}

/** The tools of a conversation share a browser. */
const sessions = new WeakMap<ToolHost, BrowserSession>();

function sessionOf(host: ToolHost, params: Record<string, unknown>): BrowserSession {
  const known = sessions.get(host);
  if (known) return known;
  const session = new BrowserSession(sessionOptions(params), host);
  sessions.set(host, session);
  return session;
}

/** Creates a tool that uses the conversation's browser. Closing any of these tools closes the browser. */
export function browserTool(
  definition: ToolDefinition,
  host: ToolHost,
  params: Record<string, unknown>,
): Tool {
  const session = sessionOf(host, params);
  const refusal = refusalReason(host, params);
  return {
    ...functionTool(definition, {
      execute: (args, context) => execute(definition, args, { session, host, context, refusal }),
      touches: () => [{ kind: 'tool', key: 'browser' }],
    }),
    close: () => session.close(),
  };
}

interface CallContext {
  session: BrowserSession;
  host: ToolHost;
  context: ExecutionContext;
  refusal: string | undefined;
}

async function execute(
  definition: ToolDefinition,
  args: Record<string, unknown>,
  { session, host, context, refusal }: CallContext,
): Promise<Observation> {
  if (refusal !== undefined) return observation(definition, host, { text: refusal }, true);
  // Loaded on first use, to keep the server's start fast.
  const { BROWSER_ACTIONS } = await import('./browser-actions.js');
  const action = BROWSER_ACTIONS[definition.name];
  if (!action) throw new Error(`No action for ${definition.name}`);
  const respond = (result: BrowserResult, isError: boolean): Promise<Observation> =>
    observation(definition, host, result, isError);
  try {
    return await session.perform(context.signal, async (tabs, signal) => {
      const outcome = await action({ tabs, args, host, signal }).then(
        (result) => ({ result, isError: false }),
        (error: unknown) => ({ result: { text: failureText(error, signal) }, isError: true }),
      );
      const notes = tabs.takeNotes().map((note) => `[${note}]\n`);
      return respond({ ...outcome.result, text: notes.join('') + outcome.result.text }, outcome.isError);
    });
  } catch (error) {
    if (!(error instanceof BrowserError)) throw error;
    return respond({ text: error.message }, true);
  }
}

/**
 * An error message in one line, without the call log that Playwright adds.
 * @throws the error itself if it is an abort
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
  { text, screenshot }: BrowserResult,
  isError: boolean,
): Promise<Observation> {
  // Masked before truncating and saving, because a partial value is not recognised.
  const masked = host.secrets?.mask(text) ?? text;
  const target = { folder: path.join(host.folder, OBSERVATIONS_FOLDER), tool: definition.name };
  return {
    content: [textContent(await truncateMiddleAndSave(masked, MAX_RESULT_LENGTH, target))],
    is_error: isError,
    ...(screenshot !== undefined && { screenshot_data: screenshot }),
    full_output_save_dir: path.join(host.shownFolder, OBSERVATIONS_FOLDER),
    kind: BROWSER_OBSERVATION,
  };
}

/** Adds the screenshot, which the stored event has in a field of its own, to the content for the model. */
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
