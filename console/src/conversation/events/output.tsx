import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { Button } from '../../ui/button.js';
import { bytes } from '../../ui/numbers.js';
import { visible } from '../../ui/safe-text.js';
import { saveFile } from '../../ui/save-file.js';
import { excerpt } from './long-text.js';

/** What is shown before somebody asks for more. */
const FEW_LINES = 12;
const FEW_CHARACTERS = 4_000;
/** What each further click adds at most. */
const MORE_CHARACTERS = 60_000;
const MORE_LINES = 2_000;

/** A long text: a few lines of it, then more when asked. Nothing of it is interpreted. */
export function Output({
  text,
  side = 'start',
  lines = FEW_LINES,
  render = (part) => visible(part),
  name = 'output.txt',
  isProse = false,
}: {
  text: string;
  /** Which lines matter most. */
  side?: 'start' | 'end';
  lines?: number;
  render?: (part: string) => ComponentChildren;
  name?: string;
  /** In the type of prose, not of code. */
  isProse?: boolean;
}) {
  const steps = useSignal(0);
  const isFew = steps.value === 0;
  const {
    text: shown,
    hiddenLines,
    hiddenCharacters,
  } = excerpt(
    text,
    isFew ? lines : MORE_LINES * steps.value,
    isFew ? FEW_CHARACTERS : MORE_CHARACTERS * steps.value,
    side,
  );
  const more = hiddenCharacters > 0 && (
    <div class="output-more">
      <Button kind="quiet" onClick={() => (steps.value += 1)}>
        {isFew && text.length <= MORE_CHARACTERS ? 'Show all' : 'Show more'} (
        {hiddenLines > 0 ? `${hiddenLines.toLocaleString()} lines` : bytes(hiddenCharacters)})
      </Button>
      {text.length > MORE_CHARACTERS && (
        <Button kind="quiet" onClick={() => saveFile(new Blob([text], { type: 'text/plain' }), name)}>
          Save as a file ({bytes(text.length)})
        </Button>
      )}
    </div>
  );
  return (
    <>
      {side === 'end' && more}
      <pre class={isProse ? 'output prose' : 'output'}>{render(shown)}</pre>
      {side === 'start' && more}
    </>
  );
}
