import { useEffect, useMemo } from 'preact/hooks';
import { loadHistory, loadProblem, watchLoad } from '../../api/metrics/load-history.js';
import { api, call } from '../../api/client.js';
import { useFetched } from '../../api/use-fetched.js';
import { SERVER_URL } from '../../routing/address.js';
import { loadServerInfo, serverInfo } from '../../shell/server-info.js';
import { Icon } from '../../ui/icon.js';
import { Loading } from '../../ui/loading.js';
import { bytes, compact } from '../../ui/numbers.js';
import { Problem } from '../../ui/problem.js';
import { duration, exactTime, useNow } from '../../ui/time.js';
import { Panel } from './panel.js';
import { Servers } from './servers.js';
import { momentsOf, PANELS, WEBHOOK_PANELS } from './panels.js';
import { Fact } from '../../ui/fact.js';

/** How the server is doing: facts, and the load of the last hour. */
export function Overview() {
  useEffect(() => watchLoad(), []);
  useEffect(() => void loadServerInfo(), []);
  const samples = loadHistory.value;
  const moments = useMemo(() => momentsOf(samples), [samples]);
  if (samples.length === 0) {
    if (loadProblem.value === undefined) return <Loading label="Reading the metrics" />;
    return <Problem title="The metrics could not be read" detail={loadProblem.value} />;
  }
  const last = samples.at(-1);
  const panels = typeof last?.webhookEvents !== 'number' ? PANELS : [...PANELS, ...WEBHOOK_PANELS];
  const seconds = (last?.at ?? 0) - (samples[0]?.at ?? 0);
  return (
    <div class="page-body server-overview">
      <Facts />
      <Servers />
      <p class="panel-note" role="status">
        {loadProblem.value !== undefined
          ? `The metrics cannot be read at the moment: ${loadProblem.value}`
          : seconds < 120
            ? 'This page collects while it is open and visible: leave it open, and the plots grow to an hour.'
            : `The last ${Math.round(seconds / 60)} min, collected by this page while it was open and visible.`}
      </p>
      <div class="panels">
        {panels.map((spec) => (
          <Panel key={spec.title} spec={spec} moments={moments} />
        ))}
      </div>
      <Links />
    </div>
  );
}

function Facts() {
  const now = useNow();
  const info = serverInfo.value;
  const last = loadHistory.value.at(-1);
  const startedAt = last?.startedAt ?? null;
  const disk = last?.diskFree ?? null;
  const diskSize = last?.diskSize ?? null;
  const isLow = disk !== null && diskSize !== null && disk < 0.05 * diskSize;
  return (
    <dl class="facts card">
      <Fact label="Server">{versionOf(info?.implementation)}</Fact>
      <Fact label="API" title="Version of the original whose API this server has">
        {info?.version ?? '…'}
      </Fact>
      <Fact label="Node.js">{/v[\d.]+/.exec(info?.python_version ?? '')?.[0].slice(1) ?? '…'}</Fact>
      <Fact
        label="Uptime"
        title={
          startedAt === null ? undefined : `Since ${exactTime(new Date(startedAt * 1000).toISOString())}`
        }
      >
        {startedAt === null ? '…' : uptime(now - startedAt * 1000)}
      </Fact>
      <Fact label="Conversations" title="Stored ones, and those that are open in the memory of the server">
        {typeof last?.conversations !== 'number'
          ? '…'
          : `${compact(last.conversations)}, ${last.openConversations ?? 0} open`}
      </Fact>
      <Fact label="Refused runs" title="Since the start, because the limit of concurrent runs was reached">
        {last?.runsRefused ?? '…'}
      </Fact>
      <Fact
        label="Disk free"
        title={diskSize === null ? undefined : `Of ${bytes(diskSize)}, where the conversations are stored`}
      >
        <span class={isLow ? 'is-bad' : undefined}>
          {disk === null ? '…' : bytes(disk)}
          {isLow && ' (low)'}
        </span>
      </Fact>
    </dl>
  );
}

function versionOf(implementation = ''): string {
  return /[\d.]+\S*$/.exec(implementation)?.[0] ?? '…';
}

/** Days and hours, then hours and minutes. */
function uptime(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return hours > 0 ? `${hours} h ${minutes % 60} min` : duration(Math.max(0, ms));
}

const LINKS = [
  ['docs', 'API document', 'All routes with examples to try'],
  ['openapi.json', 'openapi.json', 'The API document for programs'],
  ['guides/docs/README.md', 'Guides', 'How to operate, configure and extend the server'],
  ['guides/docs/mcp-server.md', 'Other agents (MCP)', 'How agents and editors use this server over MCP'],
  ['guides/docs/a2a.md', 'Other agents (A2A)', 'How agents give this server tasks over A2A'],
  ['guides/docs/operation.md', 'Operation', 'Backups, limits, logs, what to watch'],
] as const;

function Links() {
  return (
    <ul class="server-links" aria-label="Documents of this server">
      {LINKS.map(([path, label, about]) => (
        <li key={path}>
          <a href={new URL(path, SERVER_URL).href} target="_blank" rel="noopener">
            {label} <Icon name="external" />
          </a>
          <span>{about}</span>
        </li>
      ))}
      <Canvas />
    </ul>
  );
}

/** The chat that can be installed beside the console. */
function Canvas() {
  const { data } = useFetched((signal) => call(api.GET('/api/server/configuration', { signal })));
  const folder = data?.groups.flatMap(({ fields }) => fields).find(({ name }) => name === 'ui_path')?.value;
  if (data === undefined) return null;
  if (typeof folder === 'string') {
    return (
      <li>
        <a href={SERVER_URL.href}>Agent canvas</a>
        <span>A chat with agents, installed</span>
      </li>
    );
  }
  return (
    <li>
      <strong>Agent canvas</strong>
      <span>
        A chat with agents, not installed: <code>openhands-agent-server --fetch-ui</code>, in a checkout{' '}
        <code>npm run ui</code>; then start the server again
      </span>
    </li>
  );
}
