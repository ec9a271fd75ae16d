import { signal, type Signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { messageOf } from '../../api/api-error.js';
import { api, call } from '../../api/client.js';
import { LiveSocket } from '../../api/live-socket.js';
import { navigate, setQuery, viewQuery } from '../../routing/address.js';
import type { ViewProps } from '../../shell/views.js';
import { Loading } from '../../ui/loading.js';
import { PageHeader } from '../../ui/page-header.js';
import { Problem } from '../../ui/problem.js';
import { Status } from '../../ui/status.js';
import { INSIGHT_PANELS } from './index.js';
import type { InsightInfo } from './insight-props.js';

const REFRESH_MS = 500;

type Info = InsightInfo | null;

/** The panels about what a conversation did, on a page of their own: `insight/<id>?panel=<panel>`. */
export function InsightView({ path }: ViewProps) {
  const id = path.split('/')[1] ?? '';
  const follower = useMemo(() => new InfoFollower(id), [id]);
  useEffect(() => {
    follower.open();
    return () => follower.close();
  }, [follower]);
  const info = follower.info.value;
  const problem = follower.problem.value;
  const chosen =
    INSIGHT_PANELS.find((panel) => panel.id === viewQuery.value.get('panel')) ?? INSIGHT_PANELS[0];
  if (info === null && problem !== null) {
    return (
      <Problem
        title="The conversation cannot be read"
        detail={problem}
        action={{ label: 'Try again', run: () => void follower.read() }}
      />
    );
  }
  if (info === null || chosen === undefined) return <Loading />;
  const { View } = chosen;
  return (
    <>
      <PageHeader title={info.title ?? 'Conversation'}>
        <Status status={info.execution_status} />
        <a href={`conversations/${id}`}>Open the conversation</a>
      </PageHeader>
      <Tabs chosen={chosen.id} />
      <div
        class="page-body insight-page"
        role="tabpanel"
        id="insight-panel"
        aria-labelledby={`insight-tab-${chosen.id}`}
      >
        <View
          conversationId={id}
          info={follower.info}
          onShowEvent={(eventId) => navigate(`conversations/${id}?event=${encodeURIComponent(eventId)}`)}
        />
      </div>
    </>
  );
}

function Tabs({ chosen }: { chosen: string }) {
  const move = (from: number, by: number): void => {
    const next = INSIGHT_PANELS[(from + by + INSIGHT_PANELS.length) % INSIGHT_PANELS.length];
    if (next === undefined) return;
    setQuery({ panel: next.id });
    document.getElementById(`insight-tab-${next.id}`)?.focus();
  };
  return (
    <div class="insight-tabs" role="tablist" aria-label="About this conversation">
      {INSIGHT_PANELS.map(({ id, label }, index) => (
        <button
          key={id}
          id={`insight-tab-${id}`}
          type="button"
          role="tab"
          aria-selected={id === chosen}
          aria-controls="insight-panel"
          tabIndex={id === chosen ? 0 : -1}
          onClick={() => setQuery({ panel: id })}
          onKeyDown={({ key }) => {
            if (key === 'ArrowRight') move(index, 1);
            if (key === 'ArrowLeft') move(index, -1);
          }}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

/** Reads a conversation again when its socket says that something has happened. */
class InfoFollower {
  readonly info: Signal<Info> = signal(null);
  readonly problem = signal<string | null>(null);
  private socket: LiveSocket | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly id: string) {}

  open(): void {
    void this.read();
    this.socket = new LiveSocket({
      path: () => `sockets/events/${this.id}`,
      onFrame: () => this.readSoon(),
      onOpen: () => this.readSoon(),
    });
  }

  close(): void {
    this.socket?.close();
    clearTimeout(this.timer);
  }

  async read(): Promise<void> {
    try {
      this.info.value = await call(
        api.GET('/api/conversations/{conversation_id}', { params: { path: { conversation_id: this.id } } }),
      );
      this.problem.value = null;
    } catch (error) {
      this.problem.value = messageOf(error);
    }
  }

  private readSoon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.read();
    }, REFRESH_MS);
  }
}
