import { createHash } from 'node:crypto';
import { z } from 'zod';
import {
  numberedCalls,
  pieces,
  tokens,
  type Answering,
  type Json,
  type Refusal,
  type WireProtocol,
  type WireRequest,
} from './wire-protocol.js';

/**
 * Google's generateContent (https://ai.google.dev/api/generate-content,
 * `.../gemini-api/docs/function-calling` and `.../thought-signatures`), with the paths of AI Studio: complete
 * answers as frames of a stream with CRLF, undivided calls, a signature on the first call of an answer.
 * Requests that the service would refuse are refused. `extra.blocked` is the reason why a prompt gets no
 * answer.
 */
export const generateContent: WireProtocol = {
  streams: ({ path }) => path.includes(':streamGenerateContent'),
  refuse: (request) =>
    refuseContent(request, /^\/v1beta\/models\/([^/:]+):(generateContent|streamGenerateContent)/),
  whole: (answering) => wholeAnswer(answering),
  stream: (answering) => ({
    contentType: 'text/event-stream',
    frames: streamAnswers(answering).map((answer) => `data: ${JSON.stringify(answer)}\r\n\r\n`),
  }),
};

/** An error in the format of the service. */
export function googleError(code: number, status: string, message: string, details: Json[] = []): Json {
  return { error: { code, message, status, ...(details.length > 0 && { details }) } };
}

/** The signature of Gemini for a call. */
export function geminiSignature(name: string, args: unknown): string {
  return `CiQB${createHash('sha256')
    .update(`gemini ${name} ${JSON.stringify(args)}`)
    .digest('base64')}`;
}

const FINISH: Readonly<Record<string, string>> = { length: 'MAX_TOKENS', content_filter: 'SAFETY' };

function wholeAnswer(answering: Answering): Json {
  if (blocked(answering)) return blockedAnswer(answering);
  return chunk(answering, [...textParts(answering), ...callParts(answering)], true);
}

function streamAnswers(answering: Answering): Json[] {
  if (blocked(answering)) return [blockedAnswer(answering)];
  const { reasoning = '', text = '' } = answering.turn;
  return [
    ...pieces(reasoning).map((piece) => chunk(answering, [{ text: piece, thought: true }], false)),
    ...pieces(text).map((piece) => chunk(answering, [{ text: piece }], false)),
    ...callParts(answering).map((part) => chunk(answering, [part], false)),
    chunk(answering, [{ text: '' }], true),
  ];
}

function blocked({ turn }: Answering): boolean {
  return turn.extra?.['blocked'] !== undefined;
}

function blockedAnswer({ turn, request, number }: Answering): Json {
  return {
    promptFeedback: { blockReason: turn.extra?.['blocked'] },
    usageMetadata: { promptTokenCount: tokens(number).prompt, totalTokenCount: tokens(number).prompt },
    modelVersion: modelOf(request),
    responseId: `gem-${number}`,
  };
}

function chunk(answering: Answering, parts: Json[], last: boolean): Json {
  const { turn, request, number } = answering;
  const { prompt, cached, completion, reasoning } = tokens(number);
  const content = { parts, role: 'model' };
  const finishReason = FINISH[turn.stop ?? ''] ?? 'STOP';
  return {
    candidates: [{ content, ...(last && { finishReason }), index: 0 }],
    usageMetadata: {
      promptTokenCount: prompt,
      cachedContentTokenCount: cached,
      thoughtsTokenCount: reasoning,
      candidatesTokenCount: last ? completion - reasoning : 1,
      totalTokenCount: prompt + completion,
      promptTokensDetails: [{ modality: 'TEXT', tokenCount: prompt }],
    },
    modelVersion: modelOf(request),
    responseId: `gem-${number}`,
  };
}

function textParts({ turn }: Answering): Json[] {
  return [
    ...(turn.reasoning === undefined ? [] : [{ text: turn.reasoning, thought: true }]),
    ...(turn.text === undefined ? [] : [{ text: turn.text }]),
  ];
}

function callParts(answering: Answering): Json[] {
  return numberedCalls(answering).map(({ name, text }, index) => {
    const args: unknown = JSON.parse(text);
    const functionCall = { name, args };
    return index === 0 ? { functionCall, thoughtSignature: geminiSignature(name, args) } : { functionCall };
  });
}

function modelOf({ path }: WireRequest): string {
  return /models\/([^/:]+):/.exec(path)?.[1] ?? '';
}

