import { lazyView } from '../../routing/lazy-view.js';
import type { DiffProps } from '../diff/diff-view.js';
import { recordAt, textAt } from '../stream/wire-event.js';
import { isFailed, type CallItem } from '../stream/stream-items.js';
import { visible } from '../../ui/safe-text.js';
import { Output } from './output.js';
import { ResultText } from './result-text.js';

const DiffView = lazyView<DiffProps>(async () => (await import('../diff/diff-view.js')).DiffView);

/** A change of a file: before and after, side by side. */
export function FileEdit({ item }: { item: CallItem }) {
  const action = recordAt(item.action, 'action');
  const observation = recordAt(item.result, 'observation');
  const patch = textAt(action, 'patch');
  const hasFailed = item.result !== undefined && isFailed(item.result);
  return (
    <>
      {patch === '' ? <Change action={action} observation={observation} /> : <Patch text={patch} />}
      {hasFailed && <ResultText item={item} />}
    </>
  );
}

type Fields = Record<string, unknown> | undefined;

function Change({ action, observation }: { action: Fields; observation: Fields }) {
  const after = textAt(observation, 'new_content');
  if (after !== '' || textAt(observation, 'old_content') !== '') {
    return <DiffView before={textAt(observation, 'old_content')} after={after} />;
  }
  // The call has no result yet, or it has failed: what it was meant to do.
  const before = textAt(action, 'old_str') || textAt(action, 'old_string');
  const planned =
    textAt(action, 'new_str') ||
    textAt(action, 'new_string') ||
    textAt(action, 'file_text') ||
    textAt(action, 'content');
  return before === '' && planned === '' ? null : <DiffView before={before} after={planned} />;
}

function Patch({ text }: { text: string }) {
  return <Output text={text} lines={24} name="changes.patch" render={showPatch} />;
}

function showPatch(part: string) {
  return part.split('\n').map((line, index) => (
    <span key={index} class={`patch-line ${kindOf(line)}`}>
      {visible(line)}
      {'\n'}
    </span>
  ));
}

function kindOf(line: string): string {
  if (line.startsWith('+')) return 'added';
  if (line.startsWith('-')) return 'removed';
  return line.startsWith('***') || line.startsWith('@@') ? 'place' : '';
}
