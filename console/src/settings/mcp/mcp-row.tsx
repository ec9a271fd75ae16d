import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { messageOf } from '../../api/api-error.js';
import { Button } from '../../ui/button.js';
import { visible } from '../../ui/safe-text.js';
import { Badge } from '../../ui/status.js';
import { addressOf, testServer, type McpServer } from './mcp-server.js';

/** An MCP server with a button that tries it. */
export function McpRow({
  name,
  server,
  children,
}: {
  name: string;
  server: McpServer;
  children?: ComponentChildren;
}) {
  const isBusy = useSignal(false);
  const result = useSignal<{ tools: readonly string[] } | { error: string } | undefined>(undefined);
  const test = async (): Promise<void> => {
    isBusy.value = true;
    result.value = undefined;
    try {
      const answer = await testServer(name);
      result.value = 'error' in answer ? { error: answer.error } : { tools: answer.tools ?? [] };
    } catch (error) {
      result.value = { error: messageOf(error) };
    }
    isBusy.value = false;
  };
  const shown = result.value;
  return (
    <li>
      <div class="entry-main">
        <h2>
          {visible(name)}
          {server.enabled === false && <Badge tone="neutral">disabled</Badge>}
        </h2>
        <p class="soft mono">{visible(addressOf(server))}</p>
        {typeof server.description === 'string' && <p class="soft">{visible(server.description)}</p>}
        <div role="status">
          {shown !== undefined && 'error' in shown && <p class="field-problem">{visible(shown.error)}</p>}
          {shown !== undefined && 'tools' in shown && <ToolList tools={shown.tools} />}
        </div>
      </div>
      <div class="entry-actions">
        <Button busy={isBusy.value} onClick={() => void test()} aria-label={`Check ${name}`}>
          {isBusy.value ? 'Checking' : 'Check'}
        </Button>
        {children}
      </div>
    </li>
  );
}

function ToolList({ tools }: { tools: readonly string[] }) {
  return (
    <p class="is-good">
      It answered and has{' '}
      {tools.length === 0 ? 'no tools' : `${tools.length} tool${tools.length === 1 ? '' : 's'}: `}
      <span class="mono">{visible(tools.join(', ').slice(0, 2000))}</span>
    </p>
  );
}
