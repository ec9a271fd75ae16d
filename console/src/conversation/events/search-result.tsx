import { visible } from '../../ui/safe-text.js';
import { listAt, recordAt, textAt } from '../stream/wire-event.js';
import { isFailed, type CallItem } from '../stream/stream-items.js';
import { Output } from './output.js';
import { ResultText } from './result-text.js';

/** What a search for texts or files has found. */
export function SearchResult({ item }: { item: CallItem }) {
  const observation = recordAt(item.result, 'observation');
  const found = [...listAt(observation, 'matches'), ...listAt(observation, 'files')].filter(
    (path): path is string => typeof path === 'string',
  );
  if (item.result === undefined || isFailed(item.result) || found.length === 0)
    return <ResultText item={item} />;
  const folder = textAt(observation, 'search_path');
  return (
    <>
      {folder !== '' && (
        <p class="note">
          {found.length.toLocaleString()} in {visible(folder.slice(0, 300))}
          {observation?.['truncated'] === true && ', and more'}
        </p>
      )}
      <Output text={found.map((path) => relative(path, folder)).join('\n')} name="found.txt" />
    </>
  );
}

function relative(path: string, folder: string): string {
  return folder !== '' && path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path;
}
