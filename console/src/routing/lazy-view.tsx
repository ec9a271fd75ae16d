import { useSignal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';
import { fetchPath } from '../api/client.js';
import { reachability } from '../api/reachability.js';
import { Loading } from '../ui/loading.js';
import { Problem } from '../ui/problem.js';

/** A component whose code is loaded when it is first shown, and again when a server that was away is back. */
export function lazyView<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
): ComponentType<Props> {
  let loaded: ComponentType<Props> | undefined;
  return function LazyView(props: Props) {
    const state = useSignal<'loading' | 'ready' | 'away' | 'failed'>(
      loaded === undefined ? 'loading' : 'ready',
    );
    const fetchCode = (): void => {
      state.value = 'loading';
      load().then(
        (component) => {
          loaded = component;
          state.value = 'ready';
        },
        async () => {
          state.value = (await isAway()) ? 'away' : 'failed';
        },
      );
    };
    const isBack = state.value === 'away' && reachability.value === 'reached';
    useEffect(() => {
      if (loaded === undefined && state.peek() !== 'failed') fetchCode();
    }, [isBack]);
    if (state.value === 'away') return <Loading label="Waiting for the server" />;
    if (state.value === 'failed') {
      return (
        <Problem
          title="This part of the console could not be loaded"
          detail="Perhaps a newer version of the server has been started. Reload the page."
          action={{ label: 'Reload', run: () => location.reload() }}
        />
      );
    }
    const View = loaded;
    return state.value === 'ready' && View !== undefined ? <View {...props} /> : <Loading />;
  };
}

async function isAway(): Promise<boolean> {
  try {
    await fetchPath('server_info');
    return false;
  } catch {
    return true;
  }
}
