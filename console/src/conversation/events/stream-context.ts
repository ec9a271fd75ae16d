import { signal, type ReadonlySignal, type Signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { RunningOutput } from '../stream/running-outputs.js';
import type { WireEvent } from '../stream/wire-event.js';

/** What the pieces of a stream share. */
export interface StreamContext {
  /** Time of an event in UTC. */
  timeOf: (event: Pick<WireEvent, 'timestamp'>) => string;
  /** What calls without a result do: run, wait for approval, or nothing because the run has ended. */
  openCalls: ReadonlySignal<'running' | 'waiting' | 'none'>;
  /** What running commands have printed so far, by their action. */
  outputs: ReadonlySignal<ReadonlyMap<string, RunningOutput>>;
  /** The folder in which the agent works. */
  workingDir: ReadonlySignal<string>;
  /** What a person has folded or unfolded, by the name of the part. */
  folds: Map<string, Signal<boolean | null>>;
  /** Whether events that are not on the active branch are shown. */
  showsOffBranch: Signal<boolean>;
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
  openCalls: signal('none'),
  outputs: signal(new Map()),
  workingDir: signal(''),
  folds: new Map(),
  showsOffBranch: signal(false),
  menu: signal(null),
  raw: signal(null),
  addressOf: () => '',
  onFork: undefined,
});

/** Whether a part is unfolded. What a person chooses is remembered while the conversation is open. */
export function useFold(name: string, isOpenFirst: boolean): { isOpen: boolean; toggle: () => void } {
  const { folds } = useContext(Stream);
  let chosen = folds.get(name);
  if (chosen === undefined) {
    chosen = signal(null);
    folds.set(name, chosen);
  }
  const fold = chosen;
  const isOpen = fold.value ?? isOpenFirst;
  return {
    isOpen,
    toggle: () => {
      fold.value = !isOpen;
    },
  };
}
