import { render } from 'preact';
import { followLinks, viewPath } from './routing/address.js';
import { lazyView } from './routing/lazy-view.js';
import { App } from './shell/app.js';
import { applyTheme } from './shell/theme.js';
import { ErrorBoundary } from './ui/error-boundary.js';
import { listenForKeys } from './ui/shortcuts.js';

/** Of people with a share link, who have no key. */
const Shared = lazyView(async () => (await import('./shared/shared-view.js')).SharedView);

applyTheme();
followLinks();
listenForKeys();
const root = document.getElementById('console');
if (root !== null)
  render(
    <ErrorBoundary name="The console" attempt="">
      {viewPath.peek().startsWith('shared/') ? <Shared /> : <App />}
    </ErrorBoundary>,
    root,
  );
