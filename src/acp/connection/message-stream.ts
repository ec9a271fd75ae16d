import type { Readable, Writable } from 'node:stream';
import type { AnyMessage, Stream } from '@agentclientprotocol/sdk';
import { errorMessage } from '../../errors/index.js';
import { asJsonObject, type JsonBounds, type JsonObject, JsonSize } from '../../json/index.js';

/** The longest message of an agent (bytes), large enough for an image. */
const MAX_MESSAGE = 32 * 1024 * 1024;
/** Bounds of a message: parsing takes time per value, and recursion needs stack per level. */
const BOUNDS: JsonBounds = { values: 100_000, depth: 128 };
/** Characters logged of a line that is not a message. */
const MAX_LOGGED_LINE = 500;
/** Consecutive invalid lines after which the program is considered to speak another protocol. */
const MAX_INVALID_LINES = 10_000;

/** Receives what an agent sends. */
interface MessageListener {
  /** An update of a session, in order of arrival. @param size characters */
  onUpdate(sessionId: string, update: JsonObject, size: number): void;
  /** A line that is not a message: some programs print other output, too. */
  onNoise(line: string): void;
  /** The stream failed; nothing more can be read. */
  onError(error: unknown): void;
  /** Resolves when more updates can be queued: until then nothing is read. */
  waitForRoom(): Promise<void>;
  /** The agent sent a request, which gets one response. */
  onRequest(): void;
  /** The agent has read a response. */
  onAnswered(): void;
  /** Time for the agent to read a message (ms). */
  readonly readMs: number;
}

/**
 * The JSON-RPC messages of a program, one per line. Session updates are passed to the listener instead of the
 * SDK, which would reject unknown kinds.
 */
export function messageStream(input: Readable, output: Writable, listener: MessageListener): Stream {
  const lines = linesOf(input);
  let invalidLines = 0;
  const readable = new ReadableStream<AnyMessage>({
    async pull(controller) {
      try {
        for (;;) {
          await listener.waitForRoom();
          const { value, done } = await lines.next();
          if (done === true) return controller.close();
          const message = handleLine(value, listener);
          if (message && expectsResponse(message)) listener.onRequest();
          if (message) return controller.enqueue(message);
          invalidLines = message === null ? invalidLines + 1 : 0;
          if (invalidLines > MAX_INVALID_LINES)
            throw new Error('The program does not speak the Agent Client Protocol');
        }
      } catch (error) {
        listener.onError(error);
        controller.error(error);
      }
    },
    async cancel() {
      await lines.return(undefined);
    },
  });
  const writable = new WritableStream<AnyMessage>({
    async write(message) {
      await write(output, message, listener);
      if (!('method' in message)) listener.onAnswered();
    },
  });
  return { readable, writable };
}

/**
 * Splits the input into lines.
 * @throws RangeError for a line that is too long, because the next one cannot be found; JsonBoundsError
 */
async function* linesOf(input: Readable): AsyncGenerator<string, undefined, undefined> {
  let pieces: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunksOf(input)) {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      const line = Buffer.concat([...pieces, chunk.subarray(start, end)]);
      new JsonSize(BOUNDS).push(line);
      yield line.toString('utf8');
      pieces = [];
      size = 0;
      start = end + 1;
    }
    const rest = chunk.subarray(start);
    size += rest.length;
    if (size > MAX_MESSAGE)
      throw new RangeError(`the agent sent a message of more than ${MAX_MESSAGE} bytes`);
    if (rest.length > 0) pieces.push(rest);
  }
  return undefined;
}

async function* chunksOf(input: Readable): AsyncGenerator<Buffer> {
  for await (const chunk of input) if (Buffer.isBuffer(chunk)) yield chunk;
}

/** Parses a line. Undefined for an update, which the listener received; null for an invalid line. */
function handleLine(line: string, listener: MessageListener): AnyMessage | undefined | null {
  const text = line.trim();
  if (text === '') return null;
  const message = parse(text);
  if (!isMessage(message)) {
    listener.onNoise(text.slice(0, MAX_LOGGED_LINE));
    return null;
  }
  if (!('method' in message) || message.method !== 'session/update') return message;
  const { sessionId, update } = asJsonObject(message.params);
  if (typeof sessionId === 'string') listener.onUpdate(sessionId, asJsonObject(update), text.length);
  return undefined;
}

/** The SDK responds to requests and to calls of an unknown JSON-RPC version. */
function expectsResponse(message: AnyMessage): boolean {
  return 'method' in message && ('id' in message || asJsonObject(message)['jsonrpc'] !== '2.0');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isMessage(value: unknown): value is AnyMessage {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  if ('method' in value) return typeof value.method === 'string';
  return 'id' in value && ('result' in value || 'error' in value);
}

function write(output: Writable, message: AnyMessage, listener: MessageListener): Promise<void> {
  if (!output.writable) return Promise.reject(new Error('Connection closed'));
  const { readMs } = listener;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const late = new Error(`the agent did not read a message within ${Math.round(readMs / 1000)}s`);
      listener.onError(late);
      reject(late);
    }, readMs);
    output.write(`${JSON.stringify(message)}\n`, (error) => {
      clearTimeout(timer);
      if (error) reject(new Error(`Connection closed: ${errorMessage(error)}`));
      else resolve();
    });
  });
}
