import { useEffect } from 'preact/hooks';
import { watchCurrentKey } from '../api/current-key.js';
import { viewPath } from '../routing/address.js';
import { Toasts } from '../ui/toast.js';
import { loadServerInfo } from './server-info.js';
import { provokeKeyQuestion } from './forgotten-key.js';
import { ErrorBoundary } from '../ui/error-boundary.js';
import { ConnectionBanner } from './connection-banner.js';
import { initState, watchInitState } from './server-state.js';
import { reportErrors } from './report-errors.js';
import { ViewFocus } from './view-focus.js';
import { WaitingForInit } from './waiting-for-init.js';
import { KeyDialog } from './key-dialog.js';
import { Palette } from './palette.js';
import { ShortcutList } from './shortcut-list.js';
import { Sidebar } from './sidebar.js';
import { viewOf } from './views.js';

/** What people wait for comes first. */
const COLLECT_AFTER_MS = 5_000;

/** The frame around all views. */
export function App() {
  useEffect(() => {
    // Begins here, so that the view "Server" has something to show when it is opened.
    let timer: ReturnType<typeof setTimeout> | undefined;
    const beginLater = (): void => {
      timer = setTimeout(() => {
        // While the server is away its code is, too.
        import('../api/metrics/load-history.js').then(({ collectLoad }) => collectLoad(), beginLater);
      }, COLLECT_AFTER_MS);
    };
    beginLater();
    return () => clearTimeout(timer);
  }, []);
  useEffect(() => {
    void loadServerInfo();
    watchInitState();
    watchCurrentKey();
    reportErrors();
    return provokeKeyQuestion();
  }, []);
  const { View, name } = viewOf(viewPath.value);
  return (
    <>
      <a class="skip-link" href="#view">
        Skip to content
      </a>
      <Sidebar current={name} />
      <ConnectionBanner />
      <div class="stage">
        <main id="view" tabIndex={-1}>
          {initState.value.isWaiting ? (
            <WaitingForInit />
          ) : (
            <ErrorBoundary key={name} name="This view" attempt={viewPath.value}>
              <View path={viewPath.value} />
            </ErrorBoundary>
          )}
        </main>
      </div>
      <ViewFocus />
      <KeyDialog />
      <Palette />
      <ShortcutList />
      <Toasts />
    </>
  );
}
