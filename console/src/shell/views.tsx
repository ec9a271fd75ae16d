import type { ComponentType } from 'preact';
import { lazyView } from '../routing/lazy-view.js';
import { EmptyState } from '../ui/empty-state.js';

/** What a view is given: its path below the console. */
export interface ViewProps {
  path: string;
}

/** A view of the console, and the entry of the navigation that it belongs to. */
interface View {
  name: 'home' | 'conversation' | 'new' | 'automations' | 'server' | 'settings' | 'terminals' | 'unknown';
  View: ComponentType<ViewProps>;
}

const home = lazyView<ViewProps>(async () => (await import('../home/home-view.js')).HomeView);
const conversation = lazyView<ViewProps>(
  async () => (await import('../conversation/conversation-view.js')).ConversationView,
);
const newConversation = lazyView<ViewProps>(
  async () => (await import('../new/new-conversation-view.js')).NewConversationView,
);
const automations = lazyView<ViewProps>(
  async () => (await import('../automations/automations-view.js')).AutomationsView,
);
const server = lazyView<ViewProps>(async () => (await import('../server/server-view.js')).ServerView);
const settings = lazyView<ViewProps>(async () => (await import('../settings/settings-view.js')).SettingsView);
const terminals = lazyView<ViewProps>(
  async () => (await import('../terminals/terminals-view.js')).TerminalsView,
);

/** The view of a path. */
export function viewOf(path: string): View {
  const [first = ''] = path.split('/');
  if (first === '') return { name: 'home', View: home };
  if (first === 'conversations') return { name: 'conversation', View: conversation };
  if (first === 'new') return { name: 'new', View: newConversation };
  if (first === 'automations') return { name: 'automations', View: automations };
  if (first === 'server') return { name: 'server', View: server };
  if (first === 'settings') return { name: 'settings', View: settings };
  if (first === 'terminals') return { name: 'terminals', View: terminals };
  return { name: 'unknown', View: UnknownView };
}

function UnknownView({ path }: ViewProps) {
  return (
    <EmptyState title="There is no such page">
      <p>
        The console has nothing at <code>{path}</code>. <a href="./">All conversations</a>
      </p>
    </EmptyState>
  );
}
