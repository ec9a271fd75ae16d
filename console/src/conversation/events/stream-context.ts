import { signal, type Signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { WireEvent } from '../stream/wire-event.js';

/** What the pieces of a stream share. */
export interface StreamContext {
  /** Time of an event in UTC. */
  timeOf: (event: Pick<WireEvent, 'timestamp'>) => string;
  /** What a person has folded or unfolded, by the name of the part. */
  folds: Map<string, Signal<boolean>>;
  /** The event whose menu is open. */
  menu: Signal<string | null>;
  /** The event that is shown as JSON. */
  raw: Signal<readonly WireEvent[] | null>;
  /** The address of an event. */
  addressOf: (id: string) => string;
  onFork: ((event: WireEvent) => void) | undefined;
}

/** The context of the stream around a component. */
export const Stream = createContext<StreamContext>({
  timeOf: ({ timestamp }) => timestamp,
  folds: new Map(),
  menu: signal(null),
  raw: signal(null),
  addressOf: () => '',
  onFork: undefined,
});

/** Whether a part is unfolded: it is remembered while the conversation is open. */
export function useFold(name: string, isOpen: boolean): Signal<boolean> {
  const { folds } = useContext(Stream);
  let fold = folds.get(name);
  if (fold === undefined) {
    fold = signal(isOpen);
    folds.set(name, fold);
  }
  return fold;
}
