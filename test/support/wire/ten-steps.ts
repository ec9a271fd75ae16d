import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { eventually } from '../eventually.js';
import { ConversationClient, userMessage, type SeenEvent } from '../conversation-client.js';
import type { ServerProcess } from '../server-process.js';
import { plainRequest } from './plain-request.js';
import { startWireEndpoint, type WireEndpoint } from './wire-endpoint.js';
import type { Json, Turn, WireProtocol, WireRequest } from './wire-protocol.js';

/** An image of one red pixel. */
const DOT =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const DOT_URL = `data:image/png;base64,${DOT}`;

/** Options of a conversation of ten steps with a provider. */
interface TenStepsOptions {
  protocol: WireProtocol;
  /** The configuration of the agent's LLM. */
  llm: (url: string) => Json;
  stream: boolean;
  /** Whether the user sends an image, for models that accept one. The default is yes. */
  image?: boolean;
}

/** The recorded conversation. */
export interface TenSteps {
  /** The ten requests. */
  requests: WireRequest[];
  /** The same requests without what differs from run to run. */
  plain: Json[];
  events: SeenEvent[];
  info: Json;
  finalResponse: string;
  /** The file that the agent wrote. */
  file: string;
}

/**
 * Ten answers of a model, and two messages of the user: reasoning, text beside calls, several calls at once,
 * an image that a tool shows and one that the user sends, arguments with quotes, line ends and characters
 * outside of ASCII, a tool that does not exist, a command that fails.
 */
function tenTurns(folder: string): Turn[] {
  const file = path.join(folder, 'note.txt');
  const text = 'Grüße, "World" 🌍\n\tline \\ two\n';
  const terminal = (command: string) => ({ name: 'terminal', arguments: { command } });
  const editor = (args: Json) => ({ name: 'file_editor', arguments: args });
  return [
    {
      reasoning: 'Where am I?\n\nI look 🔎 first.',
      text: 'I look around.',
      calls: [terminal("printf 'é%s\\n' 1")],
    },
    {
      reasoning: 'Two things at once.',
      calls: [terminal('echo "two"'), editor({ command: 'create', path: file, file_text: text })],
    },
    { calls: [editor({ command: 'view', path: path.join(folder, 'dot.png') }), terminal('echo three')] },
    { text: 'Hm.', calls: [{ name: 'no_such_tool', arguments: { x: 1 } }] },
    { reasoning: 'Enough for now.', text: 'The first half is done. ✅' },
    {
      calls: [
        terminal('exit_with() { return 3; }; exit_with'),
        { name: 'think', arguments: { thought: 'ä' } },
      ],
    },
    { calls: [editor({ command: 'str_replace', path: file, old_str: 'line', new_str: '行' })] },
    { reasoning: 'Why not.', calls: [editor({ command: 'view', path: file })] },
    { text: 'Nearly there.', calls: [terminal('echo a && echo b')] },
    { reasoning: 'All is well.', text: 'Done: 行 🌍.' },
  ];
}

/** Runs the conversation on a server, until the second of its two runs has ended. */
export async function holdTenSteps(server: ServerProcess, options: TenStepsOptions): Promise<TenSteps> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'ten-steps-'));
  const endpoint = await startWireEndpoint({ protocol: options.protocol, script: tenTurns(folder) });
  try {
    await writeFile(path.join(folder, 'dot.png'), Buffer.from(DOT, 'base64'));
    const conversation = await ConversationClient.create(server, {
      agent: {
        llm: {
          api_key: 'sk-wire-test',
          usage_id: 'agent',
          num_retries: 1,
          stream: options.stream,
          ...options.llm(endpoint.url),
        },
        tools: [{ name: 'terminal' }, { name: 'file_editor' }],
        agent_context: { system_message_suffix: 'SUFFIX' },
      },
      workspace: { working_dir: folder },
      initial_message: userMessage('Please look around.'),
      autotitle: false,
    });
    await isAsked(endpoint, 5, conversation);
    await conversation.reaches('finished', 'error');
    await sendSecondMessage(conversation, options.image ?? true);
    await isAsked(endpoint, 10, conversation);
    await conversation.reaches('finished', 'error');
    const { body } = await server.request('GET', `${conversation.route}/agent_final_response`);
    return {
      requests: endpoint.requests,
      plain: endpoint.requests.map((request) => plainRequest(request, folder, conversation.id)),
      events: await conversation.events(),
      info: await conversation.info(),
      finalResponse: (body as { response: string }).response,
      file: await readFile(path.join(folder, 'note.txt'), 'utf8').catch(() => ''),
    };
  } finally {
    await endpoint.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Waits for requests to the provider, or for an error. Only every tenth look asks the server for the status,
 * which costs it and the test more than the others.
 */
function isAsked(endpoint: WireEndpoint, count: number, conversation: ConversationClient): Promise<void> {
  let looks = 0;
  return eventually(async () => {
    if (endpoint.requests.length >= count) return true;
    looks += 1;
    return looks % 10 === 0 && (await conversation.status()) === 'error';
  }, `request ${count}`);
}

async function sendSecondMessage(conversation: ConversationClient, withImage: boolean): Promise<void> {
  const text = { type: 'text', text: 'Go on with this.' };
  const content = withImage ? [text, { type: 'image', image_urls: [DOT_URL] }] : [text];
  const message = { role: 'user', content, run: true };
  const { status } = await conversation.server.request('POST', `${conversation.route}/events`, message);
  if (status !== 200) throw new Error(`POST events answered ${status}`);
}
