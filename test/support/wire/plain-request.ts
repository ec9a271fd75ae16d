import type { Json, WireRequest } from './wire-protocol.js';

/** Headers that are compared; those of the HTTP client itself are not. */
const COMPARED_HEADERS =
  /^(authorization|api-key|x-api-key|x-goog-api-key|http-referer|x-title|x-litellm-session-id|anthropic-(beta|version))$/;

/**
 * A request in a form that can be compared between runs and servers: the folder, the conversation and texts
 * of the server itself (system prompt, descriptions, results of tools) are replaced by placeholders.
 */
export function plainRequest(request: WireRequest, folder: string, conversation: string): Json {
  const { method, path, headers, body } = request;
  const named = JSON.stringify(plain(body))
    .replaceAll(folder, '/folder')
    .replaceAll(conversation, '<conversation>');
  const compared = Object.entries(headers).filter(([name]) => COMPARED_HEADERS.test(name));
  return {
    method,
    path,
    headers: Object.fromEntries(
      compared.map(([name, value]) => [name, String(value).replace(conversation, '<conversation>')]),
    ),
    body: JSON.parse(named) as unknown,
  };
}

const RESULT =
  /^(SUFFIX\n|.*\[(Current working directory|The command completed)|File created|Image file|Here's the result|The file .* has been edited|Tool 'no_such_tool'|Your thought|\[An error occurred)/s;

function plain(value: unknown, key = ''): unknown {
  if (typeof value === 'string') return plainText(value, key);
  if (Array.isArray(value)) return value.map((item) => plain(item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field, name)]));
}

function plainText(text: string, key: string): string {
  if (key === 'description') return '<description>';
  if (text.startsWith('<SOUL>')) return text.includes('SUFFIX') ? '<static and dynamic>' : '<static>';
  if (text.startsWith('SUFFIX')) return '<dynamic>';
  return RESULT.test(text) ? '<result>' : text;
}
