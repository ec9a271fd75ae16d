import { useEffect } from 'preact/hooks';
import { viewPath } from '../routing/address.js';
import { Toasts } from '../ui/toast.js';
import { loadServerInfo } from './server-info.js';
import { ConnectionBanner } from './connection-banner.js';
import { KeyDialog } from './key-dialog.js';
import { Palette } from './palette.js';
import { ShortcutList } from './shortcut-list.js';
import { Sidebar } from './sidebar.js';
import { viewOf } from './views.js';

/** What people wait for comes first. */
const COLLECT_AFTER_MS = 5_000;

/** The frame around all views. */
export function App() {
  useEffect(() => void loadServerInfo(), []);
  useEffect(() => {
    // Begins here, so that the view "Server" has something to show when it is opened.
    const timer = setTimeout(() => {
      void import('../api/metrics/load-history.js').then(({ collectLoad }) => collectLoad());
    }, COLLECT_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  const { View, name } = viewOf(viewPath.value);
  return (
    <>
      <a class="skip-link" href="#view">
        Skip to content
      </a>
      <Sidebar current={name} />
      <div class="stage">
        <ConnectionBanner />
        <main id="view" tabIndex={-1}>
          <View path={viewPath.value} />
        </main>
      </div>
      <KeyDialog />
      <Palette />
      <ShortcutList />
      <Toasts />
    </>
  );
}
