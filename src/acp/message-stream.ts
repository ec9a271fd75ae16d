import type { Readable, Writable } from 'node:stream';
import type { AnyMessage, Stream } from '@agentclientprotocol/sdk';
import { errorMessage } from '../errors/index.js';
import { asJsonObject, type JsonBounds, JsonSize } from '../json/index.js';

/** The longest message of an agent (bytes): an image of some size fits. */
const MAX_MESSAGE = 32 * 1024 * 1024;
/** What it may hold: parsing takes time for each value, and what works on them needs stack for each level. */
const BOUNDS: JsonBounds = { values: 100_000, depth: 128 };
/** Of a line that is no message, more is not logged (characters). */
const MAX_NOISE = 500;
/** So many lines that are no messages, one after the other, and the program speaks something else. */
const MAX_NOISY_LINES = 10_000;

/** Who reads what an agent prints. */
export interface MessageListener {
  /** A piece of news about a session, in the order in which they come. @param size characters */
  onUpdate(sessionId: string, update: Record<string, unknown>, size: number): void;
  /** A line that is no message: some programs print other things too. */
  onNoise(line: string): void;
  /** Nothing more can be read. */
  onFault(error: unknown): void;
  /** Resolves when there is room for more news: until then the agent is not read on. */
  room(): Promise<void>;
  /** The program asks for something: it gets one answer. */
  onRequest(): void;
  /** It has taken an answer. */
  onAnswered(): void;
  /** How long it may take to read what it is told (ms). */
  readonly readMs: number;
}

/**
 * The messages of a program that speaks JSON-RPC on its standard input and output, one a line. News about
 * sessions are handed out here and not passed on: the library would refuse kinds that it does not know.
 */
export function messageStream(input: Readable, output: Writable, listener: MessageListener): Stream {
  const lines = linesOf(input);
  let noisy = 0;
  const readable = new ReadableStream<AnyMessage>({
    async pull(controller) {
      try {
        for (;;) {
          await listener.room();
          const { value, done } = await lines.next();
          if (done === true) return controller.close();
          const message = take(value, listener);
          if (message && wantsAnswer(message)) listener.onRequest();
          if (message) return controller.enqueue(message);
          noisy = message === null ? noisy + 1 : 0;
          if (noisy > MAX_NOISY_LINES)
            throw new Error('The program prints what are no messages of the protocol');
        }
      } catch (error) {
        listener.onFault(error);
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

/** @throws RangeError for a line without an end: there is no way to find the next one; JsonBoundsError */
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

/** The message of a line; undefined: it was for the listener; null: it is none. */
function take(line: string, listener: MessageListener): AnyMessage | undefined | null {
  const text = line.trim();
  if (text === '') return null;
  const message = parse(text);
  if (!isMessage(message)) {
    listener.onNoise(text.slice(0, MAX_NOISE));
    return null;
  }
  if (!('method' in message) || message.method !== 'session/update') return message;
  const { sessionId, update } = asJsonObject(message.params);
  if (typeof sessionId === 'string') listener.onUpdate(sessionId, asJsonObject(update), text.length);
  return undefined;
}

/** The library answers a request, and what is a call of no version that it knows. */
function wantsAnswer(message: AnyMessage): boolean {
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
      const late = new Error(`the agent has not read what it was told for ${Math.round(readMs / 1000)}s`);
      listener.onFault(late);
      reject(late);
    }, readMs);
    output.write(`${JSON.stringify(message)}\n`, (error) => {
      clearTimeout(timer);
      if (error) reject(new Error(`Connection closed: ${errorMessage(error)}`));
      else resolve();
    });
  });
}
