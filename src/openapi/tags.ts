/** The groups of operations in the order in which readers meet them, and what each is for. */
const TAGS: Readonly<Record<string, string>> = {
  Conversations:
    'Start a conversation, run, pause or interrupt its agent, change its model and policies, fork it, and read what ' +
    'came of it. Begin here.',
  Events:
    'The log of a conversation: send messages, read and count events, accept or reject the actions of an agent that ' +
    'asks first.',
  'Shared conversations':
    'What people with a share link may read of one conversation. Needs no key but the token of the link.',
  Settings:
    'What the server stores for its user: the defaults of new conversations, secrets, MCP servers, known workspaces.',
  Profiles:
    'Named configurations: of a model (LLM profiles), of an agent (agent profiles), of a choice between models ' +
    '(meta-profiles), and the API keys that LLM profiles share (provider connections).',
  LLM: 'The providers and models that the server knows, and signing in with a ChatGPT subscription.',
  Tools: 'The tools that an agent can be given.',
  ACP: 'External agents that speak the Agent Client Protocol, such as Claude Code or Gemini CLI.',
  MCP: 'Try an MCP server, and sign in to one with OAuth, before it is stored in the settings.',
  Skills: 'Texts that extend what an agent knows: find, install, enable and remove them.',
  Plugins: 'Packages of skills, hooks, sub-agents and MCP servers: find, install, enable and remove them.',
  'Sub-agents': 'Agents that another agent can delegate tasks to.',
  Hooks: 'Commands that run before or after actions of an agent, as configured in a project.',
  'Canvas extensions': 'Extensions of the web UI: install them, approve and start their back ends.',
  'Canvas App Backends': 'Access of the web UI to the back end of a canvas extension.',
  Bash: 'Run commands on the machine of the server, or in the working folder of a conversation.',
  Terminals: 'Terminals for people, on the machine of the server or in the sandbox of a conversation.',
  Files: 'Upload and download files, folders and archives.',
  Git: 'Changes and commits of repositories.',
  Workspace: 'Files of a working folder for a browser, which sends a cookie instead of a key.',
  VSCode: 'The editor that the server starts for a workspace.',
  Runtime: 'Where a conversation runs.',
  Automations:
    'Conversations that start without a person: by a schedule, an event, after others, or by hand; and what came of them.',
  Usage: 'What models have cost, by day, model, key, conversation and tag, and what budgets are left.',
  Keys: 'Named keys beside the session key: what each may do, whose conversations it sees, and until when.',
  Webhooks: 'The state of deliveries to other systems.',
  'OpenAI Compatibility': "Agents behind OpenAI's API, for programs that already speak it.",
  'Other Agents':
    'The server as an MCP server and as an agent of the A2A protocol: other agents and editors start conversations and ' +
    'wait for them.',
  'Server Details': 'Health, version, features and metrics of the server.',
  Init: 'Set up a server that was started with `deferred_init`.',
  Aliases:
    'Paths of the first version of the API, without `/api`. Each does the same as the operation named by `x-alias-of`.',
};

/** The tags of a document. @throws Error for one without a description */
export function describedTags(used: readonly string[]): { name: string; description: string }[] {
  const unknown = used.find((name) => TAGS[name] === undefined);
  if (unknown !== undefined) throw new Error(`src/openapi/tags.ts does not describe the tag ${unknown}`);
  return Object.entries(TAGS)
    .filter(([name]) => used.includes(name))
    .map(([name, description]) => ({ name, description }));
}
