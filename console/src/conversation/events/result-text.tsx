import { contentImages, contentText, textAt } from '../stream/wire-event.js';
import { isFailed, observationContent, type CallItem } from '../stream/stream-items.js';
import { Images } from './image.js';
import { JsonTree } from './json-tree.js';
import { Output } from './output.js';

const MAX_JSON = 200_000;

/** The result of a call as text: its content, the error, or why it was refused. */
export function ResultText({ item, lines }: { item: CallItem; lines?: number }) {
  const { result } = item;
  if (result === undefined) return null;
  const content = observationContent(result);
  const text = textAt(result, 'error') || textAt(result, 'rejection_reason') || contentText(content);
  const json = readJson(text);
  return (
    <div class={isFailed(result) ? 'result failed' : 'result'}>
      {json === undefined ? (
        text !== '' && <Output text={text} lines={lines} name="result.txt" />
      ) : (
        <JsonTree value={json} />
      )}
      <Images urls={contentImages(content)} />
    </div>
  );
}

/** The value of a text that is JSON; undefined for other texts. */
export function readJson(text: string): unknown {
  if (text.length > MAX_JSON || !/^\s*[[{]/.test(text.slice(0, 100))) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}
