import { useSignal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';
import { Loading } from '../ui/loading.js';
import { Problem } from '../ui/problem.js';

/** A component whose code is loaded when it is first shown. */
export function lazyView<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
): ComponentType<Props> {
  let loaded: ComponentType<Props> | undefined;
  return function LazyView(props: Props) {
    const state = useSignal<'loading' | 'ready' | 'failed'>(loaded === undefined ? 'loading' : 'ready');
    const fetchCode = (): void => {
      state.value = 'loading';
      load().then(
        (component) => {
          loaded = component;
          state.value = 'ready';
        },
        () => {
          state.value = 'failed';
        },
      );
    };
    useEffect(() => {
      if (loaded === undefined) fetchCode();
    }, []);
    if (state.value === 'failed') {
      return (
        <Problem
          title="This part of the console could not be loaded"
          detail="The server may be away, or a newer version of it has been started. Reload the page."
          action={{ label: 'Reload', run: () => location.reload() }}
        />
      );
    }
    const View = loaded;
    return state.value === 'ready' && View !== undefined ? <View {...props} /> : <Loading />;
  };
}