const fields = z.record(z.string(), z.unknown());
const inlineData = z.strictObject({ mimeType: z.string().regex(/^\w+\/[\w.+-]+$/), data: z.base64() });
const part = z.union([
  z.strictObject({
    text: z.string().min(1),
    thought: z.boolean().optional(),
    thoughtSignature: z.string().optional(),
  }),
  z.strictObject({ inlineData }),
  z.strictObject({ fileData: z.strictObject({ mimeType: z.string(), fileUri: z.string() }) }),
  z.strictObject({
    functionCall: z.strictObject({ id: z.string().optional(), name: z.string(), args: fields }),
    thoughtSignature: z.string().optional(),
  }),
  z.strictObject({
    functionResponse: z.strictObject({
      id: z.string().optional(),
      name: z.string(),
      response: fields,
      parts: z.array(z.strictObject({ inlineData })).optional(),
    }),
  }),
]);
const contentRequest = z.strictObject({
  contents: z.array(z.strictObject({ role: z.enum(['user', 'model']), parts: z.array(part) })).min(1),
  systemInstruction: z
    .strictObject({ parts: z.array(z.strictObject({ text: z.string() })).min(1) })
    .optional(),
  tools: z
    .array(
      z.strictObject({
        functionDeclarations: z.array(
          z.strictObject({
            name: z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/),
            description: z.string(),
            parameters: fields.optional(),
          }),
        ),
      }),
    )
    .optional(),
  toolConfig: fields.optional(),
  generationConfig: z
    .strictObject({
      maxOutputTokens: z.int().optional(),
      temperature: z.number().optional(),
      topP: z.number().optional(),
      topK: z.number().optional(),
      stopSequences: z.array(z.string()).max(5).optional(),
      seed: z.int().optional(),
      thinkingConfig: z
        .strictObject({
          thinkingBudget: z.int().optional(),
          thinkingLevel: z.string().optional(),
          includeThoughts: z.boolean().optional(),
        })
        .optional(),
    })
    .optional(),
});
type ContentRequest = z.infer<typeof contentRequest>;
type Turn = ContentRequest['contents'][number];

/** @param path the paths of the service; its first group is the model */
function refuseContent(request: WireRequest, path: RegExp, needsKey = true): Refusal | undefined {
  const refusal = (code: number, status: string, message: string): Refusal => ({
    status: code,
    body: googleError(code, status, message),
  });
  const model = path.exec(request.path)?.[1];
  if (model === undefined) return refusal(404, 'NOT_FOUND', `no such path: ${request.path}`);
  if (needsKey && (request.headers['x-goog-api-key'] ?? '') === '')
    return refusal(403, 'PERMISSION_DENIED', "Method doesn't allow unregistered callers.");
  const fault = contentFault(request.body, model);
  return fault === undefined ? undefined : refusal(400, 'INVALID_ARGUMENT', fault);
}

/** The reason why the service would refuse a body; undefined if it is valid. */
export function contentFault(body: unknown, model: string): string | undefined {
  const parsed = contentRequest.safeParse(body);
  if (!parsed.success) return `Invalid JSON payload received. ${z.prettifyError(parsed.error)}`;
  const { contents } = parsed.data;
  for (const [index, content] of contents.entries()) {
    if (content.parts.length === 0)
      return `* GenerateContentRequest.contents[${index}].parts: contents.parts must not be empty.`;
    const fault = turnFault(contents, index) ?? signatureFault(contents, index, model);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function callsOf(turn: Turn | undefined) {
  return (turn?.parts ?? []).flatMap((piece) => ('functionCall' in piece ? [piece] : []));
}

function responsesOf(turn: Turn | undefined): string[] {
  return (turn?.parts ?? []).flatMap((piece) =>
    'functionResponse' in piece ? [piece.functionResponse.name] : [],
  );
}

function turnFault(contents: readonly Turn[], index: number): string | undefined {
  const turn = contents[index];
  const calls = callsOf(turn);
  const names = calls.map(({ functionCall }) => functionCall.name);
  if (calls.length > 0 && contents[index - 1]?.role !== 'user') {
    return 'Please ensure that function call turn comes immediately after a user turn or after a function response turn.';
  }
  const count =
    'Please ensure that the number of function response parts is equal to the number of function call parts of the ' +
    'function call turn.';
  if (calls.length > 0 && responsesOf(contents[index + 1]).join() !== names.join()) return count;
  if (responsesOf(turn).length > 0 && callsOf(contents[index - 1]).length === 0)
    return 'Please ensure that function response turn comes immediately after a function call turn.';
  return undefined;
}

/**
 * A signature has to match its call. Gemini 3 requires one, or its placeholder, on the first call of each
 * step.
 */
function signatureFault(contents: readonly Turn[], index: number, model: string): string | undefined {
  const [first, ...others] = callsOf(contents[index]);
  if (!first) return undefined;
  const signatures = [first, ...others].map(({ functionCall: { name, args }, thoughtSignature }) => ({
    thoughtSignature,
    genuine:
      thoughtSignature === undefined ||
      thoughtSignature === geminiSignature(name, args) ||
      (thoughtSignature === 'skip_thought_signature_validator' && model.startsWith('gemini-3')),
  }));
  if (signatures.some(({ genuine }) => !genuine)) return 'Thought signature is not valid.';
  if (model.startsWith('gemini-3') && first.thoughtSignature === undefined) {
    return (
      'Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, ' +
      `and missing thought_signature may lead to degraded model performance. function call \`default_api:${first.functionCall.name}\`.`
    );
  }
  return undefined;
}
