import { inSlices } from '../flow/index.js';
import { joinInParts } from '../text/index.js';

const START = Buffer.from('[');
const END = Buffer.from(']');
const COMMA = Buffer.from(',');
const NULL = Buffer.from('null');
const PAGE_START = Buffer.from('{"items":[');

/** A page of what is there as JSON already. */
export interface JsonPage {
  /** With commas between them. */
  items: Buffer;
  nextPageId: string | null;
}

/** A page as the wire has it; a large one is put together in slices. */
export function pageJson({ items, nextPageId }: JsonPage): Promise<Buffer> {
  const end = Buffer.from(`],"next_page_id":${JSON.stringify(nextPageId)}}`);
  return inSlices(joinInParts([PAGE_START, items, end]));
}

/** A list as the wire has it. */
export function listJson(items: readonly (Buffer | null)[]): Buffer {
  return Buffer.concat([START, joined(items), END]);
}

/** With commas between them. */
export function joined(items: readonly (Buffer | null)[]): Buffer {
  return Buffer.concat(
    items.flatMap((item, index) => (index === 0 ? [item ?? NULL] : [COMMA, item ?? NULL])),
  );
}
