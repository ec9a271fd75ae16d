import { render } from 'preact';
import { followLinks } from './routing/address.js';
import { App } from './shell/app.js';
import { applyTheme } from './shell/theme.js';
import { ErrorBoundary } from './ui/error-boundary.js';
import { listenForKeys } from './ui/shortcuts.js';

applyTheme();
followLinks();
listenForKeys();
const root = document.getElementById('console');
if (root !== null)
  render(
    <ErrorBoundary name="The console" attempt="">
      <App />
    </ErrorBoundary>,
    root,
  );
