import { recordAt, textAt } from '../stream/wire-event.js';
import type { CallItem } from '../stream/stream-items.js';
import { Images } from './image.js';
import { ResultText } from './result-text.js';

/** What a browser showed to the agent. */
export function Browser({ item }: { item: CallItem }) {
  const screenshot = textAt(recordAt(item.result, 'observation'), 'screenshot_data');
  return (
    <>
      {screenshot !== '' && (
        <Images
          urls={[screenshot.startsWith('data:') ? screenshot : `data:image/png;base64,${screenshot}`]}
        />
      )}
      <ResultText item={item} />
    </>
  );
}
