import { isLarge } from '../../flow/index.js';
import { type AnswerSource, streamJsonArray } from '../../http/index.js';

const START = Buffer.from('[');
const END = Buffer.from(']');
const COMMA = Buffer.from(',');
const NULL = Buffer.from('null');
const PAGE_START = Buffer.from('{"items":[');

/** A page of pre-serialised items. */
export interface JsonPage {
  /** Items, separated by commas. */
  items: Buffer;
  /** Further items of a large page, read on demand. Each chunk has the form of `items`. */
  rest?: AsyncGenerator<Buffer, void>;
  nextPageId: string | null;
}

/** Serialises a page. A large one with a rest is streamed. */
export function pageJson({ items, rest, nextPageId }: JsonPage): AnswerSource | Buffer {
  const end = Buffer.from(`],"next_page_id":${JSON.stringify(nextPageId)}}`);
  return rest ? streamPage(items, rest, end) : Buffer.concat([PAGE_START, items, end]);
}

async function* streamPage(items: Buffer, rest: AsyncGenerator<Buffer, void>, end: Buffer): AnswerSource {
  yield PAGE_START;
  yield items;
  for await (const more of rest) {
    yield COMMA;
    yield more;
  }
  yield end;
}

/** Serialises a list. Large lists are streamed: the same item may occur many times. */
export function listJson(items: readonly (Buffer | null)[]): AnswerSource | Buffer {
  if (isLarge(items.reduce((size, item) => size + (item?.length ?? 0), 0)))
    return streamJsonArray(items.map((item) => item ?? NULL));
  return Buffer.concat([START, joinItems(items), END]);
}

/** Concatenates items, separated by commas. */
export function joinItems(items: readonly (Buffer | null)[]): Buffer {
  return Buffer.concat(
    items.flatMap((item, index) => (index === 0 ? [item ?? NULL] : [COMMA, item ?? NULL])),
  );
}
