import { api, call, fetchPath, type Schemas } from '../../../api/client.js';

export type TreePage = Schemas['TreePage'];
export type TreeEntry = Schemas['TreeEntry'];
export type FoundNames = Schemas['FoundNames'];
export type TextLines = Schemas['TextLines'];

/** A line that a search has found, or one around it. */
export interface FoundLine {
  type: 'match' | 'context';
  path: string;
  line: number | null;
  text: string | null;
  ranges: [number, number][];
}

/** The end of a search. */
export interface SearchEnd {
  type: 'end';
  matches: number;
  files: number;
  stopped: 'matches' | 'size' | 'time' | null;
}

const ENTRIES = 500;
const LINES = 1_000;
const MATCHES = 300;

/** A path below the working folder, as requests take it. */
function dotted(path: string): string {
  return `./${path}`;
}

/** A level of the tree. @throws ApiError */
export function readLevel(id: string, path: string, pageId: string | null): Promise<TreePage> {
  const query = { path: dotted(path), limit: ENTRIES, ...(pageId !== null && { page_id: pageId }) };
  return call(
    api.GET('/api/conversations/{runtime_conversation_id}/file/tree', {
      params: { path: { runtime_conversation_id: id }, query },
    }),
  );
}

/** Files by name, the best first. @throws ApiError */
export function findNames(id: string, query: string, signal: AbortSignal): Promise<FoundNames> {
  return call(
    api.GET('/api/conversations/{runtime_conversation_id}/file/search/names', {
      params: {
        path: { runtime_conversation_id: id },
        query: { path: './', query, limit: 50, hidden: true },
      },
      signal,
    }),
  );
}

/** Some lines of a text. @throws ApiError */
export function readLines(id: string, path: string, from: number, offset: number): Promise<TextLines> {
  const query = { path: dotted(path), from, offset, count: LINES };
  return call(
    api.GET('/api/conversations/{runtime_conversation_id}/file/lines', {
      params: { path: { runtime_conversation_id: id }, query },
    }),
  );
}

/** An image, or another file that is shown as a whole. @throws ApiError */
export async function readBlob(id: string, path: string): Promise<Blob> {
  const query = new URLSearchParams({ path: dotted(path) }).toString();
  return (await fetchPath(`api/conversations/${id}/file/view?${query}`)).blob();
}

/** Lines of files, as they are found. @throws ApiError */
export async function* findLines(
  id: string,
  options: { query: string; regex: boolean; case: string },
  signal: AbortSignal,
): AsyncGenerator<FoundLine | SearchEnd> {
  const query = new URLSearchParams({
    path: './',
    query: options.query,
    regex: String(options.regex),
    case: options.case,
    hidden: 'true',
    context: '1',
    limit: String(MATCHES),
  });
  const path = `api/conversations/${id}/file/search/content?${query.toString()}`;
  const { body } = await fetchPath(path, { signal });
  if (!body) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield JSON.parse(line) as FoundLine | SearchEnd;
  }
}
