import type { ComponentChildren } from 'preact';
import { api, call } from '../../api/client.js';
import { useFetched } from '../../api/use-fetched.js';
import { SERVER_URL } from '../../routing/address.js';
import { Button } from '../../ui/button.js';
import { copyText } from '../../ui/copy-text.js';
import { Icon } from '../../ui/icon.js';

/** Where other agents and editors use the server with a key; nothing of what is switched off. */
export function AgentAddresses() {
  const { data } = useFetched((signal) => call(api.GET('/api/server/configuration', { signal })));
  const fields = data?.groups.flatMap((group) => group.fields) ?? [];
  const isOn = (field: string) => fields.find(({ name }) => name === field)?.value === true;
  return (
    <>
      {isOn('mcp_server') && (
        <Address name="MCP" path="mcp" guide="mcp-server.md">
          Other agents and editors can start conversations here: add the server to them as an MCP server with
          this key
        </Address>
      )}
      {isOn('a2a') && (
        <Address name="A2A" path="" guide="a2a.md">
          Agents that speak A2A can give the server tasks with this key: they read its agent card at this
          address
        </Address>
      )}
    </>
  );
}

/** @param children what the address is for, without a full stop */
function Address({
  name,
  path,
  guide,
  children,
}: {
  name: string;
  path: string;
  guide: string;
  children: ComponentChildren;
}) {
  const address = new URL(path, SERVER_URL).href;
  return (
    <>
      <p>
        {children} (
        <a href={new URL(`guides/docs/${guide}`, SERVER_URL).href} target="_blank" rel="noopener">
          how to
        </a>
        ).
      </p>
      <div class="key-once">
        <code>{address}</code>
        <Button aria-label={`Copy the ${name} address`} onClick={() => void copyText(address, 'The address')}>
          <Icon name="copy" /> Copy
        </Button>
      </div>
    </>
  );
}
