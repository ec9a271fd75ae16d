import { useSignal } from '@preact/signals';
import { api, call } from '../../api/client.js';
import { useFetched } from '../../api/use-fetched.js';
import { Button } from '../../ui/button.js';
import { EmptyState } from '../../ui/empty-state.js';
import { Icon } from '../../ui/icon.js';
import { NotFetched } from '../../ui/not-fetched.js';
import { showToast } from '../../ui/toast.js';
import { ConfirmDialog } from '../../ui/confirm-dialog.js';
import { McpRow } from './mcp-row.js';
import { McpServerDialog } from './mcp-server-dialog.js';
import { readServers, type McpServer } from './mcp-server.js';

/** The MCP servers of new conversations. */
export function McpServersTab() {
  const { data: servers, error, reload } = useFetched(readServers);
  const edited = useSignal<[string, McpServer] | null | undefined>(undefined);
  const removed = useSignal<string | undefined>(undefined);
  const add = (): void => void (edited.value = null);
  if (servers === undefined)
    return <NotFetched title="The MCP servers could not be read" error={error} reload={reload} />;
  return (
    <div class="page-body settings-list">
      {servers.length === 0 ? (
        <EmptyState title="No MCP server yet">
          <p>
            An MCP server gives agents tools: a program that is started for each conversation, or an address.
            Agents of new conversations use all that are enabled.
          </p>
          <Button kind="primary" onClick={add}>
            Add an MCP server
          </Button>
        </EmptyState>
      ) : (
        <>
          <div class="list-head">
            <p class="soft">Agents of new conversations get the tools of all that are enabled.</p>
            <Button kind="primary" onClick={add}>
              <Icon name="plus" /> Add an MCP server
            </Button>
          </div>
          <ul class="card entries" aria-label="MCP servers">
            {servers.map(([name, server]) => (
              <McpRow key={name} name={name} server={server}>
                <Button aria-label={`Edit ${name}`} onClick={() => (edited.value = [name, server])}>
                  Edit
                </Button>
                <Button
                  kind="danger"
                  square
                  aria-label={`Remove ${name}`}
                  onClick={() => (removed.value = name)}
                >
                  <Icon name="trash" />
                </Button>
              </McpRow>
            ))}
          </ul>
        </>
      )}
      {edited.value !== undefined && (
        <McpServerDialog
          stored={edited.value}
          onClose={(changed) => {
            edited.value = undefined;
            if (changed) reload();
          }}
        />
      )}
      {removed.value !== undefined && (
        <ConfirmDialog
          title={`Remove the MCP server ${removed.value}`}
          action="Remove"
          onConfirm={async () => {
            const name = removed.value ?? '';
            await call(
              api.DELETE('/api/settings/mcp/{settings_key}', { params: { path: { settings_key: name } } }),
            );
            showToast(`The MCP server ${name} was removed.`);
            reload();
          }}
          onClose={() => (removed.value = undefined)}
        >
          Agents of new conversations no longer have its tools. Its stored credentials are deleted.
        </ConfirmDialog>
      )}
    </div>
  );
}
