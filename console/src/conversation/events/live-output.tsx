import { useSignal } from '@preact/signals';
import { useContext, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { Button } from '../../ui/button.js';
import { bytes } from '../../ui/numbers.js';
import type { RunningOutput } from '../stream/running-outputs.js';
import { coloured } from './coloured.js';
import { Stream } from './stream-context.js';

/** Closer to the end than this (px), the end is followed. */
const END_DISTANCE = 16;

/**
 * The end of what a running command prints. It follows the output until a person scrolls up: then it stays as
 * it is until they scroll to its end.
 */
export function LiveOutput({ actionId }: { actionId: string }) {
  const latest = useContext(Stream).outputs.value.get(actionId);
  const kept = useSignal<RunningOutput | null>(null);
  const box = useRef<HTMLPreElement>(null);
  const { text = '', leftOut = 0 } = kept.value ?? latest ?? {};
  const shown = useMemo(() => coloured(text), [text]);
  const isFollowing = kept.value === null;
  useLayoutEffect(() => {
    if (isFollowing && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [text, isFollowing]);
  if (text === '') return null;
  const follow = (): void => {
    kept.value = null;
  };
  const scrolled = ({ currentTarget }: { currentTarget: HTMLElement }): void => {
    const { scrollTop, scrollHeight, clientHeight } = currentTarget;
    if (scrollHeight - scrollTop - clientHeight <= END_DISTANCE) follow();
    else kept.value ??= latest ?? null;
  };
  return (
    <div class="live-output">
      {leftOut > 0 && <p class="note">The last part. Before it: {bytes(leftOut)}</p>}
      <pre ref={box} class="output" tabIndex={0} role="group" aria-label="Output so far" onScroll={scrolled}>
        {shown}
      </pre>
      {!isFollowing && latest !== undefined && latest.text !== text && (
        <Button kind="plain" onClick={follow}>
          Follow the output
        </Button>
      )}
    </div>
  );
}
