import type { LanguageModelV3Content } from '@ai-sdk/provider';
import { randomUUID } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../../../json/index.js';
import { MAX_CALLS, tooManyCalls } from '../../transport/answer-limits.js';
import { JsonProgress } from './json-progress.js';
import { EmptyAnswerError } from '../sdk/language-model.js';

type ToolCall = Extract<LanguageModelV3Content, { type: 'tool-call' }>;

/** A tool call or a piece of one. */
interface Piece {
  id: string | undefined;
  index: number | undefined;
  name: string | undefined;
  arguments: string;
  signature: string | undefined;
}

/** A tool call that is being assembled. */
interface OpenCall extends Piece {
  progress: JsonProgress;
}

/** Called with a piece of a call's arguments. */
type OnPiece = (piece: string, tool: string) => void;

/**
 * Assembles the tool calls of chat completions. In a stream a call arrives in pieces with an index. Services
 * that deviate from OpenAI omit indexes or ids, reuse an index for several calls, or send the name later.
 */
export class StreamedCalls {
  private readonly calls: OpenCall[] = [];

  constructor(private readonly onPiece: OnPiece) {}

  /**
   * Adds a call or a piece of one.
   * @throws LlmError if there are too many calls
   */
  add(value: unknown): void {
    if (!isJsonObject(value)) return;
    const called = isJsonObject(value['function']) ? value['function'] : {};
    const { name } = called;
    // A blank name does not start a call.
    const isBlank = typeof name === 'string' && name.trim() === '';
    const piece = {
      id: nonBlank(value['id']),
      index: typeof value['index'] === 'number' ? value['index'] : undefined,
      name: nonBlank(name),
      arguments: argumentsText(called['arguments']),
      signature: thoughtSignature(value),
    };
    const known = this.callOf(piece);
    if (known) this.continueCall(known, piece);
    else if (!isBlank) this.startCall(piece);
  }

  /** The assembled calls. @throws EmptyAnswerError for a call without a name */
  finish(): ToolCall[] {
    return this.inOrder().map(({ id, name, arguments: input, signature }) => {
      if (name === undefined) throw new EmptyAnswerError('The answer has a tool call without a name.');
      return {
        type: 'tool-call',
        toolCallId: id ?? `call_${randomUUID()}`,
        toolName: name,
        input,
        ...(signature !== undefined && { providerMetadata: { chat: { thoughtSignature: signature } } }),
      };
    });
  }

  /** Sorted by index if all have one, because pieces may be interleaved. */
  private inOrder(): OpenCall[] {
    const { calls } = this;
    if (calls.some(({ index }) => index === undefined)) return calls;
    return calls.toSorted((one, other) => (one.index ?? 0) - (other.index ?? 0));
  }

  /** The call that a piece belongs to; undefined if it starts a new one. */
  private callOf(piece: Piece): OpenCall | undefined {
    const { id, index, name } = piece;
    const fits = (call: OpenCall): boolean =>
      name === undefined || call.name === undefined || call.name === name;
    const same = this.calls.filter(
      (call) =>
        fits(call) &&
        (index !== undefined && call.index !== undefined
          ? call.index === index
          : id !== undefined && call.id === id),
    );
    if (name !== undefined && /^\s*[{[]/.test(piece.arguments)) {
      // A piece that starts with a bracket continues only a call whose arguments are incomplete.
      return same.findLast(
        (call) => (id === undefined || call.id === id) && !call.progress.isComplete(() => call.arguments),
      );
    }
    if (same.length > 0) return same.findLast((call) => call.id === id) ?? same.at(-1);
    // Without id, index and name it can only belong to the last call.
    return index === undefined && id === undefined && name === undefined ? this.calls.at(-1) : undefined;
  }

  private startCall(piece: Piece): void {
    if (this.calls.length >= MAX_CALLS) throw tooManyCalls();
    const progress = new JsonProgress();
    progress.add(piece.arguments);
    this.calls.push({ ...piece, progress });
    if (piece.name !== undefined && piece.arguments !== '') this.onPiece(piece.arguments, piece.name);
  }

  private continueCall(call: OpenCall, piece: Piece): void {
    const wasNameless = call.name === undefined;
    call.id ??= piece.id;
    call.index ??= piece.index;
    call.name ??= piece.name;
    call.signature ??= piece.signature;
    call.arguments += piece.arguments;
    call.progress.add(piece.arguments);
    const told = wasNameless ? call.arguments : piece.arguments;
    if (call.name !== undefined && told !== '') this.onPiece(told, call.name);
  }
}

function nonBlank(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}

/** Some services send arguments as an object instead of text. */
function argumentsText(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value);
  } catch (error) {
    // Nested too deeply for the stack. The result is not JSON, which is reported to the model.
    if (error instanceof RangeError) return '(arguments nested too deeply)';
    throw error;
  }
}

/** Google's signature in OpenAI's protocol (https://ai.google.dev/gemini-api/docs/thought-signatures). */
function thoughtSignature({ extra_content: extra }: JsonObject): string | undefined {
  const google = isJsonObject(extra) ? extra['google'] : undefined;
  return isJsonObject(google) ? nonBlank(google['thought_signature']) : undefined;
}
